"""The loop: one thread, one queue of messages, sole owner of the ledger.

Everybody else puts a message. Between messages the engine reads and records a slice
of what waits, so that a question never waits longer than a slice.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty
from zoneinfo import ZoneInfo

from costd.core.errors import CostdError, UsageError
from costd.engine.alarm import Alarm
from costd.engine.answers import answer_to
from costd.engine.answers.work import Recount, SyncBegan, synced, verified
from costd.engine.care import Care
from costd.engine.custody import Custody
from costd.engine.intake import NOTHING, Intake, Progress
from costd.engine.jobs import Job, Jobs
from costd.engine.live import Live
from costd.engine.mailbox import stopping
from costd.engine.memory import Memory
from costd.engine.messages import (
    Call,
    Delivered,
    Dirty,
    Message,
    Question,
    Rescan,
    Stop,
    Tick,
)
from costd.engine.outlet import Outlet, Publish
from costd.engine.outside import Outside
from costd.engine.pace import Pace, pulse
from costd.engine.publishing import Publishing
from costd.engine.recounting import begin
from costd.engine.remembering import Remembering
from costd.engine.runs import Runs
from costd.engine.session_maps import SessionMaps
from costd.engine.sounding import sound
from costd.engine.sources import Roots
from costd.engine.standing import Standing
from costd.engine.telling import Telling
from costd.engine.view import View, Watching
from costd.engine.waiting import Waiting, settle
from costd.ingest.orchestrators import Orchestrators
from costd.ledger import Ledger
from costd.ledger.moves import Moves


class Engine(Remembering):
    """Owns the ledger from ``run`` to ``stop``.

    Args:
        ledger: opened by the caller, closed here.
        roots: directories with session logs, by whose they are.
        zone: in which days are cut.
        clock: milliseconds since the epoch.
        tick_ms: how often the beat comes.
        quiet_ms: after so long without a line a session is over.
        max_line_bytes: longer lines are skipped.
        spool: the directory of messages that nobody took; None: there is none.
        orchestrators: reads what they write down of sessions; None: nobody looks.
        session_maps: files that tell whose sessions are whose; None: there are none.
        reports: the directory of the reports of runs; None: none are written.
        publish: what to do with the documents; None publishes nothing.
        custody: looks after the ledger's file; None: nobody does.
        snapshots: how many copies of the ledger are kept.
        is_daemon: whether this engine lives on, with a beat and a watch.
    """

    last_state = "stopped"
    """What the summary files say of costd when ``run`` is over."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        roots: Roots,
        zone: ZoneInfo,
        clock: Callable[[], int],
        tick_ms: int,
        quiet_ms: int,
        max_line_bytes: int,
        spool: str | None = None,
        orchestrators: Orchestrators | None = None,
        session_maps: SessionMaps | None = None,
        reports: Path | None = None,
        publish: Publish | None = None,
        custody: Custody | None = None,
        snapshots: int = 7,
        is_daemon: bool = False,
    ) -> None:
        super().__init__(Standing(clock, goes_on=is_daemon))
        self._zone, self._clock = zone, clock
        self._tick_ms, self._max_line_bytes = tick_ms, max_line_bytes
        self._outlet, self._is_daemon = Outlet(publish), is_daemon
        self._outside_with = (roots, orchestrators, session_maps)
        self._live = Live(quiet_ms)
        self._watch: Watching | None = None
        self.started_at = self._last_tick_at = clock()
        self._pace = Pace(clock, tick_ms)
        self._waiting = Waiting(self._finish)
        self._jobs = Jobs(self._finish)
        self._stopping = self._has_begun = False
        self._memory = Memory()
        self._care = Care(custody, clock, self._call_relaxed, snapshots)
        self.alarm = Alarm()
        change = self._outlet.change
        self.telling = Telling(ledger, spool, self.ask, self._jobs, change)
        self.runs = Runs(ledger, reports)
        self._furnish(ledger)
        self.on_change: Callable[[], None] = lambda: None
        self.relax: Callable[[], None] = lambda: None
        self.report: Callable[[str, Exception], None] = lambda _event, _error: None
        self.say: Callable[..., None] = lambda _event, **_facts: None

    def _furnish(self, ledger: Ledger) -> None:
        """Everything that works with the ledger, which may come back as another."""
        roots, orchestrators, session_maps = self._outside_with
        self._ledger = ledger
        self._intake = Intake(
            ledger,
            roots,
            self._max_line_bytes,
            lambda packed: self._queue.put(Delivered(packed)),
        )
        self.telling.move_to(ledger)
        self._outside = Outside(
            ledger=ledger,
            jobs=self._jobs,
            call=lambda work: self._queue.put(Call(work, moves_only=True)),
            clock=self._clock,
            orchestrators=orchestrators,
            maps=session_maps,
        )
        self.runs.move_to(ledger)
        self._publishing = Publishing(
            self._outlet, self._outside, self.runs, self._clock
        )

    def _call_relaxed(self, work: Callable[[], None]) -> None:
        """As ``_call``, after something that took much memory in another thread."""

        def done() -> None:
            work()
            self.relax()

        self._call(done)

    @property
    def progress(self) -> Progress:
        """How far reading is; for any thread."""
        return self._intake.progress

    # The engine's thread.

    def run(self, watch: Watching | None = None) -> None:
        """Work until ``stop``; closes the ledger."""
        self._watch = watch
        try:
            self._guarded(self._begin)
            while not self._stopping:
                is_away = bool(self._care.away)
                self._guarded(self._wait_for_ledger if is_away else self._step)
        finally:
            self._end()

    def _begin(self) -> None:
        if self._ledger.unlaid:
            steps = self._ledger.lay(self._ledger.unlaid, Moves(), anew=True)
            self._jobs.begin(Job(steps, dict))
        self._live.restore(self._ledger.database.connection, self._clock())
        if self._is_daemon:  # hosted for one question, which may look by itself
            self._look()
        self.telling.look(self._clock(), self._troubles)
        if self._is_daemon:
            self._care_for_ledger()
        if self._watch is not None and not self._has_begun:
            self._has_begun = True
            self._call(self._watch.start)
            self.rescan()  # what came between the sweep and the first event

    def _step(self) -> None:
        message = self._next()
        while message is not None:
            self._handle(message)
            message = self._next_at_once()
        if self._stopping:
            return
        if not self._intake.has_work and self._pace.sweep_wait_ms(self._watch) <= 0:
            self._look()
        if self._intake.has_work:
            self._advance()
        if self._jobs and self._jobs.advance():
            self._owners_changed(NOTHING)  # no job changes sums but by moving owners
        self.standing.tend(is_over=not self._intake.is_importing)
        self._ledger.database.be_roomy(is_roomy=self._intake.is_importing)
        self._outside.settle(busy=self._intake.is_busy, awaited=bool(self._waiting))
        self._notice_moves()
        self._waiting.settle(is_busy=self._is_behind, problem=self._intake.problem)
        if self._care.is_recovering and not self._is_behind:
            self._care.recovered(self._ledger)
        if self._publishing.is_due and not self._care.is_recovering:
            self._publish_now("running")

    def _next(self) -> Message | None:
        if self._intake.has_work or self._jobs or self._later:
            return self._next_at_once()
        wait = self._pace.patience_ms(self._watch, self._outlet)
        with suppress(Empty):
            return self._queue.get(timeout=None if wait is None else wait / 1000)
        return None

    def _next_at_once(self) -> Message | None:
        return None if self._stopping else self._take_left()

    def _handle(self, message: Message) -> None:
        match message:
            case Dirty(path):
                if self._intake.hint(path):
                    self._look()
            case Delivered(packed):
                self._intake.receive(packed)
            case Question():
                self._answer(message)
            case Call():
                self._call_back(message)
            case Tick():
                self._beat()
            case Rescan():
                self._look()
            case Stop():
                self._stopping = True

    def _advance(self) -> None:
        was_importing = self._intake.is_importing
        try:
            self._intake.advance(self._clock(), self.standing.asked_at)
        except CostdError as error:
            self._tell_of(error)
            self._intake.give_up()
            self._outlet.change()
            return
        self._have_recorded()
        if was_importing and not self._intake.is_importing:
            self.relax()
        self.on_change()  # files wait for a second, whoever watches does not

    def _beat(self) -> None:
        self._last_tick_at = self._clock()
        self._has_tick = False
        if self._watch is not None and not self._has_begun:
            self._begin()  # which could not be done at the start
        self._care_for_ledger()
        self.telling.look(self._clock(), self._troubles)
        self._live.refresh()
        sound(self._view(), self.on_change)
        if (
            self._watch is None
            or self._pace.sweep_wait_ms(self._watch) < self._tick_ms // 2
        ):
            self._look()
        if not self._intake.is_busy:
            self._ledger.database.shrink_memory()
            self.relax()
        self._outlet.change()

    def _look(self) -> None:
        self._pace.begin_sweep()
        try:
            if self._intake.sweep(self._clock(), self._breathe):
                self._memory.forget(since=NOTHING)
                self._outlet.change()
        except CostdError as error:
            self._tell_of(error)
            return
        self._troubles.pop("ledger", None)
        self._live.set_running(
            self._outside.look(self._intake.registries, self._troubles)
        )
        self._notice_moves()
        if self._watch is not None:
            self._watch.check(self._intake.last_sweep.directories)

    def _answer(self, question: Question) -> None:
        if question.name == "sync":
            self._look()
            self.telling.look(self._clock(), self._troubles)
            began = SyncBegan(self._clock(), self.progress.new_responses)
            if not self._is_daemon:  # hosted for this: what it did so far is the sync
                began = SyncBegan(self.started_at, 0)
            self._waiting.add(lambda: synced(self._view(), began), question.answer)
        elif question.name == "verify":
            self._begin_verify(question.answer)
        elif question.name == "alive":
            beat = pulse(self._intake, self._pace.sweeps, set(self._troubles))
            question.answer.set_result(beat)
        elif not self._tend(question):
            self._answer_now(question)

    def _answer_now(self, question: Question) -> None:
        if not self._pace.sweeps:
            self._look()
        self.standing.asked_at = self._clock()
        if (answer := answer_to(question.name)) is not None:
            self._give(question, answer)
        else:
            error = UsageError(f"costd does not know {question.name[:40]!r}.")
            question.answer.set_exception(error)

    @property
    def _is_behind(self) -> bool:
        """Whether something is known to be there that the ledger does not hold."""
        return self._intake.is_busy or bool(self._jobs) or self._outside.is_out

    def _finish(self, future: Future[object], work: Callable[[], object]) -> None:
        settle(future, partial(self._noticed, work), self.report)

    def _begin_verify(self, answer: Future[object]) -> None:
        """Reading takes long: a thread of its own does it, beside a ledger of its own."""
        make = partial(
            Recount,
            self._ledger.database.path.parent,
            self._ledger.card,
            self._intake.roots,
            self._max_line_bytes,
        )

        def done(recount: Recount) -> None:
            self._queue.put(Call(lambda: self._verified(recount, answer)))

        begin(make, self._clock(), answer, done)

    def _verified(self, recount: Recount, answer: Future[object]) -> None:
        """Compare once this ledger has read what the recount may have seen."""
        self._look()
        self._waiting.add(lambda: verified(self._view(), recount), answer)
        answer.add_done_callback(lambda _: recount.close())

    def _view(self) -> View:
        if not self._jobs:  # while owners are on their way, what was known stays
            self._notice_moves()
        return View(
            ledger=self._ledger,
            intake=self._intake,
            live=self._live,
            zone=self._zone,
            now=self._clock(),
            started_at=self.started_at,
            tick_ms=self._tick_ms,
            last_tick_at=self._last_tick_at,
            is_daemon=self._is_daemon,
            watch=None if self._watch is None else self._watch.health(),
            memory=self._memory,
            jobs=self._jobs,
            care=self._care,
            alarm=self.alarm,
            telling=self.telling,
            runs=self.runs,
            troubles={**self._troubles, **self._outlet.troubles, **self.runs.troubles},
        )

    def _publish_now(self, state: str) -> None:
        if self._publishing.write(self._view(), state):
            self.on_change()

    def _end(self) -> None:
        self._care.close()
        if self._watch is not None:
            self._watch.stop()
        self._put_away()
        if not self._care.away:
            with suppress(CostdError):
                self.runs.refresh_all(self._clock())
                self._publish_now(self.last_state)
        self._ended = True
        self._refuse_the_rest(stopping())
        self._refuse_left()
        if not self._care.away:
            with suppress(CostdError):
                self._ledger.database.checkpoint()
            self._ledger.close()
