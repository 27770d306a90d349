"""The life of the server and of its socket's file."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import uvicorn

from costd.core.errors import AlreadyRunningError, ConfigError, CostdError
from costd.publish.sockets import LONGEST_PATH
from publish.wire import (
    PATIENCE,
    Engine,
    Serve,
    UnixConnection,
    fetch,
    raw,
    talk,
    wait_until,
)

# Starting and stopping


def test_it_answers_from_start_to_stop(serve: Serve, short_dir: Path) -> None:
    server = serve(short_dir / "run")
    assert fetch(server.socket_path, "/api/version").status == 200
    assert stat.S_IMODE(server.socket_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.socket_path.parent.stat().st_mode) == 0o700
    assert server.is_alive
    assert server.stop(PATIENCE)
    assert not server.is_alive
    assert not server.socket_path.exists()
    assert server.stop(PATIENCE)
    server.start()
    assert fetch(server.socket_path, "/api/version").status == 200


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_the_socket_is_never_wider_than_its_owner(
    serve: Serve, short_dir: Path, mask: int
) -> None:
    before = os.umask(mask)
    try:
        server = serve(short_dir / "run")
    finally:
        os.umask(before)
    assert stat.S_IMODE(server.socket_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.socket_path.parent.stat().st_mode) == 0o700


def test_a_socket_that_answers_is_left_alone(serve: Serve, short_dir: Path) -> None:
    first = serve(short_dir)
    with pytest.raises(AlreadyRunningError) as caught:
        serve(short_dir)
    assert str(first.socket_path) in caught.value.message
    assert fetch(first.socket_path, "/api/version").status == 200


def test_a_socket_of_a_killed_daemon_is_replaced(serve: Serve, short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(short_dir / "costd.sock"))
        killed.listen()
    server = serve(short_dir)
    assert fetch(server.socket_path, "/api/version").status == 200


def test_a_full_queue_is_a_living_daemon(serve: Serve, short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as busy, ExitStack() as clients:
        busy.bind(str(short_dir / "costd.sock"))
        busy.listen(0)
        clients.enter_context(closing(raw(short_dir / "costd.sock")))
        with pytest.raises(AlreadyRunningError):
            serve(short_dir)


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_no_socket_is_never_removed(
    serve: Serve, short_dir: Path, kind: str
) -> None:
    path = short_dir / "costd.sock"
    (short_dir / "precious").write_text("x")
    {
        "file": path.touch,
        "link": lambda: path.symlink_to("precious"),
        "folder": path.mkdir,
    }[kind]()
    with pytest.raises(ConfigError, match="not a socket"):
        serve(short_dir)
    assert path.exists()


def test_a_path_over_the_limit_names_limit_and_setting(
    serve: Serve, short_dir: Path
) -> None:
    longest = LONGEST_PATH - len(str(short_dir)) - len("//costd.sock")
    assert serve(short_dir / ("x" * longest)).is_alive
    with pytest.raises(ConfigError) as caught:
        serve(short_dir / ("x" * (longest + 1)))
    assert str(LONGEST_PATH) in caught.value.message
    assert "runtime_dir" in caught.value.fix


def test_a_directory_that_others_can_write_is_refused(
    serve: Serve, short_dir: Path
) -> None:
    short_dir.chmod(0o777)
    with pytest.raises(ConfigError, match="others could replace"):
        serve(short_dir)
    short_dir.chmod(0o1777)
    assert serve(short_dir).is_alive


def test_a_directory_that_cannot_be_made_is_said(serve: Serve, short_dir: Path) -> None:
    (short_dir / "file").touch()
    with pytest.raises(ConfigError) as caught:
        serve(short_dir / "file" / "run")
    assert "runtime_dir" in caught.value.fix


def test_nothing_wakes_an_idle_server(serve: Serve, short_dir: Path) -> None:
    server = serve(short_dir)
    assert fetch(server.socket_path, "/api/version").status == 200
    running = server._running
    assert running is not None
    assert running.loop is not None
    wait_until(lambda: not running.server_state.connections)

    async def timers() -> int:
        # Private, and the only sure sign: a wait without a timer never wakes.
        pending = getattr(asyncio.get_running_loop(), "_scheduled")  # noqa: B009  the attribute is untyped
        return sum(not timer.cancelled() for timer in pending)

    assert asyncio.run_coroutine_threadsafe(timers(), running.loop).result(20) == 0


def test_a_stop_waits_neither_for_streams_nor_for_silent_or_slow_clients(
    serve: Serve, short_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Engine({"verify": ..., "report": {"rows": "x" * 20_000_000}})
    server = serve(short_dir, engine)
    with ExitStack() as clients:

        def connect() -> UnixConnection:
            return clients.enter_context(closing(UnixConnection(server.socket_path)))

        stream, asking, unread = connect(), connect(), connect()
        stream.request("GET", "/api/live")
        events = stream.getresponse()
        assert events.readline() == b"event: status\n"
        asking.request("POST", "/api/verify")
        wait_until(lambda: engine.open)
        unread.request("GET", "/api/report")
        half = clients.enter_context(closing(raw(server.socket_path)))
        half.sendall(b"POST /api/sync HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n")
        clients.enter_context(closing(raw(server.socket_path)))
        wait_until(lambda: server.census and len(server.census.connections) == 5)

        assert server.stop(PATIENCE)
        assert not server.is_alive
        assert events.read().endswith(b"\n")
        answer = asking.getresponse()
        assert answer.status == 503
        assert b"costd stops" in answer.read()
    # The engine finishes later; nobody listens, and nothing is raised.
    engine.open[0].set_result({})
    assert caplog.records == []


def test_a_server_that_cannot_start_says_so_and_leaves_nothing(
    serve: Serve, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_self: uvicorn.Server, sockets: object = None) -> None:
        raise SystemExit(3)

    with monkeypatch.context() as patch:
        patch.setattr(uvicorn.Server, "startup", fail)
        with pytest.raises(CostdError, match="did not start: SystemExit"):
            serve(short_dir)
    assert not (short_dir / "costd.sock").exists()
    assert serve(short_dir).is_alive


# The socket's file


def test_a_socket_that_a_cleaner_removed_comes_back(
    serve: Serve, short_dir: Path
) -> None:
    server = serve(short_dir / "run")
    path = server.socket_path
    with closing(UnixConnection(path)) as kept:
        assert talk(kept, "/api/version").status == 200
        path.unlink()
        assert server.ensure_socket()
        assert fetch(path, "/api/version").status == 200
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert talk(kept, "/api/version").status == 200
    path.unlink()
    path.parent.rmdir()
    assert server.ensure_socket()
    assert not server.ensure_socket()
    assert fetch(path, "/api/version").status == 200
    assert server.stop(PATIENCE)
    assert not path.exists()
    assert not server.ensure_socket()


def test_the_socket_is_touched_so_that_cleaners_pass_by(
    serve: Serve, short_dir: Path
) -> None:
    server = serve(short_dir)
    os.utime(server.socket_path, (1, 1))
    assert not server.ensure_socket()
    assert server.socket_path.stat().st_mtime > 1


def test_a_socket_that_another_daemon_took_is_left_to_it(
    serve: Serve, short_dir: Path
) -> None:
    first = serve(short_dir)
    first.socket_path.unlink()
    second = serve(short_dir)
    with pytest.raises(AlreadyRunningError):
        first.ensure_socket()
    assert first.stop(PATIENCE)
    assert fetch(second.socket_path, "/api/version").status == 200
