"""One POST to an address that somebody configured, and nothing that it did not ask for.

HTTPS only; no redirects; no proxy; an address within this machine or its networks only
where that is allowed; the connection goes to the very address that was looked at. What
the other side answers is not read beyond its status.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LATER = frozenset({408, 425, 429})
_SUCCESS, _REDIRECT, _REFUSED, _BROKEN = 200, 300, 400, 500


class Sent(NamedTuple):
    """What came of it.

    Attributes:
        is_taken: the other side has it.
        is_final: trying again would not help.
        problem: why not, without address or text; empty where it was taken.
    """

    is_taken: bool
    is_final: bool
    problem: str


class Target(NamedTuple):
    """An address, taken apart."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """What may be shown: the path may be a secret."""
        return f"{self.scheme}://{self.host}"


def target(url: str) -> Target | None:
    """The target of a URL; None where it is none that can be used."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return None
    if parts.username or parts.password or not url.isascii() or not url.isprintable():
        return None
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    path = parts.path or "/"
    return Target(
        parts.scheme,
        parts.hostname,
        port,
        f"{path}?{parts.query}" if parts.query else path,
    )


def post(
    where: Target,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float,
    allow_private: bool,
) -> Sent:
    """Send it, and wait so long at most.

    Args:
        where: the target.
        body: JSON.
        headers: those beside ``Host``, ``Content-Type`` and ``Content-Length``.
        seconds: for all of it together.
        allow_private: whether it may stay within this machine or its networks; only
            then it may go without TLS.
    """
    try:
        addresses = _resolved(where)
    except OSError:
        return _not_taken("its name is not known")
    if problem := _forbidden(where, addresses, allow_private=allow_private):
        return _not_taken(problem, is_final=True)
    connection = _connection(where, addresses[0], seconds)
    # A timeout of the socket is for each read: a slow answer could take for ever.
    late = threading.Event()
    timer = threading.Timer(seconds, _cut, (connection, late))
    timer.daemon = True
    timer.start()
    try:
        return _exchanged(connection, where, body, headers)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _not_taken(_reason(error, is_late=late.is_set()))
    finally:
        timer.cancel()
        connection.close()


def _not_taken(problem: str, *, is_final: bool = False) -> Sent:
    return Sent(is_taken=False, is_final=is_final, problem=problem)


def _forbidden(where: Target, addresses: list[Address], *, allow_private: bool) -> str:
    """Why nothing may go there; empty where it may."""
    if not allow_private and any(map(is_private, addresses)):
        return "its address is private, and [webhook] allow_private is false"
    if where.scheme == "http" and not all(map(is_private, addresses)):
        return "it is not https"
    return ""


def _reason(error: Exception, *, is_late: bool) -> str:
    """Why a message did not arrive, without a word of the other side."""
    if is_late or isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLError):
        return "its certificate is not trusted, or it speaks no TLS"
    return "it could not be reached"


def is_private(address: Address) -> bool:
    """Whether an address is not one of the whole internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_private(address.ipv4_mapped)
        if address.sixtofour is not None:
            return is_private(address.sixtofour)
        if address in _NAT64:
            return is_private(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return not address.is_global or address.is_multicast or address.is_reserved


def _resolved(where: Target) -> list[Address]:
    found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
    addresses = [ipaddress.ip_address(text) for text in texts]
    if not addresses:
        raise OSError("no address")
    return addresses


def _connection(
    where: Target, address: Address, seconds: float
) -> http.client.HTTPConnection:
    if where.scheme == "http":
        return _Pinned(where, address, seconds)
    return _PinnedTls(where, address, seconds)


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, whatever its name means by now."""

    def __init__(self, where: Target, address: Address, seconds: float) -> None:
        super().__init__(where.host, where.port, timeout=seconds)
        self._address = str(address)

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _PinnedTls(_Pinned):
    """The same with TLS, by the name that was asked for."""

    default_port = 443

    def connect(self) -> None:
        super().connect()
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


def _exchanged(
    connection: http.client.HTTPConnection,
    where: Target,
    body: bytes,
    headers: Mapping[str, str],
) -> Sent:
    sent = {**headers, "Content-Type": "application/json", "Connection": "close"}
    connection.request("POST", where.path, body, sent)
    status = connection.getresponse().status
    if _SUCCESS <= status < _REDIRECT:
        return Sent(is_taken=True, is_final=True, problem="")
    if _REDIRECT <= status < _REFUSED:
        said = f"it answers with a redirect ({status}), and those are not followed"
        return Sent(is_taken=False, is_final=True, problem=said)
    is_final = _REFUSED <= status < _BROKEN and status not in _LATER
    return Sent(is_taken=False, is_final=is_final, problem=f"it answers {status}")


def _cut(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    late.set()
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            sock.close()
