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
from costd.publish.passes import COOKIE_SECONDS, TICKET_SECONDS, Cookies, Tickets
from publish.wire import (
    PATIENCE,
    Reply,
    Serve,
    fetch,
    read_all,
    talk,
)

NOW = 1_795_000_000_000


@pytest.fixture
def port(serve: Serve, short_dir: Path) -> int:
    loopback = Loopback(0, short_dir / "token", lambda: NOW)
    server = serve(short_dir, loopback=loopback)
    assert server.port is not None
    return server.port


@pytest.fixture
def token(short_dir: Path, port: int) -> str:
    return (short_dir / "token").read_text().strip()


def knock(
    port: int, path: str = "/api/version", method: str = "GET", **headers: str
) -> Reply:
    """A request over TCP; a header's underscores are dashes."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return talk(client, path, method=method, headers=named)


def ticket(directory: Path) -> str:
    """The address that ``costd open`` is told, without the server's name."""
    reply = fetch(directory / "costd.sock", "/api/open", method="POST")
    url = str(reply.json["url"])
    assert reply.status == 200
    return "/open" + url.partition("/open")[2]


def cookie(port: int, directory: Path) -> str:
    """What a browser has after ``costd open``."""
    reply = knock(port, ticket(directory))
    assert (reply.status, reply.headers["location"]) == (303, "/")
    return reply.headers["set-cookie"].partition(";")[0]


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


def test_75_a_foreign_name_for_this_address_is_refused(port: int, token: str) -> None:
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


def test_75_a_page_of_another_site_is_refused(port: int, token: str) -> None:
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
    loopback = Loopback(0, short_dir / "token", lambda: NOW)
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
        serve(short_dir, loopback=Loopback(0, path, lambda: NOW))
    assert "Delete" in caught.value.fix
    assert not (short_dir / "costd.sock").exists()


def test_only_loopback_addresses_and_free_ports(
    serve: Serve, short_dir: Path, port: int
) -> None:
    token = short_dir / "token"
    for host in ("0.0.0.0", "::", "192.0.2.1", "localhost"):
        with pytest.raises(ConfigError, match="not a loopback address"):
            serve(short_dir / "b", loopback=Loopback(0, token, lambda: NOW, host))
    with pytest.raises(CostdError, match="it is taken"):
        serve(short_dir / "b", loopback=Loopback(port, token, lambda: NOW))
    assert not (short_dir / "b" / "costd.sock").exists()


def test_a_ticket_opens_once_and_its_cookie_from_then_on(
    port: int, short_dir: Path
) -> None:
    address = ticket(short_dir)
    reply = knock(port, address)
    assert (reply.status, reply.headers["location"]) == (303, "/")
    given = reply.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="):
        assert part in given
    has = given.partition(";")[0]
    assert knock(port, cookie=has).status == 200
    assert knock(port, cookie=f"other=1; {has}; more=2").status == 200
    again = knock(port, address)
    assert again.status == 401
    assert "set-cookie" not in again.headers


def test_what_is_no_ticket_or_no_cookie_opens_nothing(
    port: int, short_dir: Path, token: str
) -> None:
    for path in (
        "/open",
        "/open?ticket=",
        "/open?ticket=x&ticket=y",
        "/open?ticket=%ff",
    ):
        assert knock(port, path).status == 401
    assert knock(port, ticket(short_dir), host="evil.example").status == 403
    assert (
        knock(port, "/api/open", "POST", authorization=f"Bearer {token}").status == 422
    )
    has = cookie(port, short_dir)
    name, _, value = has.partition("=")
    until, _, signature = value.partition(".")
    later = f"{int(until) + 1}.{signature}"
    for wrong in (later, value[:-1], f"{until}.", "1.é", f"-1.{signature}", "", token):
        assert knock(port, cookie=f"{name}={wrong}").status == 401
    assert knock(port, cookie=f"costd-1={value}").status == 401


def test_a_cookie_ends_and_a_new_token_ends_it() -> None:
    time = [NOW]
    cookies = Cookies("t" * 40, 1, lambda: time[0])
    has = cookies.header().partition(";")[0]
    assert cookies.is_good(has)
    assert not Cookies("u" * 40, 1, lambda: NOW).is_good(has)
    time[0] += COOKIE_SECONDS * 1000 - 1
    assert cookies.is_good(has)
    time[0] += 1
    assert not cookies.is_good(has)


def test_a_ticket_ends_by_itself() -> None:
    time = [0.0]
    tickets = Tickets(lambda: time[0])
    first, second = tickets.issue(), tickets.issue()
    time[0] += TICKET_SECONDS - 1
    assert tickets.redeem(first)
    assert not tickets.redeem(first)
    time[0] += 1
    assert not tickets.redeem(second)
    many = [tickets.issue() for _ in range(40)]
    assert sum(tickets.redeem(each) for each in many) == 16


def test_75_with_a_cookie_only_an_own_page_can_change_something(
    port: int, short_dir: Path, token: str
) -> None:
    has, own = cookie(port, short_dir), f"http://127.0.0.1:{port}"
    assert knock(port, "/api/claims", "POST", cookie=has).status == 401
    assert knock(port, "/api/claims", "POST", cookie=has, origin=own).status == 200
    assert (
        knock(
            port, "/api/claims", "POST", cookie=has, sec_fetch_site="same-origin"
        ).status
        == 200
    )
    bearer = f"Bearer {token}"
    assert knock(port, "/api/claims", "POST", authorization=bearer).status == 200
    for headers in (
        {"origin": "http://127.0.0.1:1"},  # another server of this machine
        {"origin": "null"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site"},
    ):
        reply = knock(port, "/api/claims", "POST", cookie=has, **headers)
        assert (headers, reply.status) == (headers, 403)


def test_a_browser_that_is_not_let_in_is_told_what_to_do(port: int) -> None:
    reply = knock(port, "/", accept="text/html,*/*")
    assert reply.status == 401
    assert b"costd open" in reply.body
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in reply.headers


def test_only_style_and_scripts_are_open_to_all(port: int) -> None:
    assert knock(port, "/static/page.css").status == 200
    for path in (
        "/static/",
        "/static/..",
        "/static/../api/status",
        "/static/x/../../api/status",
        "/static/%2e%2e/api/status",
        "//static/page.css",
        "/staticpage.css",
    ):
        assert (path, knock(port, path).status) == (path, 401)
    assert knock(port, "/static/..%2fapi.py").status == 401


def test_without_a_port_nobody_gets_a_ticket(serve: Serve, short_dir: Path) -> None:
    serve(short_dir)
    reply = fetch(short_dir / "costd.sock", "/api/open", method="POST")
    assert reply.status == 422
    assert "costd config set http.enabled true" in reply.json["fix"]
