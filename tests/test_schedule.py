"""The beat: steady through errors, hangs and clock changes; gone when stopped."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import pytest
from apscheduler.executors import base as executors
from apscheduler.schedulers import base as schedulers
from apscheduler.triggers import interval

from costd import schedule
from costd.schedule import Beat

DEADLINE = 100.0
HOUR = 3_600.0


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.005)


@contextmanager
def beating(seconds: float, tick: Callable[[], None]) -> Iterator[Beat]:
    beat = Beat(seconds, tick)
    beat.start()
    try:
        yield beat
    finally:
        beat.stop()


class WallClock(datetime):
    """The wall clock with a hand that a test can move; real time goes on under it."""

    offset = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        shifted = datetime.now(tz) + cls.offset
        return cls.fromtimestamp(shifted.timestamp(), tz)


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that did not run for a second is no jump of the clock."""
    monkeypatch.setattr(schedule, "_SLACK_SECONDS", 60.0)


@pytest.fixture
def wall_clock(monkeypatch: pytest.MonkeyPatch) -> type[WallClock]:
    monkeypatch.setattr(WallClock, "offset", timedelta(0))
    for module in (executors, schedulers, interval):
        monkeypatch.setattr(module, "datetime", WallClock)
    return WallClock


def test_ticks_again_and_again() -> None:
    ticks: list[int] = []
    with beating(0.02, lambda: ticks.append(1)) as beat:
        wait_for(lambda: len(ticks) >= 3)
        wait_for(lambda: beat.health().ticks >= 3)
        assert beat.health().errors == 0
        assert beat.health().jumps == 0


def test_nudge_ticks_now_and_once() -> None:
    ticks: list[int] = []
    with beating(HOUR, lambda: ticks.append(1)) as beat:
        beat.nudge()
        wait_for(lambda: ticks)
        beat.nudge()
        wait_for(lambda: len(ticks) == 2)
        assert beat.health().jumps == 0


def test_nudge_before_start_and_after_stop_does_nothing() -> None:
    ticks: list[int] = []
    beat = Beat(HOUR, lambda: ticks.append(1))
    beat.nudge()
    beat.start()
    beat.stop()
    beat.nudge()
    beat.stop()
    assert not ticks


def test_a_tick_that_raises_is_counted_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls: list[int] = []

    def tick() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("words of a transcript")
        if len(calls) == 2:
            raise SystemExit

    with caplog.at_level(logging.DEBUG), beating(0.02, tick) as beat:
        wait_for(lambda: beat.health().ticks >= 1)
        assert beat.health().errors == 2
        assert beat.health().last_error == "SystemExit"
    assert "transcript" not in caplog.text


def test_a_slow_tick_is_not_run_twice_at_once() -> None:
    go_on = threading.Event()
    running: list[int] = []

    def tick() -> None:
        running.append(1)
        go_on.wait(DEADLINE)

    with beating(0.02, tick) as beat:
        wait_for(lambda: beat.health().skipped >= 3)
        assert len(running) == 1
        go_on.set()
        wait_for(lambda: len(running) >= 2)


def test_goes_on_when_the_wall_clock_is_set_back(wall_clock: type[WallClock]) -> None:
    ticks: list[int] = []
    with beating(0.05, lambda: ticks.append(1)) as beat:
        wait_for(lambda: ticks)
        wall_clock.offset = timedelta(hours=-1)
        wait_for(lambda: beat.health().jumps == 1)
        seen = len(ticks)
        wait_for(lambda: len(ticks) >= seen + 3)
        assert beat.health().jumps == 1


def test_no_burst_when_the_wall_clock_is_set_forward(
    wall_clock: type[WallClock],
) -> None:
    """Fifty years ahead: listing each missed run would take gigabytes."""
    ticks: list[int] = []
    with beating(0.05, lambda: ticks.append(1)) as beat:
        wait_for(lambda: ticks)
        wall_clock.offset = timedelta(days=50 * 365)
        wait_for(lambda: beat.health().jumps == 1)
        seen = len(ticks)
        wait_for(lambda: len(ticks) >= seen + 3)
        assert beat.health().jumps == 1
        assert beat.health().missed == 0


def test_clock_jumped_ticks_at_once_and_counts() -> None:
    ticks: list[int] = []
    with beating(HOUR, lambda: ticks.append(1)) as beat:
        beat.clock_jumped()
        wait_for(lambda: ticks)
        assert beat.health().jumps == 1


def test_a_hanging_tick_keeps_neither_stop_nor_the_interpreter() -> None:
    text = (
        "import threading\n"
        "from costd.schedule import Beat\n"
        "began = threading.Event()\n"
        "def tick():\n"
        "    began.set()\n"
        "    threading.Event().wait()\n"
        "beat = Beat(3600, tick)\n"
        "beat.start()\n"
        "beat.nudge()\n"
        "began.wait(20)\n"
        "beat.stop()\n"
        "print('stopped')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "daemon")},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")


def test_after_a_sleep_there_is_one_tick_for_all_that_were_due(
    wall_clock: type[WallClock],
) -> None:
    """APScheduler's own grace of one second would drop it, its list make it two."""
    ticks: list[int] = []
    with beating(HOUR, lambda: ticks.append(1)) as beat:
        wall_clock.offset = timedelta(hours=2, minutes=30)
        beat._scheduler.wakeup()
        wait_for(lambda: ticks)
        executor = beat._scheduler._lookup_executor("default")
        wait_for(lambda: not executor._instances)
        assert len(ticks) == 1
        assert beat.health().missed == 0
        assert beat.health().jumps == 0


def test_never_waits_longer_than_a_beat(wall_clock: type[WallClock]) -> None:
    """The clock may be set back after the look at it and before the wait."""

    def set_back() -> None:
        wall_clock.offset = timedelta(hours=-1)

    with beating(HOUR, lambda: None) as beat:
        beat._scheduler._before = set_back
        assert beat._scheduler._process_jobs() == HOUR
