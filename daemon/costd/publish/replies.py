"""How each reply looks, whoever makes it: JSON, a version, no way to misuse it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from costd import __version__
from costd.core.errors import (
    AlreadyRunningError,
    BusyError,
    ConfigError,
    CostdError,
    LedgerBusyError,
    LedgerError,
    NoDaemonError,
    NotFoundError,
    UnhealthyError,
    UsageError,
)
from costd.publish.encode import compact

OnError = Callable[[str, Exception], None]
"""Called with a path and with the exception that nobody foresaw there."""

JSON_TYPE = "application/json"
FAILED = 1
MISUSED = 2

PROTOCOL = 1
"""Raised when an old client would misread an answer."""

_HEADERS = (
    (b"costd-version", __version__.encode("ascii")),
    (b"costd-protocol", b"%d" % PROTOCOL),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    # With no referrer at all, a form would be sent with the origin "null".
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Of a page: nothing from elsewhere, no script or style within it, in no frame."""

_STATUSES: tuple[tuple[type[CostdError], int], ...] = (
    (NotFoundError, 404),
    (UsageError, 400),
    (ConfigError, 400),
    (AlreadyRunningError, 409),
    (BusyError, 503),
    (LedgerBusyError, 503),
    (NoDaemonError, 503),
    (UnhealthyError, 503),
    (LedgerError, 500),
)
_FIXES = {
    401: "Send the token of this installation: Authorization: Bearer ….",
    404: "GET /api/version answers; the documentation lists the other paths.",
    405: "Use the method that the documentation names for this path.",
    408: "Send the body in one go.",
    413: "Send less than 1 MiB at once.",
}


def reply(value: object, status: int = 200) -> Response:
    """``value`` as JSON."""
    return Response(compact(value), status, media_type=JSON_TYPE)


def refusal(
    status: int,
    message: str,
    fix: str = "",
    code: int = FAILED,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error as JSON: what happened, what to do, the exit code of a command."""
    body = compact({"error": message, "fix": fix, "code": code})
    return Response(body, status, headers, JSON_TYPE)


def failure(error: CostdError) -> Response:
    """An error that costd raised on purpose."""
    statuses = (status for kind, status in _STATUSES if isinstance(error, kind))
    return refusal(next(statuses, 422), error.message, error.fix, error.exit_code)


def http_failure(_request: Request, error: Exception) -> Response:
    """An error that HTTP has a number for: no such path, too large, too slow."""
    if not isinstance(error, HTTPException):  # registered for nothing else
        raise error
    fix = _FIXES.get(error.status_code, "")
    return refusal(error.status_code, error.detail, fix, MISUSED, error.headers)


def surprise(error: Exception) -> Response:
    """An error that nobody foresaw: its class alone, its text may hold anything."""
    name = type(error).__name__
    return refusal(500, f"internal error: {name}", "Look at the log of the daemon.")


class Envelope:
    """Puts version and safety headers on every reply, and lets no error escape.

    What escapes an application reaches the server's log with its full text, which
    may hold anything; here it becomes a reply with the name of its class.
    """

    def __init__(self, app: ASGIApp, on_error: OnError) -> None:
        self._app = app
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = False
        stamp = stamped(send)

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await stamp(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            # The server's patience at the end of its life, never a client's wish.
            if started:
                raise
            await failure(BusyError("costd stops", "Ask again when it runs."))(
                scope, receive, stamp
            )
        except Exception as error:  # noqa: BLE001  the last one who can answer
            self._on_error(scope["path"], error)
            if started:
                # Half a reply cannot be taken back: let the server hang up.
                raise RuntimeError(type(error).__name__) from None
            await surprise(error)(scope, receive, stamp)


def stamped(send: Send) -> Send:
    """``send``, with this version and the safety headers on the head of the reply."""

    async def stamp(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            said = {name.lower() for name, _ in headers}
            headers += [pair for pair in (*_HEADERS, _POLICY) if pair[0] not in said]
            message = {**message, "headers": headers}
        await send(message)

    return stamp
