"""The addresses of the page; what draws it is loaded when somebody first looks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from costd.publish.asking import Ask
from costd.publish.live import Live

PATHS = (
    "/",
    "/live",
    "/issues",
    "/issues/{name:path}",
    "/costs",
    "/performance",
    "/runtimes",
    "/sessions",
    "/sessions/{name:path}",
    "/responses/{name:path}",
    "/health",
    "/assign",
)
"""What the navigation and the links of the page lead to; a test compares."""


def routes(ask: Ask, live: Live, limits: Sequence[float]) -> list[Route]:
    """Every page, the stream that renews it, its forms, its static files."""
    desk = _Desk(ask, live, tuple(limits))
    return [
        Route("/static/{name}", desk.static),
        Route("/stream", desk.stream),
        Route("/export/{name}", desk.export),
        Route("/assign", desk.assign, methods=["POST"]),
        *(Route(path, partial(desk.page, path=path)) for path in PATHS),
    ]


class _Desk:
    """Passes requests on to modules that are not there before the first one."""

    def __init__(self, ask: Ask, live: Live, limits: tuple[float, ...]) -> None:
        self._given: Any = (ask, live, limits)

    async def page(self, request: Request, path: str) -> Response:
        return await self._answer("showing", "show", request, path)

    async def stream(self, request: Request) -> Response:
        return await self._answer("stream", "stream", request)

    async def assign(self, request: Request) -> Response:
        return await self._answer("assigning", "assign", request)

    async def export(self, request: Request) -> Response:
        return await self._answer("exporting", "export", request)

    async def static(self, request: Request) -> Response:
        return await self._answer("showing", "show_static", request)

    async def _answer(self, module: str, name: str, *args: Any) -> Response:
        found = import_module(f"costd.publish.web.{module}")
        response: Response = await getattr(found, name)(*self._given, *args)
        return response
