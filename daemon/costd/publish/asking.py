"""Putting questions to the engine from an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress

from costd.core.errors import BusyError

Ask = Callable[[str, dict[str, object]], "Future[object]"]
"""Puts a question to the engine; the answer is JSON-able or a ``CostdError``."""


async def answer(
    ask: Ask, name: str, params: dict[str, object], seconds: float | None
) -> object:
    """Ask the engine and wait, without ever cancelling what it has begun.

    Raises:
        BusyError: no answer within ``seconds``, or the engine has stopped.
    """
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    future = ask(name, params)

    def wake(_future: Future[object]) -> None:
        with suppress(RuntimeError):  # the loop has ended; nobody waits any more
            loop.call_soon_threadsafe(done.set)

    future.add_done_callback(wake)
    try:
        async with asyncio.timeout(seconds):
            await done.wait()
    except TimeoutError:
        message = f"no answer to {name!r} within {seconds} s"
        raise BusyError(message, "Ask again; costd doctor tells more.") from None
    try:
        return future.result()
    except CancelledError:
        raise BusyError("costd stops", "Ask again when it runs.") from None
