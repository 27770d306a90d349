"""The door of the loopback port: every user and every web page can knock there.

A browser sends requests to 127.0.0.1 for any page (cross-site requests), and a name
can be made to point there (DNS rebinding). So each request must name this server in
``Host``, must not come from another page, and must carry the token, which only the
owner of its file can read, or the cookie that ``costd open`` fetches for a browser. The
Unix socket needs none of this: its file is 0600 and the kernel tells who is there.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from costd.core.errors import ConfigError
from costd.publish.files import write_atomic
from costd.publish.passes import TICKET_SECONDS, Cookies, Tickets
from costd.publish.replies import MISUSED, PAGE_HEADERS, refusal, reply, stamped

SHORTEST_TOKEN = 32
_LONGEST_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class Loopback:
    """Where to listen on TCP: ``host`` 127.0.0.1 or ::1, ``port`` 0 for any.

    ``now`` is the time in milliseconds since the epoch: cookies end.
    """

    port: int
    token_path: Path
    now: Callable[[], int]
    host: str = "127.0.0.1"

    def address(self, port: int) -> str:
        """Where a browser finds it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}"


def read_token(path: Path) -> str:
    """The token of this installation; made (0600) when there is none yet.

    Raises:
        ConfigError: others can read it, or it is no token.
        PublishError: it cannot be made.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        token = secrets.token_urlsafe(32)
        write_atomic(path, token.encode("ascii") + b"\n")
        return token
    except OSError as error:
        raise _useless(path, os.strerror(error.errno or 0)) from None
    try:
        return _token_of(path, fd)
    finally:
        os.close(fd)


def _token_of(path: Path, fd: int) -> str:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        raise _useless(path, "it is no file of this user")
    if found.st_mode & 0o077:
        raise _useless(path, "others can read it")
    token = os.read(fd, _LONGEST_TOKEN).decode("ascii", "replace").strip()
    if len(token) < SHORTEST_TOKEN or not token.isascii():
        raise _useless(path, f"it has less than {SHORTEST_TOKEN} plain characters")
    return token


def _useless(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"the token in {path} cannot be used: {reason}",
        "Delete the file; the next start makes a new token.",
    )


class Door:
    """Lets through what came by the Unix socket, and what may pass on TCP.

    Args:
        app: the application behind it.
        loopback: where it listens.
        port: on which port it does.
        token: what opens.
    """

    def __init__(self, app: ASGIApp, loopback: Loopback, port: int, token: str) -> None:
        self._app = app
        self._address = loopback.address(port)
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self._token = token.encode("ascii")
        self._tickets = Tickets()
        self._cookies = Cookies(token, port, loopback.now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        answer = self._answer(scope) if scope["type"] == "http" else None
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await answer(scope, receive, stamped(send))

    def _answer(self, scope: Scope) -> Response | None:
        """What the door says by itself; None: the application is asked."""
        if scope.get("state", {}).get("is_unix"):
            is_asked = (scope["method"], scope["path"]) == ("POST", TICKET_PATH)
            return self._ticket() if is_asked else None
        headers = Headers(scope=scope)
        if (problem := self._foreign(headers)) is not None:
            return refusal(403, problem, _BY_ADDRESS, MISUSED)
        if (scope["method"], scope["path"]) == ("GET", ENTRY_PATH):
            return self._enter(scope)
        if _is_open(scope["path"]) or self._is_known(scope, headers):
            return None
        if "text/html" in headers.get("accept", ""):
            return HTMLResponse(_LOCKED, 401, dict(PAGE_HEADERS))
        return refusal(
            401,
            "no token, or a wrong one",
            "Send the token of this installation: Authorization: Bearer ….",
            MISUSED,
            {"www-authenticate": 'Bearer realm="costd"'},
        )

    def _foreign(self, headers: Headers) -> str | None:
        if headers.get("host", "").lower() not in self._hosts:
            return "this server has another name"
        return None if self._is_own_page(headers) else "asked by a page of another site"

    def _ticket(self) -> Response:
        url = f"{self._address}{ENTRY_PATH}?ticket={self._tickets.issue()}"
        seconds = int(TICKET_SECONDS)
        return reply({"schema_version": 1, "url": url, "seconds": seconds})

    def _enter(self, scope: Scope) -> Response:
        """A cookie for a ticket."""
        query = parse_qs(scope["query_string"].decode("ascii", "replace"))
        (ticket, *more) = query.get("ticket", [""])
        if more or not self._tickets.redeem(ticket):
            return HTMLResponse(_LOCKED, 401, dict(PAGE_HEADERS))
        headers = {"location": "/", "set-cookie": self._cookies.header()}
        return Response(status_code=303, headers=headers)

    def _is_known(self, scope: Scope, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip().encode("utf-8", "replace")
        if scheme.lower() == "bearer" and hmac.compare_digest(given, self._token):
            return True
        if not self._cookies.is_good(headers.get("cookie", "")):
            return False
        # A browser sends a cookie along whoever asks it to. What changes something must
        # come from a page of this server, and say so.
        is_reading = scope["method"] in ("GET", "HEAD")
        return is_reading or "origin" in headers or "sec-fetch-site" in headers

    def _is_own_page(self, headers: Headers) -> bool:
        """Whether a browser says that the page is this server's, or no page asks."""
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in map(
            "http://{}".format, self._hosts
        ):
            return False
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")


TICKET_PATH = "/api/open"
ENTRY_PATH = "/open"
OPEN_FOLDER = "/static/"
"""Style sheet and scripts: they are in the package, and nobody's secret."""


def _is_open(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return f"{folder}/" == OPEN_FOLDER and name not in ("", ".", "..")


_BY_ADDRESS = "Ask for http://127.0.0.1 with its port, outside of other pages."
_LOCKED = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>costd</title>
<link rel="stylesheet" href="/static/page.css">
<body class="locked">
<main>
<h1>costd</h1>
<p>This page is for whoever runs costd on this machine, and your browser has not shown
that it is them. A link works once and for a minute; what it opens stays open for 30
days.</p>
<p>In a terminal, run:</p>
<pre><code>costd open</code></pre>
</main>
"""
