"""Care for the ledger's file: when it is checked, copied, mended, and what is said."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from books import NOW, Book
from costd.core.attribution import Keys
from costd.core.errors import BusyError, CostdError
from costd.core.instants import DAY, HOUR
from costd.engine.care import Care, settle
from costd.engine.custody import Custody, _put
from costd.engine.drift import Drift
from costd.engine.messages import Question
from costd.ledger.snapshots import listed
from costd.prices import load_rate_card
from loglines import lines
from owned import until

PATIENCE = 60.0


class Desk:
    """A ledger with care for it, a clock, and the engine's thread: this one."""

    def __init__(self, top: Path, keep: int = 3) -> None:
        self.book = Book(top / "ledger.db", top / "projects")
        self.book.root.mkdir()
        (self.book.root / "a.jsonl").write_bytes(lines(*range(1, 20)))
        self.now = NOW
        self.calls: list[Callable[[], None]] = []
        self.came = threading.Event()
        self.custody = Custody(
            self.book.path,
            load_rate_card(),
            Keys(),
            [str(self.book.root)],
            lambda: self.now,
        )
        self.care = Care(self.custody, lambda: self.now, self._call, keep)

    def _call(self, work: Callable[[], None]) -> None:
        self.calls.append(work)
        self.came.set()

    def beat(self, *, is_busy: bool = False) -> None:
        self.care.beat(self.book.ledger, is_busy=is_busy, has_grown=True)

    def settle_once(self) -> None:
        """Do what threads have asked for so far."""
        while self.calls:
            self.calls.pop(0)()

    def settle(self) -> int:
        """Do what threads have asked for, until none works any more."""
        done = 0
        while self.care._is_checking:
            assert self.came.wait(PATIENCE)
            self.came.clear()
            while self.calls:
                self.calls.pop(0)()
                done += 1
        return done

    @property
    def snapshots(self) -> list[int]:
        return [s.at for s in listed(self.book.path.with_name("snapshots"))]


@pytest.fixture
def desk(memory_dir: Path) -> Iterator[Desk]:
    made = Desk(memory_dir)
    yield made
    made.care.close()
    made.book.close()


def test_it_is_checked_at_the_start_and_copied_when_there_is_something(
    desk: Desk,
) -> None:
    desk.beat()
    desk.settle()
    assert desk.care.checked is not None
    assert desk.care.checked.ok
    assert desk.snapshots == []  # nothing to keep
    desk.book.catch_up()
    desk.beat(is_busy=True)
    assert not desk.care._is_checking
    desk.beat()
    desk.settle()
    assert desk.snapshots == [NOW // 1000 * 1000]
    desk.beat()
    assert not desk.care._is_checking


def test_who_asks_while_it_is_copied_is_answered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying, go_on, said = threading.Event(), threading.Event(), list[str]()
    real = desk.custody.snapshot

    def slow(*values: Any) -> Any:
        copying.set()
        go_on.wait(PATIENCE)
        return real(*values)

    monkeypatch.setattr(desk.custody, "snapshot", slow)
    desk.book.catch_up()
    desk.beat()

    def is_copying() -> bool:
        desk.settle_once()
        return copying.is_set()

    until(is_copying)
    desk.care.check_first(lambda: said.append("checked"))
    go_on.set()
    desk.settle()
    assert said == ["checked"]
    assert len(desk.snapshots) == 1


def test_once_a_day_and_so_many_are_kept(desk: Desk) -> None:
    desk.book.catch_up()
    for _ in range(6):
        desk.beat()
        desk.settle()
        desk.now += HOUR
        desk.beat()
        assert desk.settle() == 0
        desk.now += DAY - HOUR
    assert len(desk.snapshots) == 3
    assert desk.snapshots[0] - desk.snapshots[-1] == 2 * DAY


def test_none_are_kept_where_none_are_wanted(memory_dir: Path) -> None:
    desk = Desk(memory_dir, keep=0)
    desk.book.catch_up()
    desk.beat()
    desk.settle()
    assert desk.snapshots == []
    assert desk.care.checked is not None
    desk.book.close()


def test_a_clock_that_was_set_back_stops_no_snapshot(desk: Desk) -> None:
    desk.book.catch_up()
    desk.beat()
    desk.settle()
    desk.now -= 30 * DAY
    desk.beat()
    desk.settle()
    assert len(desk.snapshots) == 2


def test_a_damaged_one_is_not_copied_and_must_go_once_a_day(desk: Desk) -> None:
    desk.book.catch_up()
    desk.book.query("UPDATE response SET cost = cost + 1 WHERE id = 1")
    desk.beat()
    desk.settle()
    assert desk.snapshots == []
    assert "cost" in desk.care.must_go()
    desk.book.close()
    desk.custody.mend("a test").close()
    assert desk.care.must_go() == ""  # a fault that comes again is another one
    desk.now = 10**15
    assert desk.care.must_go()
    desk.book.open()


def test_a_check_of_the_file_before_says_nothing(desk: Desk) -> None:
    desk.book.catch_up()
    desk.book.query("UPDATE response SET cost = cost + 1 WHERE id = 1")
    desk.beat()
    assert desk.came.wait(PATIENCE)
    desk.care._taken_up(desk.book.ledger, lambda _ledger: None)
    desk.settle()
    assert desk.care.damage == ""


def test_a_thread_that_fails_says_so_and_the_next_is_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("out of everything")

    with monkeypatch.context() as patch:
        patch.setattr(desk.custody, "check", fail)
        desk.beat()
        desk.settle()
    assert desk.care.trouble is not None
    assert "everything" not in desk.care.trouble.message
    desk.beat()
    desk.settle()
    assert desk.care.checked is not None


def test_while_it_is_away_the_last_status_says_so(desk: Desk) -> None:
    desk.care.away = "a test"
    for name, known in (("status", None), ("report", None)):
        question = Question(name, {}, Future())
        desk.care.answer(question)
        assert isinstance(question.answer.exception(), BusyError), known
    desk.care.status = {"totals": 7, "health": [{"code": "old"}]}
    question = Question("status", {}, Future())
    desk.care.answer(question)
    found = json.loads(json.dumps(question.answer.result()))
    assert found["totals"] == 7
    assert [p["code"] for p in found["health"]] == ["ledger_mending"]
    question = Question("alive", {}, Future())
    desk.care.answer(question)
    assert json.loads(json.dumps(question.answer.result()))["sweeps"] == 1


@pytest.mark.parametrize("error", [CostdError("no"), ValueError("secret")])
def test_whoever_asked_hears_of_a_failure(error: Exception) -> None:
    def fail() -> None:
        raise error

    answer: Future[object] = Future()
    settle(answer, fail)
    assert isinstance(answer.exception(), CostdError)
    assert "secret" not in str(answer.exception())


def test_a_clock_that_goes_with_the_time_has_not_jumped() -> None:
    wall, steady = [1_000_000], [50.0]
    drift = Drift(lambda: wall[0], lambda: steady[0])
    for seconds, is_set, shown in (
        (30, 30, 0),
        (30, 31, 0),
        (30, 3630, 1),
        (30, -970, 2),
    ):
        steady[0] += seconds
        wall[0] += is_set * 1000
        drift.look()
        assert drift.jumps == shown
    assert drift.last_seconds == -1000
    assert drift.last_at == wall[0]


def test_what_is_written_down_of_a_repair_is_never_half_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "recovered-1.json"
    _put(path, {"number": 1})
    seen: list[object] = []
    sync = os.fsync

    def look(descriptor: int) -> None:
        sync(descriptor)  # all of it has been written, somewhere
        seen.append(json.loads(path.read_bytes()))

    monkeypatch.setattr(os, "fsync", look)
    _put(path, {"number": 2})
    assert seen == [{"number": 1}]
    assert json.loads(path.read_bytes()) == {"number": 2}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o600
