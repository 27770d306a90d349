"""Clients that are strangers, silent, slow, loud or gone."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from costd.publish import connections
from costd.publish.connections import Connection
from costd.publish.server import MOST_REQUESTS
from publish.wire import (
    PATIENCE,
    Engine,
    Serve,
    Surprises,
    UnixConnection,
    fetch,
    raw,
    read_all,
    talk,
    wait_until,
)

STRANGER = """
    import os, socket, sys
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(sys.argv[1])
    try:
        connection.sendall(b"GET /api/status HTTP/1.1\\r\\nhost: costd\\r\\n\\r\\n")
        print("got", connection.recv(100))
    except (BrokenPipeError, ConnectionResetError):
        print("got", b"")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: root only")
def test_another_user_gets_nothing(serve: Serve, short_dir: Path) -> None:
    engine = Engine()
    surprises: Surprises = []
    server = serve(short_dir, engine, surprises=surprises)
    short_dir.chmod(0o755)
    server.socket_path.chmod(0o777)
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(STRANGER), str(server.socket_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.stdout == "got b''\n", found.stderr
    assert engine.asked == []
    assert server.census is not None
    assert server.census.refused == 1
    assert fetch(server.socket_path, "/api/status").status == 200
    assert surprises == []


# Clients that do not behave


def test_silent_clients_do_not_block_others(serve: Serve, short_dir: Path) -> None:
    server = serve(short_dir)
    with ExitStack() as clients:
        for number in range(20):
            client = clients.enter_context(closing(raw(server.socket_path)))
            client.sendall(b"GET /api/status HTT"[:number])
        for _ in range(5):
            assert fetch(server.socket_path, "/api/version").status == 200


def test_silent_clients_are_closed(
    serve: Serve, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SILENT_SECONDS", 0.1)
    server = serve(short_dir)
    with ExitStack() as clients:
        silent = [
            clients.enter_context(closing(raw(server.socket_path))) for _ in range(4)
        ]
        for client in silent[2:]:
            with suppress(BrokenPipeError):  # closed already, on a busy machine
                client.sendall(b"GET /api/status HTT")
        assert [read_all(client) for client in silent] == [b""] * 4
    assert server.census is not None
    assert server.census.expired == 4


def test_a_head_that_drips_in_does_not_live_for_ever(
    serve: Serve, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(short_dir)
    with closing(UnixConnection(server.socket_path)) as connection:
        # After a whole request, too: uvicorn's own timer ends with the first byte.
        assert talk(connection, "/api/version").status == 200
        monkeypatch.setattr(connections, "SILENT_SECONDS", 0.1)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            drip(connection.sock)


def drip(connection: socket.socket) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        connection.sendall(b"G")
        time.sleep(0.01)


@pytest.mark.parametrize("url", ["/api/report", "/api/live"])
def test_a_client_that_never_reads_is_given_up(
    serve: Serve, short_dir: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.1)
    large = {"rows": "x" * 5_000_000}
    server = serve(short_dir, Engine({"report": large, "status": large}))
    with closing(UnixConnection(server.socket_path)) as client:
        client.request("GET", url)
        wait_until(lambda: server.census and server.census.expired == 1)
        wait_until(lambda: server.census and not server.census.connections)


def test_a_client_that_leaves_the_end_of_an_answer_is_given_up(
    serve: Serve, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.1)
    engine = Engine({"report": {"rows": "x" * 5_000_000}})
    server = serve(short_dir, engine)
    with closing(UnixConnection(server.socket_path)) as client:
        assert talk(client, "/api/version").status == 200
        assert server.census is not None
        (connection,) = server.census.connections
        assert isinstance(connection, Connection)
        # As if the rest were small: nobody pauses the writer.
        connection.loop.call_soon_threadsafe(
            connection.transport.set_write_buffer_limits, 10_000_000
        )
        client.request("GET", "/api/report")
        wait_until(lambda: server.census and server.census.expired == 1)


def test_a_client_that_reads_slowly_gets_all_of_it(
    serve: Serve, short_dir: Path
) -> None:
    engine = Engine({"report": {"rows": "x" * 5_000_000}})
    server = serve(short_dir, engine)
    with closing(UnixConnection(server.socket_path)) as client:
        client.request("GET", "/api/report")
        answer = client.getresponse()
        assert server.census is not None
        (connection,) = server.census.connections
        assert isinstance(connection, Connection)
        wait_until(lambda: connection._unread is not None)
        left = connection.transport.get_write_buffer_size()
        size = len(answer.read(1_000_000))
        wait_until(lambda: connection.transport.get_write_buffer_size() < left)
        # The moment comes at which a client that took nothing would be given up.
        connection.loop.call_soon_threadsafe(connection._check_reading, left)
        while data := answer.read(1_000_000):
            size += len(data)
    assert size == len(b'{"rows":""}\n') + 5_000_000
    assert server.census.expired == 0


def test_garbage_ends_its_own_connection_only(serve: Serve, short_dir: Path) -> None:
    surprises: Surprises = []
    server = serve(short_dir, surprises=surprises)
    chance = random.Random(7)
    shapes = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /x HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST /api/sync HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /api/sync HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nZ\r\n",
        b"GET /api/version HTTP/1.1\r\nhost: a\r\n\r\n" + b"\0" * 70_000,
        b"GET /" + b"a" * 200_000,
        b"GET /x HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nhost: a\r\n\r\n",
        *(chance.randbytes(chance.randrange(1, 3000)) for _ in range(40)),
    ]
    for shape in shapes:
        with closing(raw(server.socket_path)) as connection:
            try:
                connection.sendall(shape)
                connection.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before it was all sent
            answer = read_all(connection)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
        assert fetch(server.socket_path, "/api/version").status == 200
    assert [type(error) for _, error in surprises] == []


def test_a_crowd_is_turned_away_and_the_server_stays(
    serve: Serve, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 4)
    server = serve(short_dir)
    with ExitStack() as clients:
        crowd = [
            clients.enter_context(closing(raw(server.socket_path))) for _ in range(6)
        ]
        assert read_all(crowd[4]) == read_all(crowd[5]) == b""
        assert server.census is not None
        assert server.census.crowded == 2
    wait_until(lambda: server.census and not server.census.connections)
    assert fetch(server.socket_path, "/api/version").status == 200


def test_more_requests_than_the_limit_are_refused(
    serve: Serve, short_dir: Path
) -> None:
    engine = Engine({"verify": ...})
    server = serve(short_dir, engine)
    with ExitStack() as clients:
        for _ in range(MOST_REQUESTS - 1):
            waiting = clients.enter_context(closing(UnixConnection(server.socket_path)))
            waiting.request("POST", "/api/verify")
        wait_until(lambda: len(engine.open) == MOST_REQUESTS - 1)
        assert fetch(server.socket_path, "/api/version").status == 503
        for future in engine.open:
            future.set_result({})


def test_a_client_that_leaves_in_the_middle_is_no_surprise(
    serve: Serve, short_dir: Path
) -> None:
    surprises: Surprises = []
    engine = Engine({"report": {"rows": "x" * 5_000_000}})
    server = serve(short_dir, engine, surprises=surprises)
    with closing(raw(server.socket_path)) as client:
        client.sendall(
            b"POST /api/sync HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n"
        )
    with closing(raw(server.socket_path)) as client:
        client.sendall(b"GET /api/report HTTP/1.1\r\nhost: a\r\n\r\n")
        assert client.recv(1000)
    with closing(raw(server.socket_path)) as client:
        client.sendall(b"GET /api/live HTTP/1.1\r\nhost: a\r\n\r\n")
        assert client.recv(1000)
    wait_until(lambda: server.census and not server.census.connections)
    wait_until(lambda: server.census and not server.census.tasks)
    assert surprises == []
    assert [question for question, _ in engine.asked] == ["report", "status"]
