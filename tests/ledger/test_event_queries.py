"""The last events that a filter lets through, however few or many it lets through."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costd.core.attribution import Keys
from costd.core.lamport import Clock
from costd.ledger import Ledger, event_queries
from costd.ledger.event_queries import Filter, select, where_of
from costd.prices import load_rate_card
from ledger.test_events import NOW, event

AGENTS, MODELS = ("claude", "codex", ""), ("claude-opus-5", "gpt-5.2", "")


@pytest.fixture
def ledger(memory_dir: Path) -> Iterator[Ledger]:
    made = Ledger(memory_dir / "ledger.db", load_rate_card(), Keys())
    yield made
    made.close()


def fill(ledger: Ledger, chance: random.Random) -> None:
    """300 events whose logical time goes its own ways, and is shared by some."""
    width = chance.choice((1, 8, 50))
    said = [
        event(
            "execution",
            f"e{number:03d}",
            minute=chance.randrange(2_000),
            task_id=chance.choice(("T1", "T2")),
            agent=chance.choice(AGENTS) or None,
            model=chance.choice(MODELS) or None,
            session_id=chance.choice(("s1", "s2", None)),
            success=chance.choice((True, False)),
            lamport=(number + chance.randrange(9)) // width + 1,
            node_id=chance.choice(("a", "b")),
        )
        for number in range(300)
    ]
    ledger.put_events(said, clock=Clock("here"), now=NOW, origin="api")


def some_filter(chance: random.Random) -> Filter:
    found: dict[str, Any] = {}
    for name, values in (
        ("agents", AGENTS[:2]),
        ("models", MODELS[:2]),
        ("tasks", ("T1",)),
        ("sessions", ("s1",)),
    ):
        if chance.random() < 0.25:
            found[name] = [chance.choice(values)]
    for name in ("since", "until"):
        if chance.random() < 0.5:
            found[name] = NOW + chance.randrange(-100, 2_100) * 60_000
    if chance.random() < 0.3:
        found["success"] = chance.random() < 0.5
    return Filter(**found)


@pytest.mark.parametrize("seed", range(6))
def test_every_way_of_looking_finds_the_same(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    fill(ledger, chance)
    connection = ledger.database.connection
    for _ in range(80):
        monkeypatch.setattr(event_queries, "_FEW", chance.choice((3, 40, 250)))
        monkeypatch.setattr(event_queries, "_MORE", chance.choice((1, 20)))
        asked, limit = some_filter(chance), chance.choice((1, 7, 60, None))
        where, values = where_of(asked)
        plain = connection.execute(
            f"SELECT event_id FROM event WHERE {where} "
            "ORDER BY lamport DESC, node_id DESC, at DESC, id DESC LIMIT ?",
            [*values, -1 if limit is None else limit],
        ).fetchall()
        found = [row.event.event_id for row in select(connection, asked, limit)]
        assert found == [name for (name,) in reversed(plain)], (asked, limit)
