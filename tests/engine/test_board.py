"""The files of many issues are worked out a few at a time, and each of them once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from costd.core.attribution import Keys
from costd.engine.board import Board
from costd.engine.loop import Engine
from costd.ledger import Ledger
from costd.prices import load_rate_card
from loglines import Line, session

ISSUES = 300


@pytest.fixture
def engine(memory_dir: Path) -> Any:
    log = memory_dir / "projects" / "-w-app" / f"{session(1)}.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(
        b"".join(Line(n, branch=f"MIN-{n}").text() for n in range(1, ISSUES + 1))
    )
    made = Engine(
        ledger=Ledger(memory_dir / "ledger.db", load_rate_card(), Keys()),
        roots={"claude": [str(memory_dir / "projects")]},
        zone=ZoneInfo("UTC"),
        clock=lambda: 1_795_003_200_000,
        tick_ms=30_000,
        quiet_ms=300_000,
        max_line_bytes=1 << 20,
    )
    made._look()
    while made._intake.is_busy:
        made._advance()
    yield made
    made._end()


class Clock:
    """Ten milliseconds pass whenever somebody looks."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        self.now += 10
        return self.now


def test_a_few_issues_at_a_time_and_the_sum_when_all_are_there(engine: Engine) -> None:
    board, clock, found, turns = Board(), Clock(), dict[str, Any](), 0
    while board.is_behind(engine._view()):
        clock.now += 60_000
        files = board.refresh(engine._view(), clock, is_last=False)
        assert len(files) <= 40
        assert ("costs-by-issue.json" in files) == (not board.is_behind(engine._view()))
        assert board.is_fresh == (not board.is_behind(engine._view()))
        assert not found.keys() & files.keys()
        found |= files
        turns += 1
    assert turns > 5
    assert len(found) == ISSUES + 1
    assert len(json.loads(found["costs-by-issue.json"])["issues"]) == ISSUES
    assert len(board.parts) == ISSUES


def test_too_soon_there_is_none_and_at_the_end_there_are_all(engine: Engine) -> None:
    board, clock = Board(), Clock()
    assert board.refresh(engine._view(), clock, is_last=False)
    assert board.refresh(engine._view(), clock, is_last=False) == {}
    rest = board.refresh(engine._view(), clock, is_last=True)
    assert "costs-by-issue.json" in rest
    assert not board.is_behind(engine._view())
