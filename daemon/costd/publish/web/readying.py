"""What the first visitor would wait for, done before while nobody asks.

Templates are made, and the sums of the pages that everybody opens first are worked out,
once the logs are read, and again when another day has begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from costd.core.errors import CostdError
from costd.core.instants import parse_instant
from costd.publish.asking import Ask
from costd.publish.web.visit import Asking, Json

Limits = tuple[float, ...]
_FIRST = (
    "/",
    "/live",
    "/issues",
    "/costs",
    "/sessions",
    "/performance",
    "/runtimes",
    "/assign",
    "/costs?since=all",
    "/sessions?since=all",
    "/costs?since=365d",
)
_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 0.05
LATER_SECONDS = 10.0


def readying(ask: Ask, limits: Limits) -> Callable[[], Awaitable[None]]:
    """Work for the event loop of the server, as long as it runs."""

    async def work() -> None:
        while True:
            try:
                status = await _ready(ask, limits)
                seconds = until_tomorrow(status)
            except CostdError:  # who asks now is told why
                seconds = LATER_SECONDS
            await asyncio.sleep(seconds)

    return work


async def _ready(ask: Ask, limits: Limits) -> Json:
    """Make ready; the status as it was then."""
    asking = Asking(ask)
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        beat = await asking.one("alive")
        if beat.get("sweeps") and not beat.get("bytes_behind"):
            break
    from costd.publish.web import (  # noqa: PLC0415 - not before the logs are read
        site,
    )
    from costd.publish.web.pages import (  # noqa: PLC0415 - not before the logs are read
        PAGES,
        context,
    )
    from costd.publish.web.showing import visit  # noqa: PLC0415 - not before the logs are read

    for name in site.template_names():
        site.templates().get_template(name)
        await asyncio.sleep(_PAUSE_SECONDS)
    status: Json = {}
    for address in _FIRST:
        path, _, query = address.partition("?")
        page = PAGES[path]
        here = await visit(ask, page, path, parse_qsl(query), "")
        site.render(page.template, await context(page, here, limits))
        status = here.status
        await asyncio.sleep(_PAUSE_SECONDS)
    return status


def until_tomorrow(status: Json) -> float:
    """Seconds until the day after the one of a status, and a little."""
    zone = ZoneInfo(status["timezone"])
    now = datetime.fromtimestamp(
        (parse_instant(status["generated_at"]) or 0) / 1000, zone
    )
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), zone)
    return tomorrow.timestamp() - now.timestamp() + LATER_SECONDS
