"""The beat: a tick at a steady pace, through suspends and clock changes.

APScheduler plans by the wall clock: set back an hour, it stands still for an hour;
set forward by years, it lists every run it missed. The beat looks at the distance to
its next run whenever it wakes, and it wakes by the monotonic clock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from threading import Thread

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

_JOB = "tick"
_SLACK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatHealth:
    """What became of the ticks; ``last_error`` is the kind of the last failure.

    ``skipped`` counts ticks left out because the one before was still running,
    ``jumps`` how often the wall clock left the steady pace.
    """

    ticks: int
    errors: int
    last_error: str
    skipped: int
    missed: int
    jumps: int


class Beat:
    """Calls ``tick`` every ``seconds`` in a thread of its own.

    Args:
        seconds: the pace; the first tick comes after this time.
        tick: leaves a message and returns; one that hangs is not run twice.
    """

    def __init__(self, seconds: float, tick: Callable[[], None]) -> None:
        self._seconds = seconds
        self._tick = tick
        self._ticks = 0
        self._errors = 0
        self._last_error = ""
        self._skipped = 0
        self._missed = 0
        self._jumps = 0
        self._scheduler = _Steady(seconds, self._keep_pace)
        self._scheduler.add_listener(self._left_out, EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._passed_by, EVENT_JOB_MISSED)

    def start(self) -> None:
        """Begin to beat; once."""
        # Below errors of its own it repeats itself with every tick; the beat counts.
        logger = logging.getLogger("apscheduler")  # noqa: TID251 - not our logger
        logger.setLevel(logging.ERROR)
        self._scheduler.add_job(self._run, self._trigger(), id=_JOB)
        self._scheduler.start()

    def nudge(self) -> None:
        """Tick now, and go on at the usual pace from here; from any thread.

        While a tick is running there is no second one: it counts as skipped.
        """
        trigger = self._trigger()
        # The trigger counts from its own reading of the clock: this is "now".
        now = trigger.start_date - trigger.interval
        with suppress(JobLookupError):  # not started yet, or stopped already
            self._scheduler.modify_job(_JOB, trigger=trigger, next_run_time=now)

    def clock_jumped(self) -> None:
        """The wall clock was set, or the machine slept: one tick now, no burst."""
        self._jumps += 1
        self.nudge()

    def stop(self) -> None:
        """End; a tick that hangs is left behind and keeps nothing alive."""
        with suppress(SchedulerNotRunningError):
            self._scheduler.shutdown(wait=False)

    def health(self) -> BeatHealth:
        """The counts so far; from any thread."""
        return BeatHealth(
            ticks=self._ticks,
            errors=self._errors,
            last_error=self._last_error,
            skipped=self._skipped,
            missed=self._missed,
            jumps=self._jumps,
        )

    def _trigger(self) -> IntervalTrigger:
        return IntervalTrigger(seconds=self._seconds, timezone=UTC)

    def _run(self) -> None:
        try:
            self._tick()
        except BaseException as error:  # noqa: BLE001 - counted; APScheduler would log its text
            self._errors += 1
            self._last_error = type(error).__name__
        else:
            self._ticks += 1

    def _keep_pace(self) -> None:
        """In the scheduler's thread, before it looks for what is due."""
        job = self._scheduler.get_job(_JOB)
        if job is None or job.next_run_time is None:
            return
        ahead = job.next_run_time - self._trigger().start_date
        late = 3 * self._seconds + _SLACK_SECONDS
        if not -late <= ahead.total_seconds() <= _SLACK_SECONDS:
            self.clock_jumped()

    def _left_out(self, _event: object) -> None:
        self._skipped += 1

    def _passed_by(self, _event: object) -> None:
        self._missed += 1


class _Steady(BackgroundScheduler):  # type: ignore[misc] # APScheduler has no types
    """A scheduler that wakes at least once a beat, whatever the wall clock says."""

    def __init__(self, seconds: float, before: Callable[[], None]) -> None:
        self._seconds = seconds
        self._before = before
        super().__init__(
            timezone=UTC,
            executors={"default": _DaemonThreads()},
            job_defaults={
                # The default of one second drops the tick after a suspend.
                "misfire_grace_time": None,
                "coalesce": True,
                "max_instances": 1,
            },
        )

    def _process_jobs(self) -> float:
        self._before()
        wait: float | None = super()._process_jobs()
        return self._seconds if wait is None else min(wait, self._seconds)


class _DaemonThreads(BaseExecutor):  # type: ignore[misc] # APScheduler has no types
    """A thread for each run, so that a hung one does not keep the process alive.

    The usual pool's threads are joined when the interpreter ends, without a limit.
    """

    def _do_submit_job(self, job: Job, run_times: list[object]) -> None:
        Thread(target=self._work, args=(job, run_times), daemon=True).start()

    def _work(self, job: Job, run_times: list[object]) -> None:
        try:
            events = run_job(job, job._jobstore_alias, run_times, self._logger.name)  # noqa: SLF001 - what every executor of APScheduler passes
        except BaseException as error:  # noqa: BLE001 - the executor's duty to report
            self._run_job_error(job.id, error, error.__traceback__)
        else:
            self._run_job_success(job.id, events)
