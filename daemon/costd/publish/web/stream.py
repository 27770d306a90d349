"""What renews an open page: its parts as server-sent events, when they are others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import parse_qsl, unquote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import compile_path

from costd.core.errors import CostdError
from costd.publish.asking import Ask
from costd.publish.live import Live
from costd.publish.web import site
from costd.publish.web.pages import PAGES, Page, context
from costd.publish.web.showing import Limits, visit

GAP_SECONDS = 0.25
BEAT_SECONDS = 15.0
_SHARE = 10
"""A page that takes long to work out is renewed the more seldom."""
LONGEST_GAP_SECONDS = 0.6
"""But what is written is to be seen within a second, also on a busy machine."""


async def stream(ask: Ask, live: Live, limits: Limits, request: Request) -> Response:
    """The stream of the page whose address ``page`` says.

    Raises:
        HTTPException: there is no such page.
    """
    address = request.query_params.get("page", "")
    path, page, name = _page_of(urlsplit(address).path)
    seen = request.query_params.get("seen", "")
    events = _events(ask, live, limits, _Open(path, page, name, address, seen))
    # The first part before the headers: a refusal is still an ordinary reply then.
    first = await anext(events, b"")

    async def body() -> AsyncGenerator[bytes]:
        yield first
        async with aclosing(events):
            async for event in events:
                yield event

    return StreamingResponse(body(), media_type="text/event-stream")


class _Open:
    """A page that somebody looks at, and what was last sent of it."""

    def __init__(
        self, path: str, page: Page, name: str, address: str, seen: str
    ) -> None:
        self._path = path
        self._page = page
        self._name = name
        self._pairs = parse_qsl(urlsplit(address).query)
        self._seen = seen
        self._sent: dict[str, str] = {}

    async def news(self, ask: Ask, limits: Limits) -> bytes:
        """The parts that are not as they were, as one event; empty for none."""
        here = await visit(ask, self._page, self._path, self._pairs, self._name)
        filled = await context(self._page, here, limits)
        blocks = ["pulse"] if self._page.calm else ["pulse", "content"]
        parts = {
            block: site.render_block(self._page.template, block, filled)
            for block in blocks
        }
        changed = {b: text for b, text in parts.items() if self._sent.get(b) != text}
        self._sent |= changed
        is_known, self._seen = filled["seen"] == self._seen, ""
        return b"" if is_known else _event(changed)


def _event(parts: dict[str, str]) -> bytes:
    """Parts for htmx: each says by itself where it goes."""
    if not parts:
        return b""
    text = "".join(
        f'<hx-partial hx-target="#{block}" hx-swap="innerMorph">{part}</hx-partial>'
        for block, part in parts.items()
    )
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"{lines}\n".encode("utf-8", "replace")


async def _events(
    ask: Ask, live: Live, limits: Limits, shown: _Open
) -> AsyncGenerator[bytes]:
    loop = asyncio.get_running_loop()
    yield b": here\n\n"
    with live.watch() as watch:
        while not live.closed:
            began = loop.time()
            try:
                event = await shown.news(ask, limits)
            except CostdError:  # it stops, or what is shown is gone: the next one tells
                event = b""
            if event:
                yield event
            pause = max(GAP_SECONDS, _SHARE * (loop.time() - began))
            await watch.pause(min(pause, LONGEST_GAP_SECONDS))
            while not (await watch.change(BEAT_SECONDS) or live.closed):
                yield b": still here\n\n"


def _page_of(path: str) -> tuple[str, Page, str]:
    for pattern, page in PAGES.items():
        found = compile_path(pattern)[0].match(unquote(path))
        if found is not None:
            return path, page, found.groupdict().get("name", "")
    raise HTTPException(404)
