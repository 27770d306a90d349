"""Rows 64 to 68 of the fault table: clocks that jump, days that are no days."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from costd.core.instants import format_instant, parse_instant
from e2e.daemons import until
from faults.clocks import HOOK, Clock
from faults.homes import Home, pass_time
from loglines import Line, encode, session

HOUR = 3_600
TICKS = """
import os
from costd.engine.loop import Engine
tick = Engine.tick
def counted(self):
    with open(os.environ["TICKS"], "a") as file:
        file.write("x")
    tick(self)
Engine.tick = counted
"""


@pytest.fixture
def clock(home: Home) -> Clock:
    return Clock(home)


def ticks(home: Home) -> Callable[[], int]:
    """How often the beat came; its daemon is started with ``TICKS``."""
    file = home.top / "ticks"
    file.touch()
    home.env["TICKS"] = str(file)
    return lambda: file.stat().st_size


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def published(home: Home) -> int:
    """The time that the last published status is of."""
    found = json.loads((home.top / "output" / "status.json").read_bytes())
    return parse_instant(found["generated_at"]) or 0


def told(home: Home) -> Any:
    return home.status()["totals"]


def test_64_the_clock_is_set_back_an_hour(home: Home, clock: Clock) -> None:
    beats = ticks(home)
    home.respond(1)
    home.start(hook=HOOK + TICKS)
    home.until_counted(1)
    until(lambda: beats() >= 2, "the first beats")
    before = published(home)
    clock.move(-HOUR)
    seen = beats()
    until(lambda: beats() >= seen + 3, "beats as before")
    until(lambda: published(home) < before - 3_000_000, "files of the new time")
    home.respond(2)
    home.until_counted(2)
    assert home.problems() <= {"clock_jumped"}
    home.assert_exact()


def test_65_the_clock_is_set_forward(home: Home, clock: Clock) -> None:
    beats = ticks(home)
    home.respond(1)
    home.start(hook=HOOK + TICKS)
    home.until_counted(1)
    until(lambda: beats() >= 2, "the first beats")
    before, began, seen = published(home), time.monotonic(), beats()
    clock.move(50 * 365 * 24 * HOUR)
    until(lambda: published(home) > before + HOUR * 1_000, "files of the new time")
    until(lambda: beats() >= seen + 3, "beats as before")
    # One for the jump; else one a second, and none for each that was missed.
    assert beats() - seen <= 3 + time.monotonic() - began
    home.respond(2)
    home.until_counted(2)


def test_65_the_process_sleeps(home: Home) -> None:
    beats = ticks(home)
    home.respond(1)
    home.start(hook=TICKS)
    home.until_counted(1)
    until(lambda: beats() >= 2, "the first beats")
    home.signal(signal.SIGSTOP)
    seen, asleep = beats(), time.monotonic()
    pass_time(5)
    home.respond(2)
    woke = time.monotonic()
    home.signal(signal.SIGCONT)
    home.until_counted(2)
    until(lambda: beats() >= seen + 2, "beats as before")
    assert woke - asleep >= 5
    assert beats() - seen <= 3 + time.monotonic() - woke
    assert "stale" not in home.problems()


ZONES = {
    # Days of 23 and of 25 hours, and what lies in them by the wall clock.
    "Europe/Berlin": [
        ("2026-03-28T22:59:59.999Z", "2026-03-28"),
        ("2026-03-28T23:00:00.000Z", "2026-03-29"),
        ("2026-03-29T21:59:59.999Z", "2026-03-29"),
        ("2026-03-29T22:00:00.000Z", "2026-03-30"),
        ("2026-10-24T22:00:00.000Z", "2026-10-25"),
        ("2026-10-25T00:30:00.000Z", "2026-10-25"),
        ("2026-10-25T01:30:00.000Z", "2026-10-25"),
        ("2026-10-25T22:59:59.999Z", "2026-10-25"),
        ("2026-10-25T23:00:00.000Z", "2026-10-26"),
    ],
    "America/New_York": [
        ("2026-03-08T04:59:59.999Z", "2026-03-07"),
        ("2026-03-08T05:00:00.000Z", "2026-03-08"),
        ("2026-03-09T03:59:59.999Z", "2026-03-08"),
        ("2026-03-09T04:00:00.000Z", "2026-03-09"),
        ("2026-11-01T04:00:00.000Z", "2026-11-01"),
        ("2026-11-02T04:59:59.999Z", "2026-11-01"),
        ("2026-11-02T05:00:00.000Z", "2026-11-02"),
    ],
}


@pytest.mark.parametrize("zone", ZONES)
def test_66_days_of_23_and_25_hours(home: Home, zone: str) -> None:
    expected: dict[str, int] = {}
    for number, (instant, day) in enumerate(ZONES[zone], 1):
        home.append(Line(number, at=instant).text())
        expected[day] = expected.get(day, 0) + 1
    done = home.run("report", "--by", "day", "--tz", zone, "--json")
    rows = json.loads(done.stdout)["rows"]
    found = {row["day"]: row["responses"] for row in rows if row["responses"]}
    assert found == expected


def test_66_midnight_comes_while_it_runs(home: Home, clock: Clock) -> None:
    text = home.config.read_text()
    home.config.write_text('timezone = "Europe/Berlin"\n' + text)
    clock.set(at("2026-11-22T22:30:00") - time.time())  # a Sunday, half past eleven
    home.append(Line(1, at="2026-11-22T22:10:00.000Z").text())
    home.start(hook=HOOK)
    home.until_counted(1)
    before = told(home)
    assert [before[k]["responses"] for k in ("today", "week", "month")] == [1, 1, 1]
    clock.move(HOUR)
    until(lambda: told(home)["today"]["responses"] == 0, "a new day")
    after = told(home)
    assert [after[k]["responses"] for k in ("week", "month", "all")] == [0, 1, 1]
    home.append(Line(2, at="2026-11-22T23:05:00.000Z").text())
    until(lambda: told(home)["today"]["responses"] == 1, "the first of that day")
    summary = home.top / "output" / "costs-summary.json"

    def today() -> Any:
        return json.loads(summary.read_bytes())["today"]["totalCost"]

    until(lambda: today() == after["month"]["cost_usd"], "the file of that day")


def test_67_lines_dated_in_the_future_and_in_1970(home: Home, clock: Clock) -> None:
    # At noon: none of it is over before its day is.
    noon = datetime.now(UTC).replace(hour=12).timestamp()
    clock.set(noon - time.time())
    now = int(noon * 1000)
    ahead = format_instant(now + 400 * 24 * HOUR * 1000)
    home.append(Line(1, at=format_instant(now)).text())
    home.append(Line(2, at=ahead, session_id=session(2)).text(), 2)
    home.append(Line(3, at="1970-01-01T00:00:00.001Z").text())
    undated = Line(4, session_id=session(3)).value()
    undated["timestamp"] = "no time at all"
    os.utime(home.append(encode(undated), 3), (noon, noon))
    home.start(hook=HOOK)
    home.until_counted(4)
    totals = told(home)
    # One has no time of its own: that of its file stands in.
    assert totals["today"]["responses"] == 2
    assert totals["all"]["responses"] == 4
    (problem,) = home.status()["health"]
    assert problem["code"] == "misdated"
    assert problem["message"].startswith("2 responses")
    clock.move(HOUR)
    until(lambda: home.status()["live"] == [], "that nobody runs any more")
    home.stop()
    home.start(hook=HOOK)
    assert home.status()["live"] == []


SLOW = """
import time
from costd.engine.loop import Engine
beat, begun = Engine._beat, Engine.__init__
def slow(self):
    beat(self)
    with open(os.environ["TICKS"] + ".beats", "a") as file:
        file.write(f"{self._queue.qsize()}\\n")
    if os.path.exists(os.environ["TICKS"] + ".slow"):
        time.sleep(4)
Engine._beat = slow
"""


def waiting(home: Home) -> list[int]:
    """How many messages there were at the end of each renewal."""
    file = home.top / "ticks.beats"
    return [int(n) for n in file.read_text().split()] if file.exists() else []


def test_68_renewing_takes_longer_than_the_interval(home: Home) -> None:
    beats = ticks(home)
    home.respond(1)
    home.start(hook=TICKS + SLOW)
    home.until_counted(1)
    seen, done, began = beats(), len(waiting(home)), time.monotonic()
    (home.top / "ticks.slow").touch()
    until(lambda: beats() >= seen + 10, "more beats than can be done")
    until(lambda: "stale" in home.problems(), "that it is told")
    # One every four seconds, and none of the others is made up for.
    assert len(waiting(home)) - done <= 3 + (time.monotonic() - began) / 4
    assert max(waiting(home)) < 5
    (home.top / "ticks.slow").unlink()
    home.respond(2)
    home.until_counted(2)
    until(lambda: "stale" not in home.problems(), "that it is well")
