"""Runs, runtimes and performance on a screen, in a pipe and in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from costd.cli.render.performance import performance_page
from costd.cli.render.plain import plain
from costd.cli.render.run_sheet import COLUMNS, run_sheet
from costd.cli.render.runs import (
    clean_page,
    last_run_lines,
    list_page,
    report_page,
    summary_page,
    took,
)
from costd.cli.render.runtimes import runtimes_page
from costd.core.runs import row_of, summary
from costd.runs import MetricsCollector


def report(**about: Any) -> dict[str, Any]:
    run = MetricsCollector(
        environ={}, run_id="1a2b3c4d-0000-4000-8000-000000000001", **about
    )
    made = run.to_report()
    made["timing"] |= {
        "started_at": "2026-11-20T10:00:00Z",
        "duration_ms": 245_000,
        "phases": {"agent": 200_000, "tests": 40_000, "other": 5_000},
    }
    made["cost"] |= {"cost_usd": 1.25, "state": "counted", "lower_bound": False}
    made["tokens"]["total"] = 1_200_000
    return made


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        (None, "-"),
        (True, "-"),
        (0, "0.00s"),
        (350, "0.35s"),
        (12_340, "12.3s"),
        (59_990, "60.0s"),
        (60_000, "1m 00s"),
        (245_000, "4m 05s"),
        (3_600_000, "1h 00m"),
        (90_061_000, "25h 01m"),
    ],
)
def test_durations(ms: Any, expected: str) -> None:
    assert took(ms) == expected


def test_a_list() -> None:
    row = row_of(report(issue="MIN-1", agent="claude", role="review"))
    shown = plain(list_page({"rows": [row], "count": 3})).splitlines()
    assert shown[1].split() == (
        "1a2b3c4d 2026-11-20 10:00 MIN-1 review claude - unknown 4m 05s $1.25 1.2M -".split()
    )
    assert shown[2] == "1 run of 3; --limit 0 shows all"


@pytest.mark.parametrize(
    ("state", "expected"),
    [("pending", "pending"), ("unknown", "unknown"), ("unpriced", "unpriced")],
)
def test_a_cost_that_is_not_known_is_no_zero(state: str, expected: str) -> None:
    made = report()
    made["cost"] = {"cost_usd": None, "state": state}
    shown = plain(list_page({"rows": [row_of(made)]}))
    assert expected in shown
    assert "$0" not in shown


def test_estimates_and_lower_bounds_are_marked() -> None:
    made = report()
    made["cost"] |= {"state": "estimated"}
    assert "~$1.25" in plain(list_page({"rows": [row_of(made)]}))
    made["cost"] |= {"state": "counted", "lower_bound": True}
    assert "≥$1.25" in plain(list_page({"rows": [row_of(made)]}))


def test_a_report_with_its_bars() -> None:
    made = report(issue="MIN-1", max_iterations=5)
    made["outcome"] |= {
        "status": "failed",
        "evidence": "exit status 3",
        "iterations": 2,
    }
    made["files"] = {"created": ["n"], "modified": [], "deleted": ["d"], "count": 2}
    made["validation"] = {"total_runs": 2, "failures": 1}
    shown = plain(report_page({"report": made}))
    assert "agent  ████████████████████░░░░░  82 %  3m 20s" in shown
    assert "tests  ████░░░░░░░░░░░░░░░░░░░░░  16 %   40.0s" in shown
    assert "other  █░░░░░░░░░░░░░░░░░░░░░░░░   2 %    5.0s" in shown
    for text in (
        "failed",
        "exit status 3",
        "2 of at most 5",
        "+ n",
        "- d",
        "2 checks, 1",
    ):
        assert text in shown
    assert "iterations\n" not in shown
    made["timing"]["per_iteration"] = [
        {"iteration": 1, "duration_ms": 1000, "phases": {"agent": 900, "tests": 100}}
    ]
    shown = plain(report_page({"report": made}, is_verbose=True))
    assert "1: 1.0s, - tokens  agent 0.90s | tests 0.10s" in shown


def test_a_summary_and_the_last_run() -> None:
    older, newer = report(issue="MIN-1"), report(issue="MIN-2")
    newer["cost"]["cost_usd"] = 2.5
    newer["outcome"]["status"] = "completed"
    answer = summary([newer, older])
    shown = plain(summary_page(answer))
    assert "runs            2 (1 completed, 1 unknown)" in shown
    assert "success rate    100 % of 1 with a known outcome" in shown
    assert "total cost      $3.75" in shown
    assert "$2.50    $1.25  +100 %  up" in shown
    last = {"last_run": row_of(newer), "run_trend": answer["trend"]}
    assert "MIN-2" in plain(last_run_lines(last))
    assert "no run yet" in plain(last_run_lines({}))


@pytest.mark.parametrize(
    "page", [list_page, summary_page, runtimes_page, performance_page]
)
def test_of_nothing_something_is_said(page: Any) -> None:
    assert plain(page({})).strip()


def test_runtimes() -> None:
    shown = plain(
        runtimes_page(
            {
                "runtimes": {
                    "codex": {"totalTasks": 2, "unknownTasks": 2, "totalCost": 0.5},
                    "claude": {
                        "totalTasks": 10,
                        "unknownTasks": 6,
                        "successRate": 0.75,
                        "avgDurationMinutes": 35,
                        "totalCost": 12.5,
                        "avgCost": 1.25,
                        "costPerSuccess": 3.5,
                        "costPerSuccessLowerBound": True,
                        "totalTokens": 45_000_000,
                        "byCapability": {
                            "bugfix": {
                                "tasks": 3,
                                "successRate": 1,
                                "avgDuration": 2,
                                "inferredTasks": 3,
                            }
                        },
                    },
                }
            }
        )
    ).splitlines()
    assert shown[1].split() == (
        "claude 10 75 % 4 35m 00s $12.50 $1.25 ≥$3.50 45.0M".split()
    )
    assert shown[2].split() == "codex 2 - 0 - $0.50 - - -".split()
    assert "claude bugfix 3 100 % 2m 00s by branch".split() in [
        s.split() for s in shown
    ]


def test_performance() -> None:
    shown = plain(
        performance_page(
            {
                "summary": {
                    "successRate": 94.5,
                    "totalTasks": 847,
                    "successfulTasks": 800,
                    "failedTasks": 47,
                    "avgTaskTime": 61_000,
                    "avgResponseTime": 2_300,
                    "errorsToday": 12,
                },
                "daily": [
                    {
                        "date": "2026-11-20",
                        "taskCount": 3,
                        "successRate": None,
                        "unknownTasks": 3,
                        "avgDuration": None,
                        "errors": 1,
                    }
                ],
                "errorPatterns": [
                    {
                        "message": "rate limit (429)",
                        "count": 5,
                        "lastOccurred": "2026-11-20T10:00:00Z",
                        "sources": ["event", "log"],
                    }
                ],
                "topSlowTasks": [
                    {
                        "title": "Audit \x1b[2J",
                        "duration": 3_600_000,
                        "timestamp": "2026-11-20T10:00:00Z",
                        "status": "failed",
                    }
                ],
            }
        )
    )
    assert "847 (800 succeeded, 47 failed)" in shown
    assert "average response  2.3s" in shown
    assert "rate limit (429)      5  2026-11-20 10:00  events, logs" in shown
    assert "\x1b" not in shown


def test_what_was_cleaned_or_would_be() -> None:
    answer = {"runs": 2, "before": "2026-11-20T10:00:00Z", "confirmed": False}
    assert "--confirm does it" in plain(clean_page(answer))
    assert "Removed 2 reports" in plain(clean_page({**answer, "confirmed": True}))


NASTY = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\tx",
    "a,b",
    'say "hi"',
    "two\nlines",
    "ünï ✓ 漢",
    "＝1",  # noqa: RUF001 - the wide one is meant
    "nul\0",
]


@pytest.mark.parametrize("text", NASTY)
def test_a_spreadsheet_takes_text_for_text(text: str) -> None:
    sheet, count = run_sheet([row_of(report(task=text))], is_detailed=False)
    assert count == 1
    assert sheet.endswith("\r\n")
    (row,) = csv.DictReader(io.StringIO(sheet, newline=""))
    assert list(row) == list(COLUMNS)
    bare = text.replace("\0", "")
    is_formula = bare[0] in "=+-@\t＝"  # noqa: RUF001 - the wide one is meant
    assert row["task"] == (f"'{bare}" if is_formula else bare)
    assert (row["cost_usd"], row["duration_seconds"]) == ("1.25", "245.0")
    assert row["total_tokens"] == "1200000"


def test_what_is_unknown_is_an_empty_cell_and_no_zero() -> None:
    sheet, _ = run_sheet([row_of({})], is_detailed=False)
    (row,) = csv.DictReader(io.StringIO(sheet))
    assert {row[name] for name in ("cost_usd", "total_tokens", "iterations")} == {""}


def test_a_row_for_each_iteration() -> None:
    rows: list[dict[str, Any]] = [
        {
            "run_id": "r",
            "per_iteration": [
                {"iteration": 1, "tokens": 30, "phases": {"agent": 5.5}},
                {"iteration": 2, "cost_usd": 0.000000001, "phases": {"tests": 1}},
            ],
        },
        {"run_id": "none"},
    ]
    sheet, count = run_sheet(rows, is_detailed=True)
    first, second = csv.DictReader(io.StringIO(sheet))
    assert count == 2
    assert (first["run_id"], first["total_tokens"]) == ("r", "30")
    assert (first["phase_agent_ms"], first["phase_tests_ms"]) == ("5.5", "")
    assert second["cost_usd"] == "0.000000001"


def test_no_rows_have_a_head_all_the_same() -> None:
    for is_detailed in (False, True):
        sheet, count = run_sheet([], is_detailed=is_detailed)
        assert count == 0
        assert sheet.startswith('"run_id"')
