"""Runs in a real ledger: what they cost, how they ended, and the reports that say so."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from costd.cli.render.performance import performance_page
from costd.cli.render.plain import plain
from costd.cli.render.run_sheet import run_sheet
from costd.cli.render.runs import list_page, report_page, summary_page
from costd.cli.render.runtimes import runtimes_page
from costd.core.attribution import Keys
from costd.core.errors import CostdError, UsageError
from costd.core.instants import DAY, HOUR, MINUTE, format_instant
from costd.engine.answers import answer_to
from costd.engine.answers.performance import performance_of
from costd.engine.documents import documents
from costd.engine.jobs import Job
from costd.engine.loop import Engine
from costd.ledger import Ledger
from costd.prices import load_rate_card
from costd.runs import MetricsCollector

NOON = 1_795_003_200_000  # 2026-11-18T12:00:00Z
RUN = "1a2b3c4d-0000-4000-8000-000000000001"
Json = dict[str, Any]


class World:
    """An engine without its thread, and a clock that the test sets."""

    def __init__(self, place: Path, zone: str = "Europe/Berlin") -> None:
        self.now = NOON
        self.place = place
        self.logs = place / "projects" / "-w-app"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.written = 0
        self.zone = zone
        self.engine = self.open()

    def open(self) -> Engine:
        return Engine(
            ledger=Ledger(self.place / "ledger.db", load_rate_card(), Keys()),
            roots={"claude": [str(self.place / "projects")]},
            zone=ZoneInfo(self.zone),
            clock=lambda: self.now,
            tick_ms=30_000,
            quiet_ms=300_000,
            max_line_bytes=1 << 20,
            reports=self.place / "reports",
        )

    def write(
        self,
        at: int,
        session: str = "s1",
        branch: str = "feature/MIN-1",
        output: int = 1000,
        model: str = "claude-opus-5",
    ) -> None:
        self.written += 1
        line = {
            "type": "assistant",
            "sessionId": session,
            "cwd": "/w/app",
            "gitBranch": branch,
            "uuid": f"0b5e0000-0000-4000-8000-{self.written:012d}",
            "timestamp": format_instant(at),
            "requestId": f"req_{self.written}",
            "message": {
                "id": f"msg_01{self.written:022d}",
                "model": model,
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 1_000, "output_tokens": output},
            },
        }
        with (self.logs / f"{session}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.read()

    def read(self) -> None:
        self.engine._look()
        while self.engine._intake.is_busy:
            self.engine._advance()

    def ask(self, question: str, **params: Any) -> Any:
        answer = answer_to(question)
        assert answer is not None
        found = answer(self.engine._view(), params)
        if isinstance(found, Job):  # much has to be taken in first
            while self.engine._jobs:
                self.engine._jobs.advance()
            found = found.finish()
        return json.loads(json.dumps(found))

    def tell(self, **event: Any) -> None:
        self.ask("events", events=event)

    def report(
        self,
        *,
        began: int = NOON,
        took: int = HOUR,
        status: str = "unknown",
        run_id: str = RUN,
        **about: Any,
    ) -> Json:
        made = MetricsCollector(run_id=run_id, environ={}, **about).to_report()
        made["timing"]["started_at"] = format_instant(began)
        made["timing"]["completed_at"] = format_instant(began + took)
        made["timing"]["duration_ms"] = took
        made["outcome"]["status"] = status
        self.ask("run", report=made)
        return made

    def shown(self, run_id: str = RUN) -> Any:
        return self.ask("run_report", id=run_id)["report"]

    def file(self, run_id: str = RUN) -> Any:
        (path,) = (self.place / "reports").glob(f"*/run-{run_id[:8]}.json")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return json.loads(path.read_text())


@pytest.fixture
def world(memory_dir: Path) -> Iterator[World]:
    made = World(memory_dir)
    yield made
    made.engine._end()


# claude-opus-5: 5 USD per million input tokens, 25 USD per million output tokens
ONE = 1_000 * 5 / 1e6 + 1_000 * 25 / 1e6


def test_the_log_says_what_a_run_has_cost(world: World) -> None:
    world.write(NOON - MINUTE)  # before it
    world.write(NOON + MINUTE)
    world.write(NOON + 2 * MINUTE)
    world.write(NOON + 2 * HOUR)  # after it
    world.write(NOON + MINUTE, session="other")
    world.report(sessions=["s1"], issue="MIN-1")
    report = world.shown()
    assert report["cost"]["cost_usd"] == pytest.approx(2 * ONE)
    assert report["cost"]["state"] == "counted"
    assert report["cost"]["responses"] == 2
    assert report["tokens"]["total"] == 4_000
    assert report["tokens"]["basis"] == "ledger"
    (rate,) = report["cost"]["rates"]
    assert rate["usd_per_million"]["input"] == "5"
    assert rate["usd_per_million"]["output"] == "25"
    assert (report["run"]["agent"], report["run"]["model"]) == (
        "claude",
        "claude-opus-5",
    )
    assert world.file() == report


def test_a_run_whose_log_comes_later_is_pending_and_then_counted(world: World) -> None:
    world.report(sessions=["s1"])
    assert world.shown()["cost"]["state"] == "pending"
    assert world.file()["cost"]["cost_usd"] is None
    world.write(NOON + MINUTE)
    assert world.shown()["cost"]["state"] == "counted"
    assert world.file()["cost"]["cost_usd"] == pytest.approx(ONE)
    # Long settled, and a log of that time turns up all the same.
    world.now = NOON + 3 * DAY
    world.shown()
    world.write(NOON + 2 * MINUTE)
    assert world.shown()["cost"]["cost_usd"] == pytest.approx(2 * ONE)
    assert world.file()["cost"]["responses"] == 2


def test_a_run_of_which_nothing_is_known_is_unknown_in_the_end(world: World) -> None:
    world.report()
    assert world.shown()["cost"]["state"] == "pending"
    world.now = NOON + HOUR + 11 * MINUTE
    world.engine.runs.changed(0)
    report = world.shown()
    assert report["cost"]["state"] == "unknown"
    assert report["cost"]["cost_usd"] is None
    assert "no session" in report["cost"]["reason"]


def test_an_unpriced_model_is_no_zero(world: World) -> None:
    world.write(NOON + MINUTE, model="nobody-knows-1")
    world.report(sessions=["s1"])
    cost = world.shown()["cost"]
    assert (cost["cost_usd"], cost["state"]) == (None, "unpriced")
    assert cost["unpriced_tokens"] == 2_000
    assert cost["lower_bound"] is True


@pytest.mark.parametrize(
    ("usage", "state", "cost"),
    [
        ({"model": "claude-opus-5"}, "reported", ONE),
        ({"model": "claude-opus-5", "estimated": True}, "estimated", ONE),
        ({"model": "nobody-knows-1"}, "unpriced", None),
        ({}, "unpriced", None),
    ],
)
def test_tokens_of_the_report_itself_where_there_is_no_log(
    world: World, usage: Json, state: str, cost: float | None
) -> None:
    run = MetricsCollector(run_id=RUN, environ={})
    run.record_token_usage(1, 1_000, 1_000, **usage)
    world.ask("run", report=run.to_report())
    found = world.shown()["cost"]
    assert found["state"] == state
    assert found["cost_usd"] == (None if cost is None else pytest.approx(cost))


def test_a_repeated_report_is_one_run(world: World) -> None:
    first = world.report(sessions=["s1"])
    again = world.ask("run", report=first)
    assert again["duplicate"] is True
    assert world.ask("runs")["count"] == 1


def test_other_prices_change_old_reports(world: World) -> None:
    world.write(NOON + MINUTE)
    world.report(sessions=["s1"], status="completed")
    world.now = NOON + 3 * DAY  # long settled
    assert world.shown()["cost"]["cost_usd"] == pytest.approx(ONE)
    rates = {"input": "10", "output": "50"}
    world.engine._ledger.card = load_rate_card({"claude-opus-5": [rates]}, {})
    world.ask("reprice", dry_run=True)
    assert world.shown()["cost"]["cost_usd"] == pytest.approx(ONE)
    world.ask("reprice")
    assert world.shown()["cost"]["cost_usd"] == pytest.approx(2 * ONE)
    assert world.file()["cost"]["rates"][0]["usd_per_million"]["output"] == "50"
    claude = world.ask("runtimes")["runtimes"]["claude"]
    assert claude["costPerSuccess"] == pytest.approx(2 * ONE)


def test_a_restart_keeps_everything(world: World) -> None:
    world.write(NOON + MINUTE)
    world.report(sessions=["s1"], issue="MIN-1")
    before = world.shown()
    world.engine._end()
    world.engine = world.open()
    assert world.shown() == before


# How it ended.


@pytest.mark.parametrize(
    ("told", "said", "expected"),
    [
        ("unknown", "success", "completed"),
        ("unknown", "failed", "failed"),
        ("unknown", "blocked", "blocked"),
        ("unknown", "cancelled", "unknown"),
        ("failed", "success", "failed"),  # its own report knows
    ],
)
def test_an_event_says_how_a_run_ended(
    world: World, told: str, said: str, expected: str
) -> None:
    world.report(status=told, issue="MIN-1")
    at = format_instant(NOON + 2 * HOUR)
    world.tell(type="task_end", task_id="MIN-1", status=said, timestamp=at)
    assert world.shown()["outcome"]["status"] == expected
    assert world.file()["outcome"]["status"] == expected
    assert world.ask("runs")["count"] == 1


def test_an_event_that_came_before_the_report(world: World) -> None:
    at = format_instant(NOON + 2 * HOUR)
    world.tell(type="task_end", task_id="MIN-1", status="success", timestamp=at)
    assert [row["source"] for row in world.ask("runs")["rows"]] == ["event"]
    world.report(issue="MIN-1")
    (row,) = world.ask("runs")["rows"]
    assert (row["run_id"], row["status"]) == (RUN, "completed")
    assert len(list((world.place / "reports").glob("*/*.json"))) == 1


def test_only_the_latest_run_before_the_end_is_judged(world: World) -> None:
    ids = [RUN[:-1] + digit for digit in "123"]
    for number, run_id in enumerate(ids):
        world.report(began=NOON + number * 2 * HOUR, run_id=run_id, issue="MIN-1")
    at = format_instant(NOON + 3 * HOUR + 1)
    world.tell(type="task_end", task_id="MIN-1", status="success", timestamp=at)
    found = {row["run_id"]: row["status"] for row in world.ask("runs")["rows"]}
    assert [found[run_id] for run_id in ids] == ["unknown", "completed", "unknown"]


def test_a_task_without_a_run_is_one_with_the_sessions_of_its_issue(
    world: World,
) -> None:
    world.write(NOON + MINUTE, session="s1")
    world.write(NOON + 2 * MINUTE, session="s2")
    world.write(NOON + 2 * MINUTE, session="s3", branch="main")
    for kind, at, more in (
        ("task_start", NOON, {}),
        ("task_end", NOON + HOUR, {"status": "done", "iterations": 3}),
    ):
        world.tell(type=kind, task_id="MIN-1", timestamp=format_instant(at), **more)
    (row,) = world.ask("runs")["rows"]
    assert (row["source"], row["status"], row["iterations"]) == (
        "event",
        "completed",
        3,
    )
    assert (row["agent"], row["duration_ms"]) == ("claude", HOUR)
    assert row["cost_usd"] == pytest.approx(2 * ONE)
    assert world.shown(row["run_id"])["run"]["sessions"] == ["s1", "s2"]
    claude = world.ask("runtimes")["runtimes"]["claude"]
    # one task of two sessions, and a session of which nobody told anything
    assert (claude["totalTasks"], claude["successfulTasks"]) == (2, 1)
    assert claude["unknownTasks"] == 1
    assert claude["totalCost"] == pytest.approx(3 * ONE)
    assert claude["costPerSuccess"] == pytest.approx(2 * ONE)
    assert claude["avgDurationMinutes"] == 60


def test_three_times_the_same_events_change_nothing(world: World) -> None:
    events = [
        {"type": "task_start", "task_id": "T", "timestamp": format_instant(NOON)},
        {
            "type": "execution",
            "task_id": "T",
            "agent": "codex",
            "duration_ms": 5,
            "success": True,
            "timestamp": format_instant(NOON),
        },
        {
            "type": "task_end",
            "task_id": "U",
            "status": "failed",
            "timestamp": format_instant(NOON),
        },
    ]
    seen = []
    for _ in range(3):
        world.ask("events", events=events)
        seen.append((world.ask("runtimes")["runtimes"], world.ask("runs")["rows"]))
        world.engine._end()
        world.engine = world.open()
    assert seen[0] == seen[1] == seen[2]


def test_many_events_are_taken_in_a_step_at_a_time(world: World) -> None:
    calls = [
        {
            "type": "execution",
            "agent": "codex",
            "success": number % 4 != 0,
            "duration_ms": 1000,
            "timestamp": format_instant(NOON - number * 1000),
        }
        for number in range(7_000)
    ]
    for start in range(0, len(calls), 3_500):
        world.ask("events", events=calls[start : start + 3_500])
    view = world.engine._view()
    job = view.runs.caught_up(world.now, view.jobs, dict)
    assert isinstance(job, Job)
    assert len(list(job.steps)) >= 6  # questions are answered in between
    found = world.ask("performance")["summary"]
    assert (found["totalTasks"], found["failedTasks"]) == (7_000, 1_750)
    assert (found["successRate"], found["avgTaskTime"]) == (75, 1000)
    assert world.ask("runtimes")["runtimes"]["codex"]["totalTasks"] == 7_000


def test_a_call_is_a_task_and_its_session_none_beside_it(world: World) -> None:
    world.write(NOON + MINUTE, session="s1")
    world.tell(
        type="execution",
        agent="claude-code",
        session_id="s1",
        success=False,
        error="429 too many requests, /home/dev/secret",
        duration_ms=120_000,
        capability="fix",
        timestamp=format_instant(NOON),
    )
    claude = world.ask("runtimes")["runtimes"]["claude"]
    assert (claude["totalTasks"], claude["failedTasks"]) == (1, 1)
    assert (claude["successRate"], claude["avgDurationMinutes"]) == (0, 2)
    assert claude["byCapability"]["bugfix"]["tasks"] == 1
    found = world.ask("performance")
    assert found["summary"]["avgResponseTime"] == 120_000
    assert found["errorPatterns"] == [
        {
            "message": "rate limit",
            "count": 1,
            "lastOccurred": "2026-11-18T12:00:00Z",
            "sources": ["event"],
        }
    ]
    assert "secret" not in json.dumps([found, dict(documents(world.engine._view()))])


@pytest.mark.parametrize("is_reported", [False, True])
def test_a_call_of_a_run_is_no_task_beside_it(world: World, is_reported: bool) -> None:
    if is_reported:
        world.report(agent="codex")
    for seconds in (1, 2):
        world.tell(
            type="execution",
            run_id=RUN[:8],
            agent="codex",
            success=True,
            duration_ms=seconds * 1000,
            cost_usd=0.5,
            timestamp=format_instant(NOON + seconds * 1000),
        )
    codex = world.ask("runtimes")["runtimes"]["codex"]
    assert (codex["totalTasks"], codex["successfulTasks"]) == (1, 1)
    (row,) = world.ask("runs")["rows"]
    assert (row["source"], row["status"]) == (
        "collector" if is_reported else "event",
        "completed",
    )
    if not is_reported:  # what events say is all that is known
        assert (row["cost_usd"], row["duration_ms"]) == (1.0, 2000)
    assert world.ask("performance")["summary"]["avgResponseTime"] == 1500


def test_the_kind_of_work_is_told_or_inferred(world: World) -> None:
    world.write(NOON + MINUTE, session="s1", branch="fix/MIN-1")
    world.write(NOON + MINUTE, session="s2", branch="fix/MIN-2")
    world.write(NOON + MINUTE, session="s3", branch="feature/MIN-3")
    world.report(sessions=["s1"], capability="feature", status="completed")
    world.report(sessions=["s2"], status="failed", run_id=RUN.replace("1a2b", "2a2b"))
    kinds = world.ask("runtimes")["runtimes"]["claude"]["byCapability"]
    assert {
        name: (k["tasks"], k["successRate"], k["inferredTasks"], k["inferred"])
        for name, k in kinds.items()
    } == {"feature": (2, 1.0, 1, False), "bugfix": (1, 0.0, 1, True)}


# Days.


@pytest.mark.parametrize(
    ("zone", "night", "length"),
    [
        ("America/New_York", 1_793_505_600_000, 25),  # 2026-11-01T04:00:00Z
        ("America/New_York", 1_772_946_000_000, 23),  # 2026-03-08T05:00:00Z
        ("Europe/Oslo", 1_792_879_200_000, 25),  # 2026-10-24T22:00:00Z
    ],
)
def test_days_of_23_and_25_hours(
    memory_dir: Path, zone: str, night: int, length: int
) -> None:
    """A run ends just within the changed day at both ends, and one on either side."""
    world = World(memory_dir, zone)
    end = night + length * HOUR
    world.now = end + 12 * HOUR
    times = (night - 1, night, night + 12 * HOUR, end - 1, end)
    for number, at in enumerate(times):
        run_id = f"{number}a2b3c4d-0000-4000-8000-000000000001"
        world.report(
            began=at - 2, took=2, run_id=run_id, agent="claude", status="failed"
        )
        world.write(at - at % (15 * MINUTE), session=f"s{number}")
    daily = {d["date"]: d["taskCount"] for d in world.ask("performance")["daily"]}
    assert list(daily.values()) == [1, 3, 1]
    days = world.ask("runtimes")["runtimes"]["claude"]["dailyStats"]
    assert [day["failedTasks"] for day in days] == [1, 3, 1]
    assert [day["sessions"] for day in days] == [1, 3, 1]
    assert [day["tasks"] for day in days] == [2, 6, 2]
    assert world.ask("performance")["summary"]["errorsToday"] == 1
    world.engine._end()


def test_agents_by_day(world: World) -> None:
    for number, (took, status) in enumerate(
        ((60_000, "completed"), (180_000, "failed"), (None, "unknown"))
    ):
        run_id = f"{number}a2b3c4d-0000-4000-8000-000000000001"
        made = MetricsCollector(run_id=run_id, agent="codex", environ={}).to_report()
        made["timing"] |= {
            "started_at": format_instant(NOON),
            "completed_at": format_instant(NOON),
            "duration_ms": took,
        }
        made["outcome"]["status"] = status
        made["cost"]["cost_usd"] = 0.25
        made["tokens"]["total"] = 100
        world.ask("run", report=made)
    found = world.ask("runtimes")["runtimes"]["codex"]
    (day,) = found["dailyStats"]
    assert day == {
        "date": "2026-11-18",
        "tasks": 3,
        "cost": 0.75,
        "successRate": 0.5,
        "successfulTasks": 1,
        "failedTasks": 1,
        "unknownTasks": 1,
        "errors": 0,
        "minDurationMinutes": 1,
        "avgDurationMinutes": 2,
        "maxDurationMinutes": 3,
        "tokens": 300,
        "sessions": 0,
    }
    assert (found["totalCost"], found["costBasis"], found["avgCost"]) == (
        0.75,
        "reported",
        0.25,
    )
    assert found["costPerSuccess"] == 0.5


def test_performance_of_nothing_is_null(world: World) -> None:
    found = world.ask("performance")
    assert found["summary"]["successRate"] is None
    assert found["summary"]["avgTaskTime"] is None
    assert found["summary"]["avgResponseTime"] is None
    assert (found["summary"]["totalTasks"], found["summary"]["errorsToday"]) == (0, 0)
    assert (found["daily"], found["errorPatterns"], found["topSlowTasks"]) == (
        [],
        [],
        [],
    )


@pytest.mark.parametrize("told", ["failed", "unknown"])
def test_a_failure_that_two_tell_of_is_one(world: World, told: str) -> None:
    world.report(status=told)
    at = format_instant(NOON)
    world.tell(
        type="run_report", run_id=RUN, status="failed", error="OOM", timestamp=at
    )
    found = world.ask("performance")
    assert found["summary"]["failedTasks"] == 1
    assert found["summary"]["errorsToday"] == 1
    assert [e["message"] for e in found["errorPatterns"]] == ["out of memory"]


def test_what_some_tasks_do_not_report_makes_a_lower_bound(world: World) -> None:
    call = {"type": "execution", "agent": "gemini", "success": True}
    world.tell(**call, cost_usd=3)
    world.tell(**call, cost_usd=1)
    gemini = world.ask("runtimes")["runtimes"]["gemini"]
    assert (gemini["totalCost"], gemini["avgCost"]) == (4, 2)
    assert gemini["lowerBound"] is False
    world.tell(**call, input_tokens=9, model="nobody-knows-it")
    gemini = world.ask("runtimes")["runtimes"]["gemini"]
    assert (gemini["totalCost"], gemini["avgCost"]) == (4, 2)
    assert gemini["lowerBound"] is True
    assert gemini["totalTasks"] == 3


def errors_of(world: World) -> tuple[int, list[int], list[tuple[str, int]]]:
    """Errors of today, by day, and by kind."""
    found = world.ask("performance")
    return (
        found["summary"]["errorsToday"],
        [day["errors"] for day in found["daily"]],
        [(each["message"], each["count"]) for each in found["errorPatterns"]],
    )


def test_the_end_of_a_task_repeats_what_failed_in_it(world: World) -> None:
    """By hand: a run (1) and its task's end; a call (1) and its task's end, told in the
    wrong order; an end of which nothing else tells (1); a second try whose call went
    well (1); a call that failed in a task that came to a good end (1).
    """
    ended = {"type": "task_end", "status": "failed"}
    call = {"type": "execution", "agent": "codex", "duration_ms": 9}
    at = [format_instant(NOON - (60 - n) * MINUTE) for n in range(60)]
    report = MetricsCollector(run_id=RUN, issue="MIN-1", environ={}).to_report()
    report["timing"] |= {"started_at": at[0], "completed_at": at[2]}
    report["outcome"] |= {"status": "failed", "exit_code": 3}
    world.ask("run", report=report)
    world.tell(**ended, task_id="MIN-1", timestamp=at[3])
    world.tell(**ended, task_id="T2", timestamp=at[6])
    world.tell(**call, task_id="T2", success=False, error="OOM", timestamp=at[5])
    world.tell(**ended, task_id="T3", timestamp=at[9])
    world.tell(**call, task_id="T2", success=True, timestamp=at[10])
    world.tell(**ended, task_id="T2", timestamp=at[11], error="tests failed")
    world.tell(**call, task_id="T4", success=False, error="OOM", timestamp=at[12])
    world.tell(type="task_end", task_id="T4", status="completed", timestamp=at[13])
    assert errors_of(world) == (
        5,
        [5],
        [
            ("out of memory", 2),
            ("tests failed", 1),
            ("other error", 1),
            ("exit status 3", 1),
        ],
    )


def test_what_is_not_counted_yet_is_not_taken_away(world: World) -> None:
    told = {"timestamp": format_instant(NOON - HOUR), "task_id": "T1"}
    world.tell(type="execution", success=False, **told)
    world.tell(type="task_end", status="failed", **told)
    assert world.engine.runs.is_due(world.now)
    found = performance_of(world.engine._view(), {})  # as the files have it
    assert (found["summary"]["errorsToday"], found["daily"]) == (0, [])
    assert errors_of(world)[0] == 1


def test_the_end_of_a_run_repeats_what_failed_in_it(world: World) -> None:
    call = {"type": "execution", "run_id": "aa11", "error": "OOM", "success": False}
    world.tell(**call, timestamp=format_instant(NOON - HOUR))
    report = {"type": "run_report", "run_id": "aa11", "status": "failed"}
    world.tell(**report, timestamp=format_instant(NOON - MINUTE))
    assert errors_of(world) == (1, [1], [("out of memory", 1)])


def test_the_slowest_tasks(world: World) -> None:
    world.report(took=3 * HOUR, issue="MIN-1", status="completed")
    at = format_instant(NOON)
    for ms, title in ((5 * HOUR, "Morning brief"), (HOUR, "Audit")):
        world.tell(
            type="activity", title=title, duration_ms=ms, status="success", timestamp=at
        )
    found = world.ask("performance")
    assert [(s["title"], s["duration"]) for s in found["topSlowTasks"]] == [
        ("Morning brief", 5 * HOUR),
        ("MIN-1", 3 * HOUR),
        ("Audit", HOUR),
    ]
    assert found["summary"]["totalTasks"] == 3
    assert found["summary"]["successRate"] == 100


def test_files_are_what_answers_are(world: World) -> None:
    world.write(NOON + MINUTE)
    world.report(sessions=["s1"], status="completed")
    world.engine.runs.refresh(world.now)
    published = json.loads(json.dumps(dict(documents(world.engine._view()))))
    for name, question in (
        ("performance.json", "performance"),
        ("runtime-metrics.json", "runtimes"),
    ):
        answer = world.ask(question)
        assert published[name].items() <= answer.items(), name


# Lists.


def fill(world: World) -> None:
    for number, status in enumerate(("completed", "failed", "failed", "unknown")):
        run_id = f"{number}a2b3c4d-0000-4000-8000-000000000001"
        world.report(
            began=NOON - number * DAY,
            status=status,
            run_id=run_id,
            issue=f"MIN-{number}",
            task=f"tasks/{number}.md",
        )


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "0123"),
        ({"limit": 2}, "01"),
        ({"status": ["failed"]}, "12"),
        ({"status": ["failed", "unknown"]}, "123"),
        ({"task": "MIN-[12]"}, "12"),
        ({"task": "tasks/3*"}, "3"),
        ({"task": "min-1"}, ""),
        ({"since": "2026-11-17"}, "01"),
        ({"until": "2026-11-16"}, "23"),
        ({"since": "2026-11-16", "until": "2026-11-17", "status": ["failed"]}, "12"),
    ],
)
def test_which_runs_are_listed(world: World, params: Json, expected: str) -> None:
    fill(world)
    found = world.ask("runs", **params)
    assert "".join(row["run_id"][0] for row in found["rows"]) == expected
    assert found["count"] == (4 if params == {"limit": 2} else len(expected))


def test_a_part_of_an_id_is_enough_where_it_is_one(world: World) -> None:
    fill(world)
    assert world.ask("run_report", id="2a2b")["report"]["run"]["issue"] == "MIN-2"
    assert world.ask("run_report", id="run-2a2b3c4d.json")["file"].endswith("4d.json")
    world.report(run_id="2a2bffff-0000-4000-8000-000000000001")
    for name in ("2a2b", "nothing", "", "%"):
        with pytest.raises(CostdError):
            world.ask("run_report", id=name)


def test_a_clock_that_is_set_back_is_not_waited_for(world: World) -> None:
    world.engine.runs.refresh_all(world.now)
    assert not world.engine.runs.is_due(world.now)
    assert world.engine.runs.is_due(world.now - HOUR)
    assert world.engine.runs.is_due(world.now + MINUTE)


def test_a_report_that_cannot_be_written_is_written_later(world: World) -> None:
    (world.place / "reports").write_text("a file where the directory should be")
    world.report(status="failed")
    world.engine.runs.refresh_all(world.now)
    assert "reports" in world.engine.runs.troubles["publish"]
    assert any(p["code"] == "publish" for p in world.ask("status")["health"])
    (world.place / "reports").unlink()
    world.now += MINUTE
    world.engine.runs.refresh_all(world.now)
    assert world.engine.runs.troubles == {}
    assert world.file()["outcome"]["status"] == "failed"


def test_cleaning_takes_reports_and_leaves_what_they_counted(world: World) -> None:
    fill(world)
    world.ask("runs")
    before = world.ask("performance")["summary"]
    would = world.ask("clean_runs", before="2026-11-17")
    assert (would["runs"], would["confirmed"]) == (2, False)
    assert len(world.ask("runs")["rows"]) == 4
    done = world.ask("clean_runs", before="2026-11-17", confirm=True)
    assert (done["runs"], done["confirmed"]) == (2, True)
    assert [row["run_id"][0] for row in world.ask("runs")["rows"]] == ["0", "1"]
    assert len(list((world.place / "reports").glob("*/*.json"))) == 2
    assert world.ask("performance")["summary"] == before
    world.engine.runs.changed(0)
    assert len(world.ask("runs")["rows"]) == 2


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"run": {}, "timing": {}},
        {
            "run": {"run_id": "../../x"},
            "timing": {"started_at": "2026-11-18T12:00:00Z"},
        },
        {"run": {"run_id": RUN}, "timing": {"started_at": "soon"}},
        {
            "run": {"run_id": RUN.upper()},
            "timing": {"started_at": "2026-11-18T12:00:00Z"},
        },
    ],
)
def test_what_is_no_report_is_refused(world: World, report: Json) -> None:
    with pytest.raises(UsageError):
        world.ask("run", report=report)


RUBBISH: list[Any] = [
    7,
    -1,
    1.5,
    True,
    "x" * 2_000,
    "\ud800",
    [],
    [[[]]],
    [7, "x", {"iteration": [1], "phases": [2]}],
    {"a": {"b": [1]}},
    {"": None, "x": "y"},
    None,
    10**30,
]
FIELDS = [
    (section, name)
    for section in (
        "outcome",
        "tokens",
        "cost",
        "timing",
        "files",
        "validation",
        "scope",
    )
    for name in (
        "phases profile per_iteration by_model cost_usd total input estimated status "
        "evidence exit_code iterations error modified created count runs total_runs "
        "violations mode blocked_files duration_ms completed_at"
    ).split()
]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=lambda value: repr(value)[:20])
def test_whatever_is_in_a_report_everything_can_be_shown(
    world: World, rubbish: Any
) -> None:
    made = MetricsCollector(run_id=RUN, environ={}).to_report()
    for section, name in FIELDS:
        made[section][name] = rubbish
    for name in ("agent", "model", "task", "pid", "branch", "project", "role"):
        made["run"][name] = rubbish
    world.ask("run", report=made)
    (row,) = world.ask("runs", detailed=True)["rows"]
    plain(list_page({"rows": [row]}))
    run_sheet([row], is_detailed=True)
    run_sheet([row], is_detailed=False)
    plain(report_page(world.ask("run_report", id=RUN), is_verbose=True))
    plain(summary_page(world.ask("runs_summary")))
    plain(runtimes_page(world.ask("runtimes")))
    plain(performance_page(world.ask("performance")))


@pytest.mark.parametrize("rubbish", RUBBISH, ids=lambda value: repr(value)[:20])
def test_whole_sections_of_rubbish(world: World, rubbish: Any) -> None:
    made = MetricsCollector(run_id=RUN, environ={}).to_report()
    for section in ("outcome", "tokens", "cost", "files", "validation", "scope"):
        made[section] = rubbish
    made["environment"] = rubbish
    world.ask("run", report=made)
    assert world.shown()["outcome"]["status"] == "unknown"
    plain(report_page(world.ask("run_report", id=RUN), is_verbose=True))


def test_a_key_in_a_report_is_not_kept(world: World) -> None:
    key = "sk-ant-" + "a" * 30
    made = MetricsCollector(run_id=RUN, environ={})
    made.record_outcome("blocked", f"the key {key} is refused")
    made.record_error(f"401 for {key}")
    made.record_validation(f"curl -H {key}", passed=False)
    world.ask("run", report=made.to_report())
    assert key not in json.dumps(world.shown())
    assert "[redacted]" in world.shown()["outcome"]["evidence"]
    assert key not in json.dumps(world.file())


def test_nonsense_in_a_report_is_left_out(world: World) -> None:
    made = world.report()
    made["run"] |= {
        "run_id": RUN.replace("1a", "2a"),
        "issue": "../../etc/passwd",
        "sessions": ["s1", 7, "../x", "y" * 200],
        "agent": "x" * 999,
    }
    made |= {"tokens": 7, "cost": {"cost_usd": float("1e300")}, "unheard": {"of": 1}}
    world.ask("run", report=made)
    found = world.shown("2a2b")
    assert (found["run"]["issue"], found["run"]["sessions"]) == (None, ["s1"])
    assert "unheard" not in found
    assert found["cost"]["cost_usd"] is None


API_ERROR = {
    "type": "assistant",
    "sessionId": "s1",
    "cwd": "/w/app",
    "isApiErrorMessage": True,
    "timestamp": "2026-11-18T11:00:00.000Z",
    "message": {
        "id": "5c7f0000-0000-4000-8000-000000000001",
        "model": "<synthetic>",
        "usage": {"input_tokens": 0, "output_tokens": 0},
        "content": [
            {"type": "text", "text": "API Error: overloaded, /home/dev/secret"}
        ],
    },
}


def write_errors(world: World, name: str, *more: Json) -> None:
    lines = [json.dumps({**API_ERROR, **each}) for each in more]
    (world.logs / f"{name}.jsonl").write_text("".join(line + "\n" for line in lines))
    world.read()


def test_errors_of_logs_are_counted_by_kind_and_once(world: World) -> None:
    world.write(NOON - HOUR, session="s0")
    first = {"uuid": "u-1"}
    limit = {
        "uuid": "u-2",
        "error": "rate_limit",
        "apiErrorStatus": 429,
        "timestamp": "2026-11-17T11:00:00.000Z",
    }
    odd = {"uuid": "u-3", "error": 7, "apiErrorStatus": "many", "message": None}
    write_errors(world, "s1", first, limit, odd, {**first, "isApiErrorMessage": False})
    write_errors(world, "fork", first)  # copied into another log: the same line
    found = world.ask("performance")
    assert [
        (e["message"], e["count"], e["sources"]) for e in found["errorPatterns"]
    ] == [
        ("other error", 1, ["log"]),
        ("overloaded", 1, ["log"]),
        ("rate limit (429)", 1, ["log"]),
    ]
    assert found["summary"]["errorsToday"] == 2
    assert [(d["date"], d["errors"]) for d in found["daily"]] == [
        ("2026-11-17", 1),
        ("2026-11-18", 2),
    ]
    claude = world.ask("runtimes")["runtimes"]["claude"]
    assert [day["errors"] for day in claude["dailyStats"]] == [1, 2]
    everything = (world.place / "ledger.db").read_bytes()
    wal = world.place / "ledger.db-wal"
    everything += wal.read_bytes() if wal.exists() else b""
    assert b"secret" not in everything


CALLS = [
    ("claude-code", 0, True, None, "MIN-1"),
    ("claude-code", -HOUR, False, "429 too many requests", "MIN-2"),
    ("codex", 0, False, "timeout", "MIN-3"),
    ("codex", -DAY, True, None, "MIN-4"),
    ("claude-code", -20 * DAY, False, "timeout", "MIN-5"),
]


def test_figures_of_one_agent_and_of_a_span_are_those_of_a_ledger_without_the_rest(
    world: World, memory_dir: Path
) -> None:
    """What others did, and what was done before, is as if it had never been."""
    calls = CALLS

    def tell(place: World, number: int) -> None:
        agent, at, success, error, issue = calls[number]
        place.tell(
            event_id=f"e{number}",
            type="execution",
            agent=agent,
            issue=issue,
            success=success,
            capability="fix",
            duration_ms=(number + 1) * 60_000,
            timestamp=format_instant(NOON + at),
            **({"error": error} if error else {}),
        )

    only = World(memory_dir / "only")
    for number in range(len(calls)):
        if calls[number][0] == "claude-code":
            world.write(NOON + calls[number][1], session=f"s{number}")
        tell(world, number)
    for number in (0, 1):
        only.write(NOON + calls[number][1], session=f"s{number}")
        tell(only, number)
    span = {"since": "2026-11-17T23:00:00Z", "agent": ["claude"]}
    here, there = world.ask("performance", **span), only.ask("performance")
    for name in ("summary", "errorPatterns", "topSlowTasks"):
        assert here[name] == there[name], name
    assert here["daily"] == there["daily"]
    found = world.ask("runtimes", **span)["runtimes"]
    assert found.keys() == {"claude"}
    expected = only.ask("runtimes", since=span["since"])["runtimes"]["claude"]
    for name in set(expected) - {"totalCost", "avgCost", "byModel", "dailyStats"}:
        assert found["claude"][name] == expected[name], name
    responses = found["claude"]["byModel"]["claude-opus-5"]["responses"]
    assert responses == expected["byModel"]["claude-opus-5"]["responses"] == 2
    assert world.ask("runtimes", agent=["codex"])["runtimes"].keys() == {"codex"}
    whole = world.ask("runtimes")["runtimes"]
    ever = world.ask("runtimes", since="2020-01-01")["runtimes"]
    for name, row in whole.items():
        assert {**ever[name], "dailyStats": []} == {**row, "dailyStats": []}
    only.engine._end()
