"""``costd issues``, ``issue`` and ``suggest``: pages of answers, and real answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli import canned
from cli.canned import Daemon
from cli.conftest import Shown
from costd.cli.render.issues import issue_page, issues_page
from costd.cli.render.plain import plain
from costd.cli.render.suggest import applied_page, suggest_page

LAST = "2026-11-21T10:00:00Z"
PART = {"cost_usd": 2.5, "share": 0.25, "tokens": canned.TOKENS, "responses": 3}
ROW = {"roles": ["review"], "models": ["claude-opus-5"], "last_at": LAST}
ISSUES = {
    "timezone": "UTC",
    "rows": [{**canned.SUMS, **ROW, "issue": "MIN-1", "live": True, "cost_usd": 10.0}],
    "count": 7,
    "buckets": [
        {**canned.SUMS, **ROW, "bucket": "none:no-match", "reason": "nothing names it"}
    ],
    "total": {
        **canned.SUMS,
        "cost_usd": 10.03255,
        "issues_usd": 10.0,
        "buckets_usd": 0.03255,
        "exact": True,
    },
}
ISSUE = {
    "issue": "MIN-1",
    "timezone": "UTC",
    "since": "7d",
    "total": {**canned.SUMS, "cost_usd": 10.0},
    "by_session": [
        {
            **PART,
            "session_id": canned.SESSION,
            "project": "app",
            "roles": ["review", "test"],
            "models": ["claude-opus-5"],
            "last_at": LAST,
            "subagents": 2,
            "live": True,
        }
    ],
    "by_model": [{**PART, "model": "claude-opus-5"}],
    "by_role": [{**PART, "role": None}],
    "by_day": [{**PART, "day": "2026-11-21"}],
    "subagents": [
        {**PART, "agent_id": "a1", "agent_type": "Explore", "role": "research"}
    ],
    "prs": [
        {
            "url": "https://github.com/o/n/pull/45",
            "repository": "o/n",
            "number": 45,
            "linked_at": LAST,
        }
    ],
    "live": [{"session_id": canned.SESSION, "branch": "main", "usd_per_hour": 1.5}],
    "claims": [{"id": 1}],
}
SUGGESTED = {
    "selector": "branch",
    "value": "min-12-fix",
    "issue": "MIN-12",
    "confidence": 0.45,
    "reason": "candidate",
    "evidence": "nobody knows the key MIN",
    "bucket": "none:no-match",
    "responses": 3,
    "cost_usd": 2.5,
}
SUGGEST = {
    "rows": [SUGGESTED, {**SUGGESTED, "value": "a-1-b-2", "reason": "ambiguous"}],
    "count": 9,
    "applicable": 1,
    "applicable_usd": 2.5,
    "apply_command": "costd suggest --apply",
}


def test_the_list_of_issues_says_what_none_of_them_owns() -> None:
    page = plain(issues_page(ISSUES))
    assert "MIN-1" in page
    assert "2026-11-21 10:00 ●" in page
    assert "1 issue of 7; --limit 0 shows all" in page
    assert "nothing names it" in page
    assert "issues $10.00 + buckets $0.03 = total $10.03" in page
    empty = plain(issues_page({**ISSUES, "rows": [], "buckets": [], "count": 0}))
    assert "No issue owns anything in this span." in empty


def test_an_issue_in_full() -> None:
    page = plain(issue_page(ISSUE))
    for said in (
        "7d to now · UTC · list-price equivalent",
        "$10.00  21.5k tokens in 12 responses of 2 sessions",
        f"● {canned.SESSION} on main  $1.50/h",
        "review, test",
        "25 %",
        "Explore",
        "o/n!45",
        "https://github.com/o/n/pull/45",
        "1 claim by people and tools: costd claims --issue MIN-1",
    ):
        assert said in page
    for title in ("by session", "by model", "by role", "by day", "subagents"):
        assert f"\n{title}\n" in page


def test_suggestions_and_what_became_of_them() -> None:
    page = plain(suggest_page(SUGGEST))
    assert "branch min-12-fix" in page
    assert "45 %" in page
    assert "2 of 9; --limit 0 shows all" in page
    assert "1 claim would move $2.50. Make them all: costd suggest --apply" in page
    assert "ambiguous is left to you" in page
    assert "Nothing to link" in plain(suggest_page({"rows": []}))
    moved = {"responses": 3, "cost_usd": 2.5, "rows": []}
    done = plain(applied_page({"claims": [SUGGESTED], "skipped": 1, "moved": moved}))
    assert "✓ branch min-12-fix → MIN-12" in done
    assert "1 ambiguous one left to you" in done
    assert "$2.50 of 3 responses moved" in done
    assert "Nothing was linked." in plain(applied_page({"claims": [], "moved": {}}))


@pytest.mark.parametrize("page", [issues_page, issue_page, suggest_page, applied_page])
def test_an_answer_of_another_version_breaks_nothing(page: Any) -> None:
    assert plain(page({}))


@pytest.mark.parametrize(
    ("line", "method", "target"),
    [
        (
            "issues --role review --since 7d",
            "GET",
            "/api/issues?since=7d&limit=50&role=review",
        ),
        ("issue MIN-1 --since 7d", "GET", "/api/issues/MIN-1/costs?since=7d"),
        ("issue owner/name#45", "GET", "/api/issues/owner%2Fname%2345/costs"),
        ("suggest --limit 0", "GET", "/api/suggest?limit=0"),
        ("suggest --apply --since 7d", "POST", "/api/suggest"),
    ],
)
def test_what_is_asked(
    costd: Shown, daemon: Daemon, line: str, method: str, target: str
) -> None:
    costd(*line.split())
    asked = daemon.asked[-1]
    assert (asked.method, asked.target) == (method, target)
    if method == "POST":
        assert json.loads(asked.body) == {"since": "7d"}


HOSTILE = ["../x", "a\0b", "x" * 4096, "\x1b[2J", "CON", "a\nb", "\u202ex", "%2e%2e/x"]


@pytest.mark.parametrize("issue", HOSTILE)
def test_a_hostile_id_is_no_issue(
    costd: Shown,
    state_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    issue: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shown = costd("issue", issue)
    assert shown.code == 2
    assert "\x1b" not in shown.err
    assert len(shown.err) < 500


def write_log(home: Path, branch: str, number: int) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 1000 * number}
    message = {"id": f"m{number}", "model": "claude-opus-5", "usage": usage}
    line = {"type": "assistant", "sessionId": f"s{number}", "gitBranch": branch}
    line |= {"cwd": "/w/app", "uuid": f"u{number}", "requestId": f"r{number}"}
    line |= {"timestamp": "2026-11-18T12:00:00Z", "message": message}  # type: ignore[dict-item]  # an object of JSON
    path = home / f".claude/projects/-w-app/s{number}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(line) + "\n")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sessions: for an issue, for perhaps one, and for none."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for number, branch in enumerate(["feature/MIN-1", "feature/pan-12-fix", "main"], 1):
        write_log(tmp_path / "home", branch, number)
    return tmp_path / "home"


def test_what_is_suggested_can_be_linked_at_once(
    costd: Shown, state_dir: Path, home: Path
) -> None:
    listed = json.loads(costd("issues", "--json").out)
    assert [row["issue"] for row in listed["rows"]] == ["MIN-1"]
    (row,) = json.loads(costd("suggest", "--json").out)["rows"]
    assert (row["value"], row["issue"]) == ("feature/pan-12-fix", "PAN-12")
    done = costd("suggest", "--apply")
    assert "✓ branch feature/pan-12-fix → PAN-12" in done.out
    assert "Nothing to link" in costd("suggest").out
    listed = json.loads(costd("issues", "--json").out)
    assert [row["issue"] for row in listed["rows"]] == ["PAN-12", "MIN-1"]
    assert listed["total"]["exact"]
    shown = costd("issue", "pan-12")
    assert (shown.code, shown.err) == (0, "")
    assert "by model" in shown.out
    assert "s2" in shown.out
    assert costd("issue", "NONE-1").code == 1
