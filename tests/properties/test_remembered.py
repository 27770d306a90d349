"""Whatever happened: what is remembered is what would be worked out anew.

An engine goes through lines, claims, moved logs, other prices and whole days, and is
asked in between. Each time a fresh engine over a copy of the same ledger must publish
the same documents and give the same answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import places
from costd.core.attribution import Keys
from costd.core.instants import DAY, HOUR, MINUTE, SECOND, format_instant
from costd.engine.board import Board
from costd.engine.documents import documents
from costd.engine.loop import Engine
from costd.engine.messages import Question, Rescan
from costd.ledger import Ledger
from costd.prices import load_rate_card
from costd.publish.encode import dump
from worklog import BEGAN, Worklog, log_of, stamp

SESSIONS = ["s1", "s2", "s3"]
BRANCHES = ["main", "MIN-1", "MIN-2", "feature/min-30"]
MODELS = ["claude-opus-5", "claude-sonnet-5", "no-such-model"]
ISSUES = ["MIN-1", "MIN-7", "none:overhead"]
ZONE = ZoneInfo("Europe/Oslo")
START = 40 * DAY
"""After ``BEGAN``; lines are up to forty days old."""
AGES = [0, MINUTE, 5 * HOUR, DAY, 3 * DAY, 40 * DAY, -2 * HOUR, -3 * DAY]
"""How old a line is when it comes; some are dated ahead."""
OTHER_PRICES = {
    "no-such-model": {"input": "3", "output": "7"},
    "claude-opus-5": {"input": "1", "output": "2"},
}
LANES = ["day", "model", "issue", "session", "role", "pr", "agent", "project"]
PULL = "https://github.com/owner/name/pull/{}"
QUESTIONS: list[tuple[str, dict[str, object]]] = [
    ("status", {}),
    ("status", {"tz": "Asia/Tokyo"}),
    *[("report", dict[str, object](by=[by])) for by in LANES],
    ("report", {"by": ["day"], "filters": {"pr": PULL.format(1)}}),
    ("report", {"by": ["issue"], "since": "2d"}),
    ("costs", {"by": ["issue", "session", "role", "branch"]}),
    ("costs", {"since": "2026-10-20", "filters": {"pr": PULL.format(1)}}),
    ("costs", {"filters": {"issue": "MIN-1"}}),
    ("costs_summary", {}),
    ("calendar", {}),
    ("issues", {}),
    ("issue", {"id": "MIN-1"}),
    ("costs_by_issue", {}),
    ("sessions", {}),
    ("board", {}),
    ("runtimes", {}),
    ("performance", {}),
]
VOLATILE = ("generated_at", "started_at", "parts", "path", "bytes")
"""When an engine began, what was wrong before, and which file its ledger is."""


class Remembering(RuleBasedStateMachine):
    """One engine that goes on, and a fresh one each time."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.top = self.stack.enter_context(places.memory_dir())
        self.work = Worklog(self.top / "projects")
        self.work.root.mkdir()
        self.now = BEGAN + START
        self.cards = [load_rate_card(), load_rate_card(OTHER_PRICES)]
        self.engine = self.made(self.top / "ledger.db")
        self.board, self.files = Board(), dict[str, Any]()
        self.messages: list[str] = []
        self.claims: list[int] = []
        self.copies = self.steps = 0
        self.look()

    def made(self, path: Path) -> Engine:
        """An engine whose steps are taken by hand."""
        return Engine(
            ledger=Ledger(path, self.cards[0], Keys()),
            roots={"claude": [str(self.work.root)]},
            zone=ZONE,
            clock=lambda: self.now,
            tick_ms=30_000,
            quiet_ms=300_000,
            max_line_bytes=1 << 20,
        )

    def handle(self, message: Any) -> None:
        """One message, and everything that follows from it."""
        self.engine._queue.put(message)
        engine = self.engine
        while not engine._queue.empty() or engine._intake.has_work or engine._jobs:
            engine._step()

    def ask(self, name: str, **params: object) -> Any:
        """The answer of the engine that goes on; None where it refuses."""
        answer: Future[object] = Future()
        self.handle(Question(name, params, answer))
        return answer.result(0)

    def look(self) -> None:
        """What was done to logs is seen."""
        self.engine._last_tick_at = self.now
        self.handle(Rescan())

    # What happens.

    @rule(
        session=st.sampled_from(SESSIONS),
        where=st.sampled_from([(b, a) for b in BRANCHES for a in ("", "a1")]),
        model=st.sampled_from(MODELS),
        age=st.sampled_from(AGES),
        count=st.integers(1, 3),
    )
    def respond(
        self, session: str, where: tuple[str, str], model: str, age: int, count: int
    ) -> None:
        """Lines are appended, and may be late or ahead."""
        branch, agent = where
        for _ in range(count):
            at = self.now - age - BEGAN
            message = self.work.respond(
                session, at, branch=branch, agent=agent, model=model
            )
            self.messages.append(message)
            self.now += SECOND
        self.look()

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), session=st.sampled_from(SESSIONS), more=st.integers(0, 500))
    def copy(self, data: st.DataObject, session: str, more: int) -> None:
        """Another session shows a response too, perhaps with a higher count."""
        message = data.draw(st.sampled_from(self.messages))
        at = self.now - BEGAN - DAY
        self.work.respond(session, at, message=message, output=1000 + more)
        self.look()

    @rule(session=st.sampled_from(SESSIONS), number=st.integers(1, 2))
    def pull(self, session: str, number: int) -> None:
        """A session names a pull request."""
        line = {
            "type": "pr-link",
            "sessionId": session,
            "prNumber": number,
            "prUrl": PULL.format(number),
            "prRepository": "owner/name",
            "timestamp": stamp(self.now),
        }
        self.work.write(log_of(session), line)
        self.look()

    @rule(session=st.sampled_from(SESSIONS))
    def damage(self, session: str) -> None:
        """A line that nobody can read."""
        path = self.work.root / log_of(session)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b'{"type":"assistant","message":{"usage":\n')
        self.look()

    @rule(
        session=st.sampled_from(SESSIONS),
        issue=st.sampled_from(ISSUES),
        age=st.none() | st.sampled_from(AGES),
    )
    def link(self, session: str, issue: str, age: int | None) -> None:
        """Somebody claims a session, or what it did since some time."""
        params: dict[str, object] = {"session": session, "issue": issue}
        if age is not None:
            params["from"] = format_instant(self.now - age)
        claim = self.ask("link", **params)["claim"]
        self.claims.append(claim["id"])

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def unlink(self, data: st.DataObject) -> None:
        """A claim is taken back."""
        claim = data.draw(st.sampled_from(self.claims))
        self.claims.remove(claim)
        with suppress(Exception):  # the same claim was made twice, and is gone
            self.ask("unlink", id=claim)

    @rule(session=st.sampled_from(SESSIONS), issue=st.sampled_from(ISSUES))
    def hook(self, session: str, issue: str) -> None:
        """An agent's hook says whose its session is."""
        environment = {"COSTD_ISSUE": issue}
        self.ask("hook", session=session, environment=environment)

    @rule(session=st.sampled_from(SESSIONS), gone=st.booleans())
    def move(self, session: str, gone: bool) -> None:
        """A log gets another name, or is removed."""
        path = self.work.root / log_of(session)
        if not path.exists():
            return
        if gone:
            path.unlink()
        else:
            other = self.work.root / "-src-other" / path.name
            other.parent.mkdir(exist_ok=True)
            path.replace(other)
        self.look()

    @rule()
    def reprice(self) -> None:
        """The rates are others."""
        self.cards.reverse()
        self.engine._ledger.card = self.cards[0]
        self.ask("reprice")

    @rule(time=st.sampled_from([MINUTE, 20 * MINUTE, 7 * HOUR, DAY, 9 * DAY]))
    def wait(self, time: int) -> None:
        """Time passes."""
        self.now += time
        self.look()

    @rule(some=st.sets(st.sampled_from(range(len(QUESTIONS))), max_size=5))
    def questions(self, some: set[int]) -> None:
        """Somebody asks: then something is remembered."""
        for number in some:
            name, params = QUESTIONS[number]
            with suppress(Exception):  # of an issue that is not there
                self.ask(name, **params)

    # What must be so.

    @invariant()
    def it_is_as_if_worked_out_anew(self) -> None:
        """Every document and every answer; not after each step, which takes too long."""
        self.steps += 1
        if self.steps % 3 == 0:
            self.compare()

    def compare(self) -> None:
        """Hold the engine against a fresh one."""
        found = self.everything(self.engine, self.board, self.files)
        with closing(self.copy_of_engine()) as fresh:
            wanted = self.everything(fresh.engine, Board(), {})
        gone = found.keys() - wanted.keys()
        assert all(found.pop(name)["sessions"] == [] for name in gone)
        assert [*_differences(found, wanted)] == []

    def copy_of_engine(self) -> Fresh:
        """A fresh engine over a copy of the ledger, which has seen the logs."""
        self.copies += 1
        path = self.top / f"copy-{self.copies}.db"
        self.engine._ledger.database.connection.execute("VACUUM INTO ?", (str(path),))
        return Fresh(self.made(path), self.engine)

    def everything(
        self, engine: Engine, board: Board, files: dict[str, Any]
    ) -> dict[str, Any]:
        """All that an engine publishes and answers."""
        engine.runs.refresh_all(self.now)  # as before whatever is published
        view = engine._view()
        files |= board.refresh(view, lambda: self.now, is_last=True)
        found: dict[str, Any] = {**files, **documents(view)}
        found = {name: json.loads(dump(value)) for name, value in found.items()}
        for name, part in board.parts.items():
            found[f"map {name}"] = json.loads(part)
        for number, (name, params) in enumerate(QUESTIONS):
            answer: Future[object] = Future()
            engine._answer(Question(name, params, answer))
            if answer.exception(0) is None:
                found[f"{number} {name} {params}"] = answer.result(0)
        return {name: _steady(value) for name, value in found.items()}

    def teardown(self) -> None:
        """Hold against each other what there is in the end, and close everything."""
        with self.stack:
            self.stack.callback(self.engine._end)
            if self.messages:
                self.compare()


class Fresh:
    """An engine that has just begun, with the sessions that are known to run."""

    def __init__(self, engine: Engine, other: Engine) -> None:
        self.engine = engine
        engine._look()
        engine._live = other._live
        engine._last_tick_at = other._last_tick_at
        engine._live.refresh()

    def close(self) -> None:
        """Remove it with its ledger."""
        path = self.engine._ledger.database.path
        self.engine._end()
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()


def _differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Where two values differ, and what each has there."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            yield from _differences(one.get(name), other.get(name), f"{place}/{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{place}/{number}")
    elif one != other:
        yield f"{place}: {one} and {other}"


def _steady(value: Any) -> Any:
    """A value without what differs between two engines anyway."""
    if isinstance(value, dict):
        return {k: _steady(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [_steady(item) for item in value]
    return value


def test_what_is_remembered_is_what_is_worked_out_anew() -> None:
    run_state_machine_as_test(
        Remembering, settings=settings(max_examples=12, stateful_step_count=12)
    )
