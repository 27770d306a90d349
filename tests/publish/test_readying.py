"""What the first visitor would wait for is there before."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from pathlib import Path

from costd.publish.asking import Ask
from costd.publish.web import readying
from owned import PATIENCE, owned


def test_sums_and_templates_are_made_once_the_logs_are_read(memory_dir: Path) -> None:
    with owned(memory_dir) as book:
        asked = asyncio.run(_asked(book.engine.ask))
    assert asked[:3] == ["alive"] * 3
    assert {"status", "costs", "board", "sessions", "runtimes"} <= set(asked)


async def _asked(engine: Ask) -> list[str]:
    """What was asked until the last page was made."""
    asked: list[str] = []
    done_with_all = asyncio.Event()
    beats = iter([{"sweeps": 0}, {"sweeps": 1, "bytes_behind": 7}, {"sweeps": 1}])

    def ask(name: str, params: dict[str, object]) -> Future[object]:
        asked.append(name)
        if name == "suggest":  # the last of them
            done_with_all.set()
        if name == "alive":
            done: Future[object] = Future()
            done.set_result(next(beats))
            return done
        return engine(name, params)

    work = asyncio.ensure_future(readying.readying(ask, (5.0, 20.0, 50.0))())
    async with asyncio.timeout(PATIENCE):
        await done_with_all.wait()
    work.cancel()
    await asyncio.wait([work])
    return asked


def test_it_is_done_again_when_another_day_has_begun() -> None:
    status = {"timezone": "Europe/Berlin", "generated_at": "2026-10-24T21:59:00Z"}
    assert readying.until_tomorrow(status) == 60 + readying.LATER_SECONDS
    status["generated_at"] = "2026-10-24T22:00:00Z"  # a day of 25 hours
    assert readying.until_tomorrow(status) == 25 * 3600 + readying.LATER_SECONDS
