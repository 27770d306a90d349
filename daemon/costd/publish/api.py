"""One application for the socket, the loopback port and every client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from costd import __version__
from costd.core.errors import CostdError
from costd.publish.asking import Ask, answer
from costd.publish.bodies import read_limited
from costd.publish.encode import compact
from costd.publish.live import Live
from costd.publish.metrics import MEDIA_TYPE, exposition
from costd.publish.questions import QUESTIONS, Question, read_body, read_query
from costd.publish.replies import (
    JSON_TYPE,
    PROTOCOL,
    Envelope,
    OnError,
    failure,
    http_failure,
    reply,
)
from costd.publish.web.routes import routes as page_routes

HEALTH_SECONDS = 5.0
BADGE_USD = (5.0, 20.0, 50.0)
# Changes gather for a second; a quiet stream says every so often that it is there.
GAP_SECONDS = 1.0
BEAT_SECONDS = 15.0


def _ignore(_path: str, _error: Exception) -> None:
    """What to do with surprises when nobody asks for them."""


def build_app(
    ask: Ask,
    live: Live,
    *,
    on_error: OnError = _ignore,
    gap_seconds: float = GAP_SECONDS,
    beat_seconds: float = BEAT_SECONDS,
    badge_usd: Sequence[float] = BADGE_USD,
) -> Starlette:
    """The ASGI application: every question of the table, and the few specials.

    Args:
        ask: how to ask the engine.
        live: where the engine says that something changed.
        on_error: told of exceptions that nobody foresaw.
        gap_seconds: least time between two events of a live stream.
        beat_seconds: longest silence of a live stream.
        badge_usd: amounts from which a badge on the page is yellow, orange, red.
    """

    async def events(_request: Request) -> Response:
        return await _open_stream(ask, live, gap_seconds, beat_seconds)

    async def health(_request: Request) -> Response:
        return await _health(ask)

    async def metrics(_request: Request) -> Response:
        return await _metrics(ask)

    return Starlette(
        routes=[
            *(_route(question, ask) for question in QUESTIONS),
            Route("/api/live", events),
            Route("/api/version", _version),
            Route("/api/openapi.json", _description),
            Route("/healthz", health),
            Route("/metrics", metrics),
            Route("/api/open", _no_page, methods=["POST"]),
            *page_routes(ask, live, badge_usd),
        ],
        middleware=[Middleware(Envelope, on_error=on_error)],
        exception_handlers={HTTPException: http_failure, CostdError: _failure},
    )


def _failure(_request: Request, error: Exception) -> Response:
    if not isinstance(error, CostdError):  # registered for nothing else
        raise error
    return failure(error)


def _route(question: Question, ask: Ask) -> Route:
    async def endpoint(request: Request) -> Response:
        params = await _params(question, request)
        return reply(await answer(ask, question.name, params, question.seconds))

    return Route(question.path, endpoint, methods=[question.method])


async def _params(question: Question, request: Request) -> dict[str, object]:
    params = read_query(question, request.query_params.multi_items())
    if question.method == "POST":
        params |= read_body(await read_limited(request), question.body)
    return params | request.path_params


async def _version(_request: Request) -> Response:
    """What a client of another version needs to know, without the engine."""
    return reply(
        {"schema_version": 1, "version": __version__, "protocol": PROTOCOL},
    )


async def _description(_request: Request) -> Response:
    """What the API is; read from the docs when the first one asks."""
    from costd.publish.openapi import (  # noqa: PLC0415 - hardly anybody ever asks
        described,
    )

    return Response(described(), media_type=JSON_TYPE)


async def _no_page(_request: Request) -> Response:
    """Where the page is served, the door answers this by itself."""
    raise CostdError(
        "The page is not served: [http] is not enabled.",
        "costd config set http.enabled true, then restart costd run.",
    )


async def _status(ask: Ask) -> dict[str, object]:
    status = await answer(ask, "status", {}, HEALTH_SECONDS)
    return status if isinstance(status, dict) else {}


async def _health(ask: Ask) -> Response:
    """200 while the numbers can be trusted; else 503, and why."""
    status = await _status(ask)
    entries = status.get("health")
    problems = entries if isinstance(entries, list) else []
    codes = {
        severity: [
            str(p.get("code")) for p in problems if p.get("severity") == severity
        ]
        for severity in ("error", "warning")
    }
    ok = not codes["error"]
    body = {
        "ok": ok,
        "problems": len(problems),
        "errors": codes["error"],
        "warnings": codes["warning"],
    }
    return reply(body, 200 if ok else 503)


async def _metrics(ask: Ask) -> Response:
    return Response(exposition(await _status(ask)), media_type=MEDIA_TYPE)


async def _open_stream(ask: Ask, live: Live, gap: float, beat: float) -> Response:
    """A stream of server-sent events; its first one is the present status."""
    events = _events(ask, live, gap, beat)
    # The first event before the headers: a refusal is still an ordinary reply then.
    first = await anext(events, b"")

    async def stream() -> AsyncGenerator[bytes]:
        yield first
        async with aclosing(events):
            async for event in events:
                yield event

    return StreamingResponse(stream(), media_type="text/event-stream")


async def _events(
    ask: Ask, live: Live, gap: float, beat: float
) -> AsyncGenerator[bytes]:
    last: object = None
    with live.watch() as watch:
        while not live.closed:
            event, seen = await _snapshot(ask)
            if seen != last:
                yield event
                last = seen
            await watch.pause(gap)
            while not (await watch.change(beat) or live.closed):
                yield b": still here\n\n"


async def _snapshot(ask: Ask) -> tuple[bytes, object]:
    """The status as an event, and the part of it that tells whether it changed."""
    try:
        status = await _status(ask)
    except CostdError as error:
        problem = {"error": error.message, "fix": error.fix, "code": error.exit_code}
        return b"event: problem\ndata: " + compact(problem) + b"\n", problem
    seen = {name: status[name] for name in status if name != "generated_at"}
    return b"event: status\ndata: " + compact(status) + b"\n", seen
