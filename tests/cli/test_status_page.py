"""The status as a person reads it."""

from __future__ import annotations

from typing import Any

import pytest

from cli.canned import live, status
from costd.cli.render.plain import plain
from costd.cli.render.status import status_page


def shown(**changes: Any) -> str:
    return plain(status_page(status(**changes)))


def test_a_quiet_day() -> None:
    assert (
        shown()
        == """\
costd 0.1.0 · up 3h · Europe/Oslo · list-price equivalent · prices of 2026-11-22

            cost  tokens  responses
today     $12.34    3.4M        512
week     $112.50   43.4M      5,120
month  $1,112.50    943M     15,120
all    $5,112.50    2.9G     75,120

no session is live

health  well

logs
agent   files  behind  last line  skipped  salvaged
claude  1,234     0 B    12s ago        0         0
claude: /home/u/.claude/projects""".replace("0.1.0", status()["version"])
    )


def test_live_sessions_with_their_estimate_and_its_mark() -> None:
    text = shown(live=[live(), live(issue="none:default-branch", role=None)])
    assert "2 live sessions\n" in text
    assert (
        "1a2b3c4d  claude  MIN-123              review  "
        "feature/min-123-a-branch-with-a-long-name  claude-opus-5  "
        "$1.23  ~$1.31  $4.50    1.2M  12s\n"
    ) in text
    assert "1a2b3c4d  claude  none:default-branch  -  " in text
    assert "\n~ estimate" in text
    assert "~ estimate" not in shown()


def test_a_live_session_may_be_a_lower_bound_or_unpriced() -> None:
    assert "≥$1.23" in shown(live=[live(lower_bound=True)])
    text = shown(live=[live(cost_usd=None, unpriced_responses=2)])
    assert "unpriced" in text
    assert "$0.00" not in text


def test_a_lower_bound_is_marked_and_explained() -> None:
    reasons = {"unfinalised": 3, "unpriced": 1}
    text = shown(lower_bound={"responses": 3, "reasons": reasons})
    assert "≥$5,112.50" in text
    assert "≥$12.34" not in text
    assert (
        "≥ lower bound: 3 responses whose log has no final count,"
        " 1 response without a price"
    ) in text
    assert "≥" not in shown()


def test_a_window_that_says_so_is_a_lower_bound() -> None:
    totals = status()["totals"]
    totals["today"]["lower_bound"] = True
    assert "≥$12.34" in shown(totals=totals)


def test_what_nobody_owns_is_listed_by_cost() -> None:
    text = shown(unattributed={"none:no-repo": 0.004, "none:bot": 3.2, "none:x": 0})
    assert "without an issue\nnone:bot       $3.20\nnone:no-repo  $0.004\n" in text
    assert "none:x" not in text
    assert "without an issue" not in shown()


def test_unpriced_is_loud() -> None:
    text = shown(unpriced={"models": ["gpt-9", "x"], "tokens": 12345, "responses": 2})
    assert "unpriced  12.3k tokens of gpt-9, x are in no total" in text


def test_all_unpriced_is_not_zero() -> None:
    nothing = {"cost_usd": None, "tokens": 500, "responses": 5}
    text = shown(totals=dict.fromkeys(("today", "week", "month", "all"), nothing))
    assert text.count("unpriced") == 4
    assert "$0.00" not in text


def test_a_total_that_is_not_known_is_not_zero() -> None:
    text = shown(totals={"all": status()["totals"]["all"]})
    assert text.splitlines()[3].split() == ["today", "-", "-", "-"]


def test_problems_come_with_what_to_do() -> None:
    health = [
        {
            "code": "stale",
            "message": "The beat.",
            "fix": "Restart.",
            "severity": "error",
        },
        {
            "code": "skipped_lines",
            "message": "3 lines.",
            "fix": "",
            "severity": "warning",
        },
    ]
    text = shown(health=health)
    assert "health\n✗ stale: The beat.\n  Restart.\n! skipped_lines: 3 lines.\n" in text
    assert "well" not in text


def test_an_agent_that_nobody_has_here_is_not_shown() -> None:
    (claude,) = status()["sources"]
    codex = {**claude, "name": "codex", "files": 0, "roots": ["/home/u/.codex"]}
    assert "codex" not in shown(sources=[claude, codex])
    assert "codex: /home/u/.codex" in shown(sources=[{**claude, "files": 0}, codex])
    gone = {**codex, "vanished_files": 3}
    assert "codex: /home/u/.codex" in shown(sources=[claude, gone])


def test_coverage_says_what_is_missing() -> None:
    source = {
        **status()["sources"][0],
        "bytes_behind": 3_500_000,
        "skipped_lines": 7,
        "last_error": "Permission denied",
    }
    text = shown(sources=[source])
    assert "claude  1,234  3.3 MiB    12s ago        7         0\n" in text
    assert "! Permission denied" in text


def test_no_logs_yet() -> None:
    source = {**status()["sources"][0], "files": 0, "last_record_at": None}
    text = shown(sources=[source])
    assert "claude      0     0 B          -" in text
    assert "claude: /home/u/.claude/projects" in text
    assert "No logs yet. What an agent writes there shows up here by itself." in text


def test_no_daemon_is_said() -> None:
    assert "· no daemon ·" in shown(daemon=False)


@pytest.mark.parametrize(
    "name", ["\x1b]52;c;aGk=\x07", "a\nb", "\u202egnp.exe", "\x9b31m", "\udcff"]
)
def test_names_cannot_play_tricks(name: str) -> None:
    text = shown(
        live=[live(branch=name, issue=name, model=name, session_id=name)],
        unattributed={name: 1.0},
        unpriced={"models": [name], "tokens": 1},
        health=[{"code": name, "message": name, "fix": name}],
        sources=[{"name": name, "roots": [name], "last_error": name}],
        version=name,
    )
    assert name not in text
    assert text.encode()


def test_an_answer_of_the_future_or_the_past_does_not_break_it() -> None:
    assert plain(status_page({}))
    assert plain(status_page({"live": [{}], "sources": [{}], "health": [{}]}))
    assert "new" not in plain(status_page(status(new={"a": 1})))
