"""Sums that are kept say what the events themselves say, whatever is asked."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from costd.core.instants import DAY, HOUR, MINUTE
from costd.ledger import event_sums, usage_cells
from owned import Owned, owned
from worklog import BEGAN, stamp

SESSIONS = tuple(f"{n}1111111-0000-4000-8000-000000000000" for n in range(1, 4))
OVERRIDES = '[prices.overrides]\n"gateway/x" = { input = 1, output = 2 }\n'
BYS: tuple[list[str], ...] = (
    [],
    ["agent"],
    ["model", "type"],
    ["day"],
    ["week"],
    ["month", "agent"],
    ["hour"],
    ["day", "feature"],
    ["session"],
    ["task", "role"],
)
ZONES = ("UTC", "Europe/Oslo", "Asia/Kathmandu", "America/St_Johns")


def some_event(chance: random.Random, number: int) -> dict[str, Any]:
    kind = chance.choice(("execution", "execution", "activity", "run_report"))
    said: dict[str, Any] = {
        "type": kind,
        "event_id": f"e{number}",
        "timestamp": stamp(BEGAN - 20 * DAY + chance.randrange(40 * DAY)),
        "run_id": "r1" if kind == "run_report" else None,
        "title": "t",
        "task_id": chance.choice(("T1", "T2", None)),
        "agent": chance.choice(("claude", "codex", "gemini")),
        "model": chance.choice(("claude-opus-5", "gateway/x", "nobody-knows-it", None)),
        "feature": chance.choice(("f", None)),
        "role": chance.choice(("review", None)),
    }
    if chance.random() < 0.4:
        said |= {"session_id": chance.choice(SESSIONS), "timestamp": stamp(BEGAN)}
    if chance.random() < 0.8:
        said |= {"input_tokens": chance.randrange(9000), "output_tokens": 7}
    if chance.random() < 0.3:
        said["cost_usd"] = chance.randrange(100) / 8
    return {name: value for name, value in said.items() if value is not None}


def tell(book: Owned, chance: random.Random, count: int = 250) -> None:
    told = [some_event(chance, number) for number in range(count)]
    for _ in range(3):
        half = chance.randrange(count)
        for some in (told[:half], told[half:]):
            assert book.ask("events", events=some)["rejected"] == []


def question(chance: random.Random) -> dict[str, Any]:
    asked: dict[str, Any] = {"by": chance.choice(BYS), "tz": chance.choice(ZONES)}
    low = BEGAN - 21 * DAY + chance.randrange(20 * DAY)
    if chance.random() < 0.5:
        asked["since"] = stamp(low)
    if chance.random() < 0.5:
        asked["until"] = stamp(low + chance.choice((MINUTE, HOUR, DAY, 30 * DAY)))
    if chance.random() < 0.3:
        asked["filters"] = {"model": ["gateway/x", "claude-opus-5"]}
    return asked


def rows(book: Owned) -> list[list[tuple[Any, ...]]]:
    """The sums as they are kept, and as they are made of the events."""
    with closing(sqlite3.connect(book.top / "state/ledger.db")) as file:
        kept = all_of(file)
        usage_cells.fill(file)
        made = all_of(file)
        file.rollback()
    return kept + made


def all_of(file: sqlite3.Connection) -> list[list[tuple[Any, ...]]]:
    levels = (usage_cells.BY_TIME, usage_cells.BY_DAY)
    return [sorted(file.execute(f"SELECT * FROM {level.table}")) for level in levels]


@pytest.mark.parametrize("seed", range(4))
def test_sums_say_what_the_events_say(
    memory_dir: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    with owned(memory_dir) as book:
        tell(book, chance)
        if seed % 2:
            book.work.respond(SESSIONS[0], 0)
            book.sync()
        for _ in range(60):
            asked = question(chance)
            monkeypatch.setattr(event_sums, "_AT_ONCE", chance.choice((5, 20_000)))
            with monkeypatch.context() as plain:
                plain.setattr(event_sums, "levels_for", lambda _columns: [])
                expected = book.ask("event_report", **asked)
            answer = book.ask("event_report", **asked)
            assert answer["rows"] == expected["rows"], asked
            assert answer["total"] == expected["total"], asked
        logged = book.ask("event_report")["total"]["in_logs"]["events"]
        assert bool(logged) is bool(seed % 2)
        logged = book.ask("event_report")["total"]["in_logs"]["events"]
        assert bool(logged) is bool(seed % 2)


def test_new_prices_move_the_sums(memory_dir: Path) -> None:
    with owned(memory_dir) as book:
        tell(book, random.Random(9))
        cells, days, made_cells, made_days = rows(book)
        assert (cells, days) == (made_cells, made_days)
        assert cells
    with owned(memory_dir, config=OVERRIDES) as book:
        book.ask("reprice")
        newer, newer_days, made_cells, made_days = rows(book)
        assert (newer, newer_days) == (made_cells, made_days)
        assert newer != cells


def test_a_ledger_from_before_gets_its_sums(memory_dir: Path) -> None:
    with owned(memory_dir) as book:
        tell(book, random.Random(5))
        migrations = files("costd.ledger") / "migrations"
        script = (migrations / "0011_usage_cells.sql").read_text("utf-8")
        with closing(sqlite3.connect(book.top / "state/ledger.db")) as file:
            kept = all_of(file)
            for what in ("TABLE usage_cell", "TABLE usage_day", "INDEX event_named"):
                file.execute(f"DROP {what}")
            file.executescript(script)
            assert all_of(file) == kept
