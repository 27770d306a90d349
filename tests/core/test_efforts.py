"""Attempts together: every figure here was worked out by hand."""

from __future__ import annotations

import pytest

from costd.core.capabilities import capability_of, runtime_of, spelt
from costd.core.efforts import Effort, attempt, minutes, together
from costd.core.failures import KINDS, OTHER, kind_of

USD = 10**9
Attempt = tuple[str, int | None, int | None]


# outcome, milliseconds, nano-USD
@pytest.mark.parametrize(
    ("attempts", "rate", "avg", "per_success", "is_least"),
    [
        ([], None, None, None, False),
        ([("unknown", 1000, USD)], None, 1000, None, False),
        ([("completed", 1000, 2 * USD)], 1.0, 1000, 2 * USD, False),
        # (2 + 1 + 3) / 1: failures are what a success costs too
        (
            [("completed", 1000, 2 * USD), ("failed", 2000, USD), ("blocked", None, 3 * USD)],
            pytest.approx(1 / 3),
            1500,
            6 * USD,
            False,
        ),
        # an unknown one is in neither
        ([("completed", None, USD), ("unknown", None, 9 * USD)], 1.0, None, USD, False),
        # one of those that count has no cost
        ([("completed", 1, USD), ("completed", 3, None)], 1.0, 2, USD / 2, True),
        ([("completed", 1, None)], 1.0, 1, None, True),
        ([("failed", 1, USD)], 0.0, 1, None, False),
    ],
)  # fmt: skip
def test_rates_and_averages(
    attempts: list[Attempt],
    rate: float | None,
    avg: float | None,
    per_success: float | None,
    is_least: bool,
) -> None:
    total = together(attempt(*each, None) for each in attempts)
    assert total.success_rate == rate
    assert total.avg_ms == avg
    assert total.cost_per_success == per_success
    assert total.is_lower_bound is is_least
    assert total.tasks == total.known + total.unknown == len(attempts)


def test_shortest_and_longest() -> None:
    total = together(attempt("unknown", ms, None, None) for ms in (30, None, 10, 20))
    assert (total.shortest_ms, total.longest_ms, total.timed) == (10, 30, 3)
    assert together([]).shortest_ms is None
    assert Effort(responses=4, response_ms=10).avg_response_ms == 2.5


@pytest.mark.parametrize(
    ("ms", "expected"), [(None, None), (0, 0), (90_000, 1.5), (1, 0), (100, 0.002)]
)
def test_minutes(ms: float | None, expected: float | None) -> None:
    assert minutes(ms) == expected


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("feature/MIN-1", "feature"),
        ("feat/x", "feature"),
        ("fix/min-1", "bugfix"),
        ("hotfix/1.2", "bugfix"),
        ("dev/Refactor/x", "refactor"),
        ("docs/readme", "docs"),
        ("main", ""),
        ("fix", ""),
        ("fix-login", ""),
        ("prefix/x", ""),
        ("", ""),
    ],
)
def test_the_kind_of_work_by_a_branch(branch: str, expected: str) -> None:
    assert capability_of(branch) == expected


def test_words_have_one_spelling() -> None:
    assert [spelt(w) for w in ("Fix", "bugfix", "UI", " feat ")] == [
        "bugfix",
        "bugfix",
        "ui",
        "feature",
    ]
    assert [runtime_of(w) for w in ("Claude-Code", "codex", "x")] == [
        "claude",
        "codex",
        "x",
    ]


@pytest.mark.parametrize(
    ("text", "status", "exit_code", "expected"),
    [
        ("", 429, None, "rate limit (429)"),
        ("whatever", 529, None, "overloaded (529)"),
        ("", 418, None, "HTTP status 418"),
        (
            "API Error: 429 rate_limit_error for key sk-ant-abc",
            None,
            None,
            "rate limit",
        ),
        ("API Error: Request was aborted.", None, None, "request aborted"),
        ("Credit balance is too low", None, None, "billing"),
        ("prompt is too long: 210000 tokens", None, None, "context too long"),
        ("connect ECONNREFUSED 10.0.0.7:443", None, None, "network error"),
        ("Request timed out", None, None, "timeout"),
        ("HTTP 503 from upstream", None, None, "server error"),
        ("Invalid API key - Please run /login", None, None, "authentication failed"),
        ("Traceback ... KeyError: '/home/dev/secret'", None, None, "KeyError"),
        ("it broke in /home/dev/secret", None, 2, "exit status 2"),
        ("it broke in /home/dev/secret", None, None, OTHER),
        ("", None, None, OTHER),
        ("x" * 100_000 + "rate limit", None, None, OTHER),
    ],
)
def test_the_kind_of_an_error(
    text: str, status: int | None, exit_code: int | None, expected: str
) -> None:
    found = kind_of(text, status=status, exit_code=exit_code)
    assert found == expected
    assert "secret" not in found
    assert OTHER in KINDS
