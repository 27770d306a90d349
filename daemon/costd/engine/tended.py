"""The part of the engine that goes on when its ledger's file does not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from costd.core.errors import BusyError, CostdError, LedgerBusyError
from costd.engine.alarm import Alarm
from costd.engine.alerts import AWAY
from costd.engine.care import Care
from costd.engine.intake import Intake
from costd.engine.jobs import Jobs
from costd.engine.mailbox import Mailbox, stopping
from costd.engine.messages import Call, Question, Stop, Tick
from costd.engine.outside import Outside
from costd.engine.waiting import Waiting
from costd.ledger import Ledger

Found = TypeVar("Found")
_QUICK = frozenset({"status", "alive"})
"""Questions that change nothing, and are asked all the time."""


class Tended(Mailbox, ABC):
    """Lets go of a ledger whose file must be made anew, and takes it up again."""

    _care: Care
    _clock: Callable[[], int]
    alarm: Alarm
    _intake: Intake
    _outside: Outside
    _jobs: Jobs
    _waiting: Waiting
    _ledger: Ledger
    _stopping: bool
    _restoring: Future[object] | None = None
    on_change: Callable[[], None]
    say: Callable[..., None]

    @abstractmethod
    def _furnish(self, ledger: Ledger) -> None:
        """Work with this ledger from now on."""

    @abstractmethod
    def _begin(self) -> None:
        """Catch up with everything."""

    @abstractmethod
    def _owners_changed(self, since: int = 0) -> None:
        """What was worked out of ``since`` and later may not be so any more."""

    @property
    def is_recovering(self) -> bool:
        """Whether its ledger was made anew and has not yet read the logs again."""
        return self._care.is_recovering

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do some work; if it shows that the ledger is damaged, have that mended."""
        try:
            work()
        except LedgerBusyError as error:  # it is tried again with the next beat
            self._troubles["ledger"] = error.message
        except Exception as error:
            if not self._care.notice(error):
                raise
            if not self._care.must_go():
                self._care.rest()
        if self._restoring is not None:
            answer, self._restoring = self._restoring, None
            self._restore(answer)
        if (why := self._care.must_go()) and not self._stopping:
            self._let_go(why)

    def _tell_of(self, error: CostdError) -> None:
        """Something could not be read or kept; it is tried again."""
        self._care.notice(error)
        self._troubles["ledger"] = error.message

    def _breathe(self) -> None:
        """While all logs are looked at: whoever asks how it is need not wait for that.

        Before the first look nobody knows.
        """
        if self._intake.last_sweep.roots:
            self._set_aside(lambda question: question.name in _QUICK, self._answer)

    def _restore(self, answer: Future[object]) -> None:
        """Give the ledger away for another one."""
        if self._stopping or self._care.away:
            answer.set_exception(stopping())
            return
        self.say("ledger_restoring")
        self._put_away()
        self._care.restore(answer, self._ledger, self._take_up)
        self._refuse_the_rest(self._care.refusal())

    def _noticed(self, work: Callable[[], Found]) -> Found:
        """The same for an answer, whose failure somebody waits for."""
        try:
            return work()
        except Exception as error:
            self._care.notice(error)
            raise

    def _care_for_ledger(self) -> None:
        """Look after its file."""
        intake = self._intake
        grown = intake.progress.new_responses > 0
        self._care.beat(self._ledger, is_busy=intake.is_busy, has_grown=grown)
        progress = intake.progress
        done = progress.new_responses + progress.changed_responses
        behind = progress.bytes_behind if intake.is_busy else 0
        self.alarm.note_reading(behind, done, self._clock())
        if self._care.drift.look():
            self.say("clock_jumped", seconds=round(self._care.drift.last_seconds))
            self.rescan()

    @abstractmethod
    def _answer(self, question: Question) -> None:
        """Answer, now or when it can be."""

    @abstractmethod
    def _answer_now(self, question: Question) -> None:
        """Answer from what is known."""

    def _tend(self, question: Question) -> bool:
        """Answer what is about the ledger's file; False where something else is asked."""
        match question.name:
            case "doctor" if question.params.get("quick") is not True:
                self._care.check_first(lambda: self._answer_now(question))
            case "backup":
                self._care.back_up(question.answer)
            case "restore" if self._restoring is None:
                self._restoring = question.answer  # when this step is done
            case "restore":
                busy = BusyError("One is being restored already.", "Ask again later.")
                question.answer.set_exception(busy)
            case _:
                return False
        return True

    def _put_away(self) -> None:
        """End what works with the ledger beside this thread."""
        self.standing.drop()
        self._intake.close()
        self._outside.close()

    def _let_go(self, why: str) -> None:
        """Give the ledger away until its file is whole."""
        self.say("ledger_mending", reason=why)
        self._put_away()
        self._care.let_go(why, self._ledger, self._take_up)
        self._refuse_the_rest(self._care.refusal())
        self.on_change()

    def _take_up(self, ledger: Ledger) -> None:
        """Go on with what is there."""
        if self._stopping:
            ledger.close()
            return
        self._furnish(ledger)
        self.say("ledger_mended")
        self._owners_changed()
        self._begin()

    def _wait_for_ledger(self) -> None:
        """Answer what can be answered without it."""
        match self._take_left() or self._queue.get():
            case Question() as question:
                if not self.alarm.alerts.answer(question, self._clock()):
                    self._care.answer(question)
            case Call(work):
                work()
            case Tick():
                self._has_tick = False
                if self.alarm.alerts.beat(None, AWAY, self._clock()):
                    self.on_change()
            case Stop():
                self._stopping = True

    def _refuse_the_rest(self, error: CostdError) -> None:
        """Whoever still waits is told."""
        self._waiting.refuse(error)
        self._jobs.refuse(error)
