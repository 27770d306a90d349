"""The door of the loopback port: every user and every web page can knock there.

A browser sends requests to 127.0.0.1 for any page (cross-site requests), and a name
can be made to point there (DNS rebinding). So each request must name this server in
``Host``, must not come from another page, and must carry the token, which only the
owner of its file can read. The Unix socket needs none of this: its file is 0600 and
the kernel tells who is there.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from costd.core.errors import ConfigError
from costd.publish.files import write_atomic
from costd.publish.replies import MISUSED, refusal, stamped

SHORTEST_TOKEN = 32
_LONGEST_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class Loopback:
    """Where to listen on TCP: ``host`` 127.0.0.1 or ::1, ``port`` 0 for any."""

    port: int
    token_path: Path
    host: str = "127.0.0.1"


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
    """Lets through what came by the Unix socket, and what may pass on TCP."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self._token = token.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http" or scope.get("state", {}).get("is_unix"):
            await self._app(scope, receive, send)
            return
        refused = self._refused(Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await refused(scope, receive, stamped(send))

    def _refused(self, headers: Headers) -> Response | None:
        if headers.get("host", "").lower() not in self._hosts:
            return refusal(403, "this server has another name", _BY_ADDRESS, MISUSED)
        if not self._is_own_page(headers):
            return refusal(403, "asked by a page of another site", _BY_ADDRESS, MISUSED)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip().encode("utf-8", "replace")
        if scheme.lower() == "bearer" and hmac.compare_digest(given, self._token):
            return None
        return refusal(
            401,
            "no token, or a wrong one",
            "Send the token of this installation: Authorization: Bearer ….",
            MISUSED,
            {"www-authenticate": 'Bearer realm="costd"'},
        )

    def _is_own_page(self, headers: Headers) -> bool:
        """Whether a browser says that the page is this server's, or no page asks."""
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in map(
            "http://{}".format, self._hosts
        ):
            return False
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")


_BY_ADDRESS = "Ask for http://127.0.0.1 with its port, outside of other pages."
