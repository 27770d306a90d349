"""Alerts in a real ledger: each change once, also when the ledger cannot be written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from costd.core.alerts import EVENTS
from costd.core.instants import SECOND
from costd.engine.alerts import AWAY
from costd.engine.sounding import sound
from engine.test_runs import World

Message = dict[str, Any]


class Alarmed(World):
    """An engine with a webhook for alerts."""

    def listen(self, *events: str) -> None:
        self.engine.alarm.alerts.events = frozenset(events or EVENTS)

    def beat(self, count: int = 2, *troubles: str) -> None:
        """So many beats with these errors of other parts."""
        for _ in range(count):
            self.now += 30 * SECOND
            self.engine._troubles = dict.fromkeys(troubles, "MARK: something")
            sound(self.engine._view(), lambda: None)

    def again(self) -> None:
        """As after kill -9: what was in memory is gone."""
        events = self.engine.alarm.alerts.events
        self.engine._end()
        self.engine = self.open()
        self.listen(*events)

    def due(self) -> list[Message]:
        return list(self.ask("outbox")["due"])

    def take(self) -> list[Message]:
        """What is sent, and taken by the other side."""
        found = self.due()
        for message in found:
            said = {"id": message["id"], "key": message["key"], "is_over": True}
            self.ask("posted", **said)
        return found

    @contextmanager
    def unwritable(self) -> Iterator[None]:
        """A ledger that can be read and takes nothing."""
        self.engine._ledger.database.connection.execute("PRAGMA query_only = 1")
        yield
        self.engine._ledger.database.connection.execute("PRAGMA query_only = 0")


@pytest.fixture
def world(memory_dir: Path) -> Iterator[Alarmed]:
    made = Alarmed(memory_dir)
    made.listen()
    yield made
    made.engine._end()


def names(messages: list[Message]) -> list[str]:
    return [message["event"] for message in messages]


def test_each_change_is_told_once(world: Alarmed) -> None:
    world.beat(1, "publish")
    world.beat(2)
    assert world.due() == []
    world.beat(5, "publish")
    assert names(world.take()) == ["data_stopped"]
    world.beat(5, "publish")
    assert world.due() == []
    world.beat(5)
    assert names(world.take()) == ["data_flows"]


def test_a_restart_tells_nothing_twice(world: Alarmed) -> None:
    world.beat(2, "publish")
    (first,) = world.due()
    world.again()
    world.beat(5, "publish")
    assert world.take() == [first]
    world.again()
    world.beat(5, "publish")
    assert world.take() == []
    world.again()
    world.beat(3)
    (over,) = world.take()
    assert over["event"] == "data_flows"
    about = json.loads(over["body"])["alert"]
    assert about["began_at"] == json.loads(first["body"])["alert"]["at"]


def test_nobody_listens(world: Alarmed) -> None:
    world.listen("none of them")
    world.beat(3, "publish")
    assert world.due() == []


def test_only_what_was_asked_for(world: Alarmed) -> None:
    world.listen("data_flows")
    world.beat(3, "publish")
    assert world.due() == []
    world.beat(3)
    assert names(world.take()) == ["data_flows"]


def test_a_model_without_a_price(world: Alarmed) -> None:
    world.write(world.now, model="no-such-model")
    world.beat(3)
    (message,) = world.take()
    told = json.loads(message["body"])
    assert told["event"] == message["event"] == "unpriced_models"
    assert told["alert"]["subjects"] == ["no-such-model"]
    world.write(world.now, model="no-such-model")
    world.write(world.now, model="another")
    world.beat(3)
    (message,) = world.take()
    assert json.loads(message["body"])["alert"]["subjects"] == ["another"]


def test_a_little_more_than_too_little_is_not_told_each_time(world: Alarmed) -> None:
    for megabytes in (199, 199, 201, 199, 249, 249, 199, 251, 251):
        world.engine._care.disk_free = megabytes << 20
        world.beat(1)
    states = [json.loads(message["body"])["alert"]["state"] for message in world.take()]
    assert states == ["began", "over"]


def test_a_damaged_note_of_what_was_told_stops_nothing(world: Alarmed) -> None:
    world.beat(2, "publish")
    world.take()
    with world.engine._ledger.database.transaction() as connection:
        connection.execute("UPDATE alert SET subjects = '[MARK'")
    world.again()
    world.beat(2, "publish")
    assert names(world.take()) == ["data_stopped"]


def test_no_words_of_a_problem_are_sent(world: Alarmed) -> None:
    world.beat(3, "publish", "config")
    (message,) = world.take()
    assert "MARK" not in message["body"]
    assert json.loads(message["body"])["alert"]["subjects"] == ["config", "publish"]


def test_a_ledger_that_takes_nothing_stops_no_alert(world: Alarmed) -> None:
    world.beat(3)  # what was told last is known
    with world.unwritable():
        world.beat(2, "disk_full")
        (message,) = world.due()
        assert (message["id"], message["event"]) == (0, "data_stopped")
        # Not taken: it comes again a little later.
        answer = world.ask("posted", id=0, key=message["key"], problem="it answers 503")
        assert (answer["waiting"], answer["wait_ms"]) == (1, 5 * SECOND)
        assert world.due() == []
        world.now += 5 * SECOND
        (again,) = world.take()
        assert (again["key"], again["tries"]) == (message["key"], 1)
        world.beat(3, "disk_full")
        assert world.due() == []
    # It is written down now, as told, and what comes after it follows.
    world.beat(1, "disk_full")
    assert world.due() == []
    world.again()
    world.beat(3, "disk_full")
    assert world.due() == []
    world.beat(3)
    assert names(world.take()) == ["data_flows"]


def test_one_that_is_killed_then_tells_it_under_the_same_key(world: Alarmed) -> None:
    world.beat(2)
    with world.unwritable():
        world.beat(2, "disk_full")
        (first,) = world.take()
        world.again()
    with world.unwritable():
        world.beat(2, "disk_full")
        (second,) = world.take()
    assert first["key"] == second["key"]


def test_one_that_is_written_down_while_it_is_sent(world: Alarmed) -> None:
    world.beat(2)
    with world.unwritable():
        world.beat(2, "disk_full")
        (message,) = world.due()
    world.beat(1, "disk_full")
    world.ask("posted", id=0, key=message["key"], is_over=True)
    assert world.due() == []


def test_while_the_ledger_is_mended_it_is_told_too(world: Alarmed) -> None:
    world.beat(2)
    alerts = world.engine.alarm.alerts
    for _ in range(2):
        alerts.beat(None, AWAY, world.now)
    (message,) = alerts.due(world.now)
    told = json.loads(message.body)["alert"]
    assert (told["name"], told["subjects"]) == ("data_stopped", ["ledger_mending"])
