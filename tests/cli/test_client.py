"""The client on real sockets: what it takes for an answer, and what it says else."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cli.canned import Daemon
from costd.cli import client
from costd.cli.client import Connection, connect, query, quote
from costd.core.errors import BusyError, CostdError, NoDaemonError

Talk = Callable[[socket.socket], None]


@contextmanager
def listener(path: Path, talk: Talk) -> Iterator[str]:
    """Somebody on a socket who is not quite costd."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield str(path)
    finally:
        thread.join()
        server.close()


def opened(path: str) -> closing[Connection]:
    connection = connect(path)
    assert connection is not None
    return closing(connection)


def says(data: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    return talk


def test_several_questions_go_over_one_connection(daemon: Daemon) -> None:
    daemon.put(large={"text": "x" * 300_000})
    with opened(str(daemon.socket)) as connection:
        assert len(connection.ask("GET", "/api/large")) > 300_000
        assert connection.ask("POST", "/api/status", b"{}").startswith(b"{")
    assert [(r.method, r.body) for r in daemon.asked] == [("GET", b""), ("POST", b"{}")]


def test_nobody_listens(short_dir: Path) -> None:
    assert connect(str(short_dir / "none.sock")) is None
    gone = socket.socket(socket.AF_UNIX)
    gone.bind(str(short_dir / "gone.sock"))
    gone.close()
    assert connect(str(short_dir / "gone.sock")) is None
    assert connect(str(short_dir / ("x" * 200))) is None


@pytest.mark.skipif(sys.platform != "linux", reason="others refuse at once")
def test_a_full_queue_is_waited_for_and_then_reported(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(short_dir / "full.sock")
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(0)
        waiting = connect(path)
        assert waiting is not None  # the queue of none takes one
        with closing(waiting), pytest.raises(BusyError, match="takes no clients"):
            connect(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "went away"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", "went away"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "is not costd"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "is not costd"),
        (b"HTTP/1.1 wrong\r\ncontent-length: 0\r\n\r\n", "is not costd"),
        (b"x" * 100_000, "is not costd"),
    ],
)
def test_whoever_does_not_answer_like_costd(
    short_dir: Path, data: bytes, message: str
) -> None:
    with (
        listener(short_dir / "s", says(data)) as path,
        opened(path) as connection,
        pytest.raises(NoDaemonError, match=message) as caught,
    ):
        connection.ask("GET", "/api/status")
    assert caught.value.exit_code == 3
    assert caught.value.fix


def test_an_answer_that_does_not_come_is_not_waited_for_for_ever(
    short_dir: Path,
) -> None:
    done = threading.Event()

    def silent(connection: socket.socket) -> None:
        connection.recv(65536)
        done.wait(20)

    with (
        listener(short_dir / "s", silent) as path,
        opened(path) as connection,
    ):
        with pytest.raises(BusyError, match="did not answer within"):
            connection.ask("GET", "/api/status", seconds=0.01)
        done.set()


@pytest.mark.parametrize(
    ("value", "message", "fix", "code"),
    [
        (
            {"error": "No such session.", "fix": "Look.", "code": 1},
            "No such",
            "Look.",
            1,
        ),
        ({"error": "A bad date.", "fix": "", "code": 2}, "A bad date.", "", 2),
        ({"error": "Broken.", "code": 4}, "Broken.", "", 4),
        (b"<html>", "HTTP status 500", "Look at its log", 1),
        ([], "HTTP status 500", "Look at its log", 1),
        ({"error": "x", "code": "many"}, "HTTP status 500", "Look at its log", 1),
    ],
)
def test_the_daemons_error_keeps_its_exit_code(
    daemon: Daemon, value: object, message: str, fix: str, code: int
) -> None:
    daemon.put(status=(500, value))
    with opened(str(daemon.socket)) as connection, pytest.raises(CostdError) as caught:
        connection.ask("GET", "/api/status")
    assert message in caught.value.message
    assert fix in caught.value.fix
    assert caught.value.exit_code == code


def test_another_version_is_said_once(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.version = "9.9.9\x1b[31m"
    with opened(str(daemon.socket)) as connection:
        connection.ask("GET", "/api/status")
        connection.ask("GET", "/api/status")
    said = capsys.readouterr().err
    assert said.count("version 9.9.9") == 1
    assert "Restart the daemon" in said
    assert "\x1b" not in said


def test_the_same_version_is_not_worth_a_word(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(str(daemon.socket)) as connection:
        connection.ask("GET", "/api/status")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain-._~", "plain-._~"),
        ("a b&c=d?#/", "a%20b%26c%3Dd%3F%23%2F"),
        ("+", "%2B"),
        ("ø", "%C3%B8"),
        ("\udcff", "%FF"),
        ("%41", "%2541"),
    ],
)
def test_quoted_text_means_itself(text: str, quoted: str) -> None:
    assert quote(text) == quoted


def test_a_query_repeats_a_name_for_each_value() -> None:
    pairs = [("by", "day,model"), ("branch", "a&b"), ("branch", "c/d")]
    assert query("/x", pairs) == "/x?by=day,model&branch=a%26b&branch=c/d"
    assert query("/x", []) == "/x"
