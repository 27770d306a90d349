"""Posts to a real server: what arrives, what is refused, and what is never done."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from costd.publish.webhook import Sent, Target, is_private, post, target
from e2e.daemons import free_port
from receiver import Receiver, certificate_for, receiving

TAKEN = Sent(is_taken=True, is_final=True, problem="")


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def at(url: str) -> Target:
    found = target(url)
    assert found is not None
    return found


def send(url: str, *, allow_private: bool = True, seconds: float = 5.0) -> Sent:
    headers = {"X-Costd-Event": "failed"}
    return post(
        at(url), b'{"a":1}', headers, seconds=seconds, allow_private=allow_private
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h.example/x?y=1", ("https", "h.example", 443, "/x?y=1")),
        ("https://h.example", ("https", "h.example", 443, "/")),
        ("http://127.0.0.1:8080/a", ("http", "127.0.0.1", 8080, "/a")),
        ("https://[::1]:9/", ("https", "::1", 9, "/")),
        ("ftp://h.example/", None),
        ("https:///x", None),
        ("https://user:pw@h.example/", None),
        ("https://h.example:99999/", None),
        ("https://h.example/\r\nX: y", None),
        ("file:///etc/passwd", None),
        ("", None),
    ],
)
def test_which_urls_can_be_used(url: str, expected: object) -> None:
    found = target(url)
    assert (None if found is None else tuple(found)) == expected


def test_only_scheme_and_host_are_shown() -> None:
    assert at("https://hooks.example/T0/secret").shown == "https://hooks.example"


@pytest.mark.parametrize(
    "text",
    "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 "
    "224.0.0.1 255.255.255.255 ::1 :: fe80::1 fc00::1 fd12::1 ::ffff:10.0.0.1 "
    "::ffff:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: ff02::1 "
    "192.0.2.1 2001:db8::1".split(),
)
def test_addresses_that_are_not_of_the_whole_internet(text: str) -> None:
    assert is_private(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    "1.1.1.1 93.184.215.14 ::ffff:1.1.1.1 2606:4700::1111 64:ff9b::101:101".split(),
)
def test_addresses_that_are(text: str) -> None:
    assert not is_private(ipaddress.ip_address(text))


def test_it_arrives_with_its_headers(server: Receiver) -> None:
    assert send(f"http://127.0.0.1:{server.port}/hook?x=1") == TAKEN
    ((headers, body),) = server.got
    assert body == b'{"a":1}'
    assert headers["path"] == "/hook?x=1"
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["content-type"] == "application/json"
    assert headers["x-costd-event"] == "failed"


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        (400, True),
        (404, True),
        (410, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_what_is_refused_for_good_and_what_for_now(
    server: Receiver, status: int, is_final: bool
) -> None:
    server.status = status
    sent = send(f"http://127.0.0.1:{server.port}/")
    assert sent == Sent(
        is_taken=False, is_final=is_final, problem=f"it answers {status}"
    )


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_76_a_redirect_is_not_followed(server: Receiver, status: int) -> None:
    server.status = status
    sent = send(f"http://127.0.0.1:{server.port}/")
    assert (sent.is_taken, sent.is_final) == (False, True)
    assert [headers["path"] for headers, _ in server.got] == ["/"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_76_a_private_address_is_not_even_connected_to(
    server: Receiver, scheme: str, host: str
) -> None:
    sent = send(f"{scheme}://{host}:{server.port}/", allow_private=False)
    assert (sent.is_taken, sent.is_final) == (False, True)
    assert "private" in sent.problem
    assert server.got == []


def test_a_public_address_is_never_sent_anything_without_tls() -> None:
    sent = send("http://1.1.1.1/")
    assert (sent.is_taken, sent.is_final, sent.problem) == (
        False,
        True,
        "it is not https",
    )


def test_76_one_that_hangs_is_left(server: Receiver) -> None:
    server.status = 0
    began = time.monotonic()
    sent = send(f"http://127.0.0.1:{server.port}/", seconds=0.3)
    assert sent.problem == "it did not answer in time"
    assert not sent.is_final
    assert time.monotonic() - began < 30  # of the minute that it would have taken


def test_76_one_that_answers_byte_by_byte_is_left_too(server: Receiver) -> None:
    server.drip = True
    sent = send(f"http://127.0.0.1:{server.port}/", seconds=0.5)
    assert sent.problem == "it did not answer in time"


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = send(f"http://127.0.0.1:{free_port()}/")
    assert sent == Sent(
        is_taken=False, is_final=False, problem="it could not be reached"
    )

    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)  # a network may be slow at it
    sent = send("https://no-such-host.invalid/")
    assert sent.problem == "its name is not known"


needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl")


@needs_openssl
def test_tls_by_name_to_the_address_that_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certificate_for(tmp_path, "localhost")
    with receiving(certificate) as server:
        url = f"https://localhost:{server.port}/"
        assert "certificate" in send(url).problem  # nobody vouches for it
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert send(url) == TAKEN
        # Vouched for, but for another name.
        assert "certificate" in send(f"https://127.0.0.1:{server.port}/").problem
    assert len(server.got) == 1


@needs_openssl
def test_a_server_without_tls_gets_nothing_to_read(server: Receiver) -> None:
    sent = send(f"https://localhost:{server.port}/", seconds=2.0)
    assert not sent.is_taken
    assert server.got == []
