"""What is put into the outbox and when, and how long it waits there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costd.core.instants import DAY, HOUR, MINUTE, SECOND
from costd.engine.runs import Posted
from costd.ledger.outbox import pause_ms
from engine.test_runs import NOON, RUN, World


@pytest.fixture
def world(memory_dir: Path) -> Iterator[World]:
    made = World(memory_dir)
    made.engine.runs.posted = Posted(frozenset({"completed", "failed"}), False)
    yield made
    made.engine._end()


def due(world: World) -> list[Any]:
    world.engine.runs.refresh_all(world.now)
    return list(world.ask("outbox")["due"])


@pytest.mark.parametrize(
    ("tries", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 640), (10, 2560), (11, 3600)]
)
def test_each_try_waits_twice_as_long(tries: int, seconds: int) -> None:
    assert pause_ms(tries) == seconds * SECOND


@pytest.mark.parametrize("status", ["completed", "failed", "blocked", "unknown"])
def test_only_the_outcomes_that_were_asked_for(world: World, status: str) -> None:
    world.report(took=0, status=status)
    assert [m["event"] for m in due(world)] == (
        [status] if status in ("completed", "failed") else []
    )


def test_a_run_is_told_once_whatever_happens_to_it(world: World) -> None:
    world.report(took=0, status="failed", sessions=["s1"])
    assert due(world) == []  # its log is still on its way
    world.write(NOON)
    (message,) = due(world)
    told = json.loads(message["body"])
    assert told["cost"]["state"] == "counted"
    assert (message["subject"], message["key"]) == (RUN, f"run:{RUN}:failed")
    world.write(NOON + 1)
    assert [m["id"] for m in due(world)] == [message["id"]]
    world.ask("posted", id=message["id"], is_over=True)
    world.engine.runs.changed(0)
    assert due(world) == []


def test_a_log_that_does_not_come_is_not_waited_for_long(world: World) -> None:
    world.report(took=0, status="failed", sessions=["s1"])
    assert due(world) == []
    world.now += 9 * SECOND
    (message,) = due(world)
    assert json.loads(message["body"])["cost"]["state"] == "pending"


def test_an_outcome_that_is_told_later_is_told_then(world: World) -> None:
    world.report(took=0, issue="MIN-1")
    assert due(world) == []
    world.now += MINUTE
    world.tell(type="task_end", task_id="MIN-1", status="success")
    assert [m["event"] for m in due(world)] == ["completed"]


def test_old_runs_are_not_told_when_somebody_begins_to_listen(world: World) -> None:
    world.report(began=NOON - 2 * DAY, took=0, status="failed")
    assert due(world) == []


def test_what_is_not_taken_comes_again_later(world: World) -> None:
    world.report(took=0, status="failed")
    (message,) = due(world)
    answer = world.ask("posted", id=message["id"], problem="it answers 503")
    assert (answer["waiting"], answer["wait_ms"]) == (1, 5 * SECOND)
    assert answer["problem"] == "it answers 503"
    assert due(world) == []
    world.now += 5 * SECOND
    (again,) = due(world)
    assert (again["key"], again["tries"], again["body"]) == (
        message["key"],
        1,
        message["body"],
    )
    world.engine._end()  # and after a restart too
    world.engine = world.open()
    assert [m["key"] for m in world.ask("outbox")["due"]] == [message["key"]]


def test_reports_get_old_where_somebody_wants_that(world: World) -> None:
    for number, age in enumerate((1, 89, 91)):
        run_id = f"{number}a2b3c4d-0000-4000-8000-000000000001"
        world.report(began=NOON - age * DAY, took=0, run_id=run_id)
    world.ask("runs")
    world.now += 2 * HOUR
    world.engine.runs.max_age_days = 90
    assert world.ask("runs")["count"] == 2
    assert len(list((world.place / "reports").glob("*/*.json"))) == 2
