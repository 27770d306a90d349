"""The loopback port, where every user and every web page can knock."""

from __future__ import annotations

import http.client
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from costd import __version__
from costd.core.errors import ConfigError, CostdError
from costd.publish.loopback import Loopback
from publish.wire import (
    PATIENCE,
    Reply,
    Serve,
    fetch,
    read_all,
    talk,
)


@pytest.fixture
def port(serve: Serve, short_dir: Path) -> int:
    loopback = Loopback(0, short_dir / "token")
    server = serve(short_dir, loopback=loopback)
    assert server.port is not None
    return server.port


@pytest.fixture
def token(short_dir: Path, port: int) -> str:
    return (short_dir / "token").read_text().strip()


def knock(port: int, **headers: str) -> Reply:
    """A request over TCP; a header's underscores are dashes."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return talk(client, "/api/version", headers=named)


def test_the_token_opens_and_nothing_else_does(
    port: int, token: str, short_dir: Path
) -> None:
    assert stat.S_IMODE((short_dir / "token").stat().st_mode) == 0o600
    assert len(token) >= 32
    assert knock(port, authorization=f"Bearer {token}").status == 200
    assert knock(port, authorization=f"bearer  {token}").status == 200
    for wrong in (token, f"Basic {token}", "Bearer ", f"Bearer {token}x", "Bearer é"):
        reply = knock(port, authorization=wrong)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Bearer")
        assert reply.headers["costd-version"] == __version__
        assert token.encode() not in reply.body
    assert knock(port).status == 401
    assert fetch(short_dir / "costd.sock", "/api/version").status == 200


def test_a_foreign_name_for_this_address_is_refused(port: int, token: str) -> None:
    bearer = f"Bearer {token}"
    for host in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        assert knock(port, host=f"{host}:{port}", authorization=bearer).status == 200
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "localhost",
        "localhost:1",
        "",
    ):
        reply = knock(port, host=host, authorization=bearer)
        assert (host, reply.status) == (host, 403)


def test_a_page_of_another_site_is_refused(port: int, token: str) -> None:
    bearer = f"Bearer {token}"
    own = f"http://localhost:{port}"
    assert knock(port, origin=own, authorization=bearer).status == 200
    for origin in ("http://evil.example", "null", f"https://localhost:{port}", ""):
        assert knock(port, origin=origin, authorization=bearer).status == 403
    for site, status in (
        ("same-origin", 200),
        ("none", 200),
        ("same-site", 403),
        ("cross-site", 403),
    ):
        found = knock(port, sec_fetch_site=site, authorization=bearer)
        assert (site, found.status) == (site, status)


def test_http_1_0_without_a_host_is_refused(port: int, token: str) -> None:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as client:
        head = f"GET /api/version HTTP/1.0\r\nauthorization: Bearer {token}\r\n\r\n"
        client.sendall(head.encode())
        assert read_all(client).startswith(b"HTTP/1.1 403 ")


def test_a_token_of_an_earlier_start_is_kept(serve: Serve, short_dir: Path) -> None:
    loopback = Loopback(0, short_dir / "token")
    first = serve(short_dir, loopback=loopback)
    token = (short_dir / "token").read_text()
    assert first.stop(PATIENCE)
    assert first.port is None
    second = serve(short_dir, loopback=loopback)
    assert second.port is not None
    assert (short_dir / "token").read_text() == token
    assert knock(second.port, authorization=f"Bearer {token.strip()}").status == 200


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (b"x" * 43, 0o644, "others can read it"),
        (b"short", 0o600, "less than 32"),
        (b"", 0o600, "less than 32"),
        (b"\xff" * 43, 0o600, "plain characters"),
    ],
)
def test_a_token_that_is_none_stops_the_start_and_leaves_no_socket(
    serve: Serve, short_dir: Path, content: bytes, mode: int, says: str
) -> None:
    path = short_dir / "token"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=says) as caught:
        serve(short_dir, loopback=Loopback(0, path))
    assert "Delete" in caught.value.fix
    assert not (short_dir / "costd.sock").exists()


def test_only_loopback_addresses_and_free_ports(
    serve: Serve, short_dir: Path, port: int
) -> None:
    token = short_dir / "token"
    for host in ("0.0.0.0", "::", "192.0.2.1", "localhost"):
        with pytest.raises(ConfigError, match="not a loopback address"):
            serve(short_dir / "b", loopback=Loopback(0, token, host))
    with pytest.raises(CostdError, match="it is taken"):
        serve(short_dir / "b", loopback=Loopback(port, token))
    assert not (short_dir / "b" / "costd.sock").exists()
