"""The spool's messages, asked of the engine: each until it is answered, none in the way."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path

import pytest

from costd.core.errors import BusyError, CostdError, LedgerBusyError, UsageError
from costd.engine.inbox import Inbox
from costd.ingest import spool as module

NOW = 1_800_000_000_000


class Engine:
    """Answers what it is asked, when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.troubles: dict[str, str] = {}
        self._inbox = Inbox(str(folder), self.ask)
        self.asked: list[tuple[str, dict[str, object], Future[object]]] = []

    def ask(self, question: str, params: dict[str, object]) -> Future[object]:
        answer: Future[object] = Future()
        self.asked.append((question, params, answer))
        return answer

    def take(self) -> None:
        self._inbox.take(NOW, self.troubles)

    def answer(self, error: Exception | None = None) -> None:
        waiting, self.asked = self.asked, []
        for _, _, answer in waiting:
            if error is None:
                answer.set_result({})
            else:
                answer.set_exception(error)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def put(folder: Path, name: str, question: str = "link") -> None:
    value = {"question": question, "params": {"key": name}, "at": NOW}
    (folder / f"{name}.json").write_text(json.dumps(value))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_refused_in_it_is_set_aside(tmp_path: Path, engine: Engine) -> None:
    put(tmp_path, "1", "events")
    engine.take()
    ((_, _, answer),) = engine.asked
    rejected = [{"index": 0, "message": "task_end needs task_id"}]
    answer.set_result({"accepted": 1, "rejected": rejected})
    assert names(tmp_path) == ["1.json.bad"]
    engine.take()
    said = "could not be used; the last one was refused: task_end needs task_id."
    assert engine.troubles["spool"].endswith(said)


def test_it_leaves_the_spool_when_it_is_in_the_ledger(
    tmp_path: Path, engine: Engine
) -> None:
    put(tmp_path, "1")
    put(tmp_path, "2", "hook")
    engine.take()
    assert [(q, p["key"]) for q, p, _ in engine.asked] == [("link", "1"), ("hook", "2")]
    assert names(tmp_path) == ["1.json", "2.json"]
    engine.take()
    assert len(engine.asked) == 2
    engine.answer()
    assert names(tmp_path) == []
    assert not engine.troubles


@pytest.mark.parametrize(
    "error", [BusyError("stopping"), LedgerBusyError("disk is full")]
)
def test_it_stays_while_the_ledger_cannot_be_written(
    tmp_path: Path,
    engine: Engine,
    error: CostdError,
) -> None:
    put(tmp_path, "1")
    for _ in range(2):
        engine.take()
        engine.answer(error)
        assert names(tmp_path) == ["1.json"]
    assert not engine.troubles
    engine.take()
    engine.answer()
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "why"),
    [(UsageError("it is no issue"), "no issue"), (ValueError("SECRET"), "ValueError")],
)
def test_what_is_refused_is_set_aside_and_said(
    tmp_path: Path,
    engine: Engine,
    error: Exception,
    why: str,
) -> None:
    put(tmp_path, "1")
    engine.take()
    engine.answer(error)
    assert names(tmp_path) == ["1.json.bad"]
    engine.take()
    assert why in engine.troubles["spool"]
    assert "SECRET" not in engine.troubles["spool"]
    assert engine.asked == []


@pytest.mark.parametrize("question", ["reprice", "verify", "report", "", "x" * 9999])
def test_only_what_tells_something_may_be_spooled(
    tmp_path: Path,
    engine: Engine,
    question: str,
) -> None:
    put(tmp_path, "1", question)
    put(tmp_path, "2")
    engine.take()
    assert [p["key"] for _, p, _ in engine.asked] == ["2"]
    assert names(tmp_path) == ["1.json.bad", "2.json"]
    assert 0 < len(engine.troubles["spool"]) < 300


def test_a_long_queue_is_taken_to_its_end(
    tmp_path: Path,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    monkeypatch.setattr("costd.engine.inbox.AT_ONCE", 3)
    for number in range(8):
        put(tmp_path, str(number))
    engine.take()
    while engine.asked:
        assert len(engine.asked) <= 3
        engine.answer()
    assert names(tmp_path) == []


def test_a_long_queue_waits_with_the_ledger(
    tmp_path: Path,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    monkeypatch.setattr("costd.engine.inbox.AT_ONCE", 2)
    for number in range(4):
        put(tmp_path, str(number))
    engine.take()
    engine.answer(BusyError("stopping"))
    assert engine.asked == []
    assert len(names(tmp_path)) == 4


def test_what_was_wrong_is_said_until_it_is_gone(
    tmp_path: Path, engine: Engine
) -> None:
    (tmp_path / "1.json").write_text("rubbish")
    engine.take()
    assert "is not JSON" in engine.troubles["spool"]
    assert str(tmp_path) in engine.troubles["spool"]
    (tmp_path / "1.json.bad").unlink()
    engine.take()
    assert not engine.troubles


def test_without_a_spool_there_is_nothing_to_take(engine: Engine) -> None:
    Inbox(None, engine.ask).take(NOW, engine.troubles)
    assert not engine.troubles
