"""Sums that are remembered must stay equal to sums that are worked out anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from costd.core.attribution import Keys
from costd.core.instants import DAY, HOUR, format_instant
from costd.core.money import to_usd
from costd.engine.dearest import dearest_by, sessions_in
from costd.engine.documents import documents
from costd.engine.history import days_by
from costd.engine.loop import Engine
from costd.engine.memory import Memory
from costd.ledger import Ledger
from costd.ledger.long_spans import count_sessions, dearest
from costd.ledger.reports import Question, cut
from costd.prices import load_rate_card

NOON = 1_795_003_200_000  # 2026-11-18T12:00:00Z


class World:
    """An engine without its thread, and a clock that the test sets."""

    def __init__(self, place: Path) -> None:
        self.now = NOON
        self.log = place / "projects" / "-w-app" / "s.jsonl"
        self.log.parent.mkdir(parents=True)
        self.written = 0
        self.engine = Engine(
            ledger=Ledger(place / "ledger.db", load_rate_card(), Keys()),
            roots={"claude": [str(place / "projects")]},
            zone=ZoneInfo("Europe/Berlin"),
            clock=lambda: self.now,
            tick_ms=30_000,
            quiet_ms=300_000,
            max_line_bytes=1 << 20,
        )

    def write(self, at: int, *, model: str = "claude-opus-5") -> None:
        self.written += 1
        line = {
            "type": "assistant",
            "sessionId": "s",
            "cwd": "/w/app",
            "gitBranch": f"MIN-{self.written % 3 + 1}",
            "uuid": f"0b5e0000-0000-4000-8000-{self.written:012d}",
            "timestamp": format_instant(at),
            "requestId": f"req_{self.written}",
            "message": {
                "id": f"msg_01{self.written:022d}",
                "model": model,
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 1_000, "output_tokens": self.written},
            },
        }
        with self.log.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.engine._look()
        while self.engine._intake.is_busy:
            self.engine._advance()

    def published(self) -> dict[str, Any]:
        return dict(documents(self.engine._view()))

    def anew(self) -> dict[str, Any]:
        self.engine._memory = Memory()
        return self.published()


@pytest.fixture
def world(memory_dir: Path) -> Iterator[World]:
    made = World(memory_dir)
    yield made
    made.engine._end()


def test_remembered_sums_equal_new_ones_whenever_lines_come(world: World) -> None:
    moments = [
        (0, -40 * DAY),
        (0, -1),
        (0, -3 * DAY),  # an old line arrives late
        (0, 0),
        (DAY, DAY - HOUR),  # the next day: yesterday is history now
        (DAY, 5 * HOUR),
        (9 * DAY, 9 * DAY),
        (9 * DAY, 12 * DAY),  # dated in the future
    ]
    for now, at in moments:
        world.now = NOON + now
        world.write(NOON + at, model="claude-opus-5" if at else "glm-5.2")
        assert world.published() == world.anew()


def test_today_is_today_and_the_future_is_not(world: World) -> None:
    world.write(NOON - 14 * HOUR)
    world.write(NOON - HOUR)
    world.write(NOON + DAY)
    totals = world.published()["status.json"]["totals"]
    assert [totals[w]["responses"] for w in ("today", "week", "all")] == [1, 2, 3]


def test_each_runtime_has_its_sessions_days_and_models(world: World) -> None:
    world.write(NOON - 2 * DAY)
    world.write(NOON)
    runtime = world.published()["runtime-metrics.json"]["runtimes"]["claude"]
    assert runtime["totalTasks"] == runtime["unknownTasks"] == 1
    assert runtime["successRate"] is None
    assert [day["date"] for day in runtime["dailyStats"]] == [
        "2026-11-16",
        "2026-11-18",
    ]
    assert runtime["byModel"]["claude-opus-5"]["responses"] == 2
    assert runtime["totalCost"] == to_usd(2 * 5_000_000 + (1 + 2) * 25_000)


@pytest.mark.parametrize("name", ["issue", "session", "model"])
@pytest.mark.parametrize("most", [1, 2, 5])
def test_the_dearest_are_those_that_are_found_anew(
    world: World, name: str, most: int
) -> None:
    moments = [(0, -9 * DAY), (0, -DAY), (0, 0), (0, 0), (0, -2 * DAY), (DAY, DAY)]
    for number, (now, at) in enumerate([*moments, (DAY, DAY), (2 * DAY, 2 * DAY)]):
        world.now = NOON + now
        world.write(
            NOON + at, model=("claude-opus-5", "claude-haiku-4-5-20251001")[number % 2]
        )
        for since in (None, NOON - 3 * DAY):
            view = world.engine._view()
            question = Question((name,), since, None, view.zone, {})
            expected = dearest(view.connection, question, most)
            assert dearest_by(view, question, most) == expected
            sessions = count_sessions(view.connection, question)
            assert sessions_in(view, question) == sessions
            only = question._replace(filters={"issue": ["MIN-1", "MIN-2"]})
            expected = dearest(view.connection, only, most)
            assert dearest_by(view, only, most) == expected
        view = world.engine._view()
        by_day = Question(("day", name), NOON - 30 * DAY, None, view.zone, {})
        assert days_by(view, by_day, with_sessions=True) == cut(view.connection, by_day)
