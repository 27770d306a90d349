"""The part of the engine that remembers what it worked out, and forgets it in time.

What is remembered must never differ from what would be worked out anew. Three things
make it differ: lines that are recorded, which say since when; owners that move, who say
since when (``Owners.moved_since``); and whatever else writes to the ledger, after which
everything is forgotten.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from costd.engine.answers import CHANGING, Answer
from costd.engine.intake import NOTHING
from costd.engine.jobs import Job
from costd.engine.live import Live
from costd.engine.memory import Memory
from costd.engine.messages import Call, Question
from costd.engine.outlet import Outlet
from costd.engine.runs import Runs
from costd.engine.standing import Standing
from costd.engine.tended import Tended
from costd.engine.view import View
from costd.ledger.owners import NEVER

_MOVING = CHANGING - {"reprice"}
"""What these questions change of sums is owners, who say since when."""


class Remembering(Tended):
    """Answers from what is known, and knows how long that holds."""

    _changed = 0
    """Responses that were not what they had been, the last time."""
    _live: Live
    _memory: Memory
    _outlet: Outlet
    runs: Runs
    standing: Standing

    @abstractmethod
    def _view(self) -> View:
        """This moment, for an answer."""

    @abstractmethod
    def _finish(self, future: Future[object], work: Callable[[], object]) -> None:
        """Answer with what some work gives."""

    def _forget(self, since: int = 0) -> None:
        """Sums are not what they were, from ``since`` or from where owners moved."""
        owners = self._ledger.owners
        self._memory.forget(since=min(since, owners.moved_since))
        owners.moved_since = NEVER
        self._outlet.change()

    def _owners_changed(self, since: int = 0) -> None:
        self._forget(since)
        self._live.refresh()

    def _notice_moves(self) -> None:
        """Owners may have moved beside what is recorded: by what is found outside."""
        if self._ledger.owners.moved_since < NEVER:
            self._owners_changed(NOTHING)

    def _call_back(self, call: Call) -> None:
        """Do what another thread prepared; most of it does not touch the ledger."""
        ledger = self._ledger
        before = ledger.database.changes
        call.work()
        self._outlet.change()
        if self._ledger is not ledger:
            return  # whoever took up another one has forgotten everything
        if ledger.database.changes != before:
            self._owners_changed(NOTHING if call.moves_only else 0)

    def _have_recorded(self) -> None:
        """Lines were recorded: what lies before all of them stays."""
        for session_id, at in self._intake.heard.items():
            self._live.hear(session_id, at, self._clock())
        self._outside.heard(self._intake.heard, self._intake.registries)
        self._intake.heard.clear()
        changed = self._intake.progress.changed_responses
        if changed != self._changed or self._ledger.owners.moved_since < NEVER:
            self._live.refresh()  # not only the sessions that were heard of
        since = self._intake.changed_since
        self._forget(since)
        self.runs.changed(since)
        self._intake.changed_since = NOTHING
        self._changed = changed

    def _give(self, question: Question, answer: Answer) -> None:
        """Work an answer out, or remember it."""
        self._finish(question.answer, partial(self._work_out, answer, question))
        if question.name in CHANGING:
            self._owners_changed(NOTHING if question.name in _MOVING else 0)

    def _work_out(self, answer: Answer, question: Question) -> dict[str, Any] | Job:
        def work_out() -> dict[str, Any] | Job:
            return answer(self._view(), question.params)

        name, params = question.name, question.params
        found = self._memory.recall(name, params, self._clock(), work_out)
        if self._intake.is_importing:
            self.standing.keep(name, params, found, work_out)
        return found
