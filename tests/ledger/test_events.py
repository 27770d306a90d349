"""Events in the ledger: each once, in order, priced, and folded into its task."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costd.core.attribution import Keys
from costd.core.events import Event, read
from costd.core.kpi import Figures, Task
from costd.core.lamport import Clock
from costd.ledger import Ledger
from costd.ledger.attempts import follow
from costd.ledger.cells import BUCKET_MS
from costd.ledger.event_queries import Filter, KeptEvent, count, select
from costd.ledger.events import Taken, refold, tasks_of
from costd.prices import load_rate_card
from pricing import instant

NOW = instant("2026-11-21T10:00:00Z")
OPUS = "claude-opus-5"
MINUTE = 60_000


@pytest.fixture
def ledger(memory_dir: Path) -> Iterator[Ledger]:
    made = Ledger(memory_dir / "ledger.db", load_rate_card(), Keys())
    yield made
    made.close()


def event(kind: str, event_id: str, minute: int = 0, **fields: Any) -> Event:
    said = {"type": kind, "event_id": event_id, **fields}
    return read(said, now=NOW + minute * MINUTE, new_id=str)


def put(ledger: Ledger, *events: Event, clock: Clock | None = None) -> Taken:
    stamp = clock or Clock("here")
    return ledger.put_events(events, clock=stamp, now=NOW, origin="api")


def kept(ledger: Ledger, **asked: Any) -> list[KeptEvent]:
    return select(ledger.database.connection, Filter(**asked))


def ids(ledger: Ledger, **asked: Any) -> str:
    found = [row.event.event_id for row in kept(ledger, **asked)]
    assert count(ledger.database.connection, Filter(**asked)) == len(found)
    return " ".join(found)


def story() -> list[Event]:
    """One task from its start to its end, with all that belongs to it."""
    usage: dict[str, Any] = {"model": OPUS, "input_tokens": 1000, "output_tokens": 10}
    return [
        event("task_start", "a", 0, task_id="T1"),
        event("execution", "b", 1, task_id="T1", agent="claude", **usage),
        event("gate_result", "c", 16, task_id="T1", gate_name="lint", passed=False),
        event("gate_result", "d", 17, task_id="T1", gate_name="lint", passed=True),
        event("review_cycle", "e", 31, task_id="T1", issues_p0=1, issues_p1=2),
        event("review_cycle", "f", 32, task_id="T1", issues_p0=0),
        event("task_end", "g", 33, task_id="T1", status="failed"),
        event("task_end", "h", 61, task_id="T1", status="done", iterations=3),
        event("task_end", "i", 62, task_id="T1", status="?"),
        event("task_start", "j", 70, task_id="T2"),
        event("activity", "k", 71, title="unrelated", model="nobody's", tokensIn=5),
    ]


def cells(ledger: Ledger) -> dict[int, Figures]:
    rows = ledger.database.connection.execute("SELECT * FROM task_cell")
    found = {row[0]: Figures(*row[1:]) for row in rows}
    return {bucket: figures for bucket, figures in found.items() if any(figures)}


def test_an_event_counts_once_however_often_it_comes(ledger: Ledger) -> None:
    told = story()
    taken = put(ledger, *told, *told)
    assert (len(taken.accepted), taken.duplicates) == (len(told), len(told))
    assert ids(ledger) == "a b c d e f g h i j k"
    before = (kept(ledger), cells(ledger))
    for _ in range(3):
        assert put(ledger, *told, clock=Clock("elsewhere", 99)).accepted == []
    assert (kept(ledger), cells(ledger)) == before


def test_an_id_that_says_something_else_later_changes_nothing(ledger: Ledger) -> None:
    put(ledger, event("task_end", "x", task_id="T1", status="failed"))
    taken = put(ledger, event("task_end", "x", task_id="T1", status="done"))
    assert taken == Taken([], 1)
    assert kept(ledger)[0].event.status == "failed"


def test_what_comes_without_logical_time_comes_after_all_that_is_known(
    ledger: Ledger,
) -> None:
    clock = Clock("here", 4)
    first = event("task_start", "a", task_id="T")
    far = event("task_start", "b", task_id="T", lamport=100, node_id="there")
    last = event("task_start", "c", task_id="T")
    put(ledger, first, far, last, clock=clock)
    found = [
        (row.event.event_id, row.event.lamport, row.event.node_id)
        for row in kept(ledger)
    ]
    assert found == [("a", 5, "here"), ("b", 100, "there"), ("c", 101, "here")]


def test_one_logical_time_is_in_the_order_of_the_nodes(ledger: Ledger) -> None:
    for name, node in (("a", "n2"), ("b", "n1"), ("c", "n3")):
        put(ledger, event("task_start", name, task_id="T", lamport=7, node_id=node))
    assert ids(ledger) == "b a c"


@pytest.mark.parametrize("seed", range(12))
def test_the_order_in_which_events_come_does_not_matter(
    ledger: Ledger, seed: int
) -> None:
    told = [e._replace(lamport=n, node_id="n") for n, e in enumerate(story(), 1)]
    alone = Task("T1")
    for one in told[:9]:
        cost = 5_250_000 if one.event_id == "b" else None
        alone.take(one, cost, is_estimate=cost is not None)
    chance = random.Random(seed)
    chance.shuffle(told)
    cut = chance.randrange(len(told))
    put(ledger, *told[:cut])
    put(ledger, *told[cut:])
    assert tasks_of(ledger.database.connection, ["T1"]) == {"T1": alone}
    bucket = NOW // BUCKET_MS
    assert cells(ledger) == {
        bucket + 1: Figures(gates=2, gates_passed=1),
        bucket + 2: Figures(
            reviews=2, counted_p0=2, issues_p0=1, counted_p1=1, issues_p1=2
        ),
        bucket + 4: Figures(
            # T1 ended here for good, T2 has only begun.
            tasks=2,
            succeeded=1,
            timed=1,
            cycle_ms=61 * MINUTE,
            iterated=1,
            iterations=3,
            costed=1,
            cost=5_250_000,
        ),
    }


def test_tasks_and_cells_follow_from_the_events(ledger: Ledger) -> None:
    put(ledger, *story())
    connection = ledger.database.connection
    before = (tasks_of(connection, ["T1", "T2"]), cells(ledger))
    connection.execute("UPDATE task SET gates = 99")
    connection.execute("DELETE FROM task_cell")
    with ledger.database.transaction():
        refold(connection)
    assert (tasks_of(connection, ["T1", "T2"]), cells(ledger)) == before


@pytest.mark.parametrize(
    ("fields", "cost", "source", "price"),
    [
        ({"cost_usd": 0.25}, 250_000_000, "reported", ""),
        ({"cost_usd": 0}, 0, "reported", ""),
        ({}, None, "", ""),
        ({"input_tokens": 0}, None, "", ""),
        ({"model": OPUS, "input_tokens": 10, "cost_usd": 2}, 2 * 10**9, "reported", ""),
        ({"model": OPUS, "input_tokens": 1000}, 5_000_000, "estimated", OPUS),
        ({"model": OPUS, "output_tokens": 1, "cost_usd": 0}, 25_000, "estimated", OPUS),
        ({"input_tokens": 10}, None, "unpriced", "no-model"),
        ({"model": OPUS, "tokens_used": 10}, None, "unpriced", "no-buckets"),
        ({"model": "m", "input_tokens": 1}, None, "unpriced", "unknown-model"),
        (
            {"model": "m", "input_tokens": 1, "cost_usd": 0},
            None,
            "unpriced",
            "unknown-model",
        ),
    ],
)
def test_a_cost_is_reported_or_estimated_and_never_a_guessed_zero(
    ledger: Ledger, fields: dict[str, Any], cost: int | None, source: str, price: str
) -> None:
    put(ledger, event("execution", "x", agent="a", **fields))
    (row,) = kept(ledger)
    assert (row.event.cost, row.cost_source) == (cost, source)
    assert row.price.partition("@")[0] == price


def test_new_prices_change_estimates_and_what_follows_from_them(
    ledger: Ledger, memory_dir: Path
) -> None:
    put(
        ledger,
        *story(),
        event("execution", "x", 80, task_id="T1", model="m", output_tokens=2),
        event("execution", "y", 80, issue="MIN-1", model="m", output_tokens=2),
        event("execution", "z", 80, agent="a", model="m", output_tokens=3, cost_usd=7),
        event("task_end", "e", 81, task_id="MIN-1", status="ok"),
    )
    rates = {"m": {"input": "1", "output": "2"}, OPUS: {"input": "10"}}
    ledger.close()
    other = Ledger(memory_dir / "ledger.db", load_rate_card(rates), Keys())
    try:
        connection = other.database.connection
        assert other.reprice(dry_run=True).events == 3
        assert tasks_of(connection, ["T1"])["T1"].cost == 5_250_000
        assert other.reprice(dry_run=False).events == 3
        assert other.reprice(dry_run=False).events == 0
        found = {r.event.event_id: (r.event.cost, r.cost_source) for r in kept(other)}
        assert found["x"] == (4_000, "estimated")
        assert found["z"] == (7 * 10**9, "reported")
        assert found["b"] == (10_250_000, "estimated")
        tasks, sums = tasks_of(connection, ["T1", "T2", "MIN-1"]), cells(other)
        assert tasks["T1"].cost == 10_254_000
        assert tasks["MIN-1"].cost == 4_000
        with other.database.transaction():
            refold(connection)
        assert tasks_of(connection, ["T1", "T2", "MIN-1"]) == tasks
        assert cells(other) == sums
    finally:
        other.close()


def test_new_prices_reach_the_sums_over_calls(ledger: Ledger, memory_dir: Path) -> None:
    usage: dict[str, Any] = {"model": "m", "output_tokens": 5, "agent": "codex"}
    put(ledger, *(event("execution", f"{n}", n, **usage) for n in range(40)))
    with ledger.database.transaction() as connection:
        follow(connection, 30)  # the others are not followed yet
    ledger.close()
    card = load_rate_card({"m": {"input": "1", "output": "2"}})
    other = Ledger(memory_dir / "ledger.db", card, Keys())
    try:
        assert other.reprice(dry_run=False).events == 40
        with other.database.transaction() as connection:
            follow(connection, 30)
        query = "SELECT * FROM call_cell ORDER BY bucket"
        found = connection.execute(query).fetchall()
        with other.database.transaction():
            connection.execute("DELETE FROM call_cell")
            connection.execute("DELETE FROM meta WHERE key = 'attempts_event'")
            follow(connection, 99)
        assert connection.execute(query).fetchall() == found
        (cost,) = connection.execute("SELECT sum(cost) FROM call_cell").fetchone()
        assert cost == 40 * 10_000
    finally:
        other.close()


def test_many_calls_together_are_no_long_prompt(ledger: Ledger) -> None:
    said = event(
        "execution", "x", agent="a", model="claude-sonnet-4-5", input_tokens=10**6
    )
    put(ledger, said)
    assert kept(ledger)[0].event.cost == 3 * 10**9


def test_filters(ledger: Ledger) -> None:
    call = event("execution", "z", 90, issue="MIN-1", agent="codex", exit_code=1)
    put(ledger, *story(), call)
    assert ids(ledger, types=["gate_result"]) == "c d"
    assert ids(ledger, types=["gate_result"], success=False) == "c"
    assert ids(ledger, success=True) == "d h"
    assert ids(ledger, tasks=["T2"]) == "j"
    assert ids(ledger, tasks=["MIN-1", "T2"]) == "j z"
    assert ids(ledger, agents=["codex", "claude"]) == "b z"
    assert ids(ledger, models=[OPUS]) == "b"
    span = {"since": NOW + 31 * MINUTE, "until": NOW + 33 * MINUTE}
    assert ids(ledger, **span) == "e f"
    assert ids(ledger, sessions=["none"]) == ""


def test_the_last_ones_are_shown_in_their_order(ledger: Ledger) -> None:
    put(ledger, *story())
    found = select(ledger.database.connection, Filter(types=["task_end"]), 2)
    assert [row.event.event_id for row in found] == ["h", "i"]


def test_what_is_kept_is_what_was_said(ledger: Ledger) -> None:
    said = event(
        "execution",
        "x",
        task_id="T",
        issue="MIN-1",
        session_id="s",
        run_id="r",
        agent="claude",
        role="review",
        model=OPUS,
        feature="f",
        success=False,
        duration_ms=5,
        cost_usd=1,
        error="no",
        exit_code=2,
        lamport=3,
        node_id="n",
    )
    put(ledger, said)
    assert kept(ledger)[0].event == said
