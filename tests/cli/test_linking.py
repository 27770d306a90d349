"""``costd link``, ``unlink`` and ``claims``: asked rightly, shown safely, done for real."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.canned import Daemon
from cli.conftest import Shown
from costd.cli.render.claims import claims_page, link_page, unlink_page
from costd.cli.render.plain import plain
from costd.cli.selectors import OWN_SESSION

CLAIM = {
    "id": 12,
    "selector": "session",
    "value": "1a2b3c4d-0000-4000-8000-000000000000",
    "within": None,
    "issue": "MIN-1",
    "role": "review",
    "from": "2026-11-01T08:00:00Z",
    "until": None,
    "made_at": "2026-11-02T08:00:00Z",
    "made_by": "cli",
    "revoked_at": None,
}
MOVED = {
    "responses": 3,
    "cost_usd": 1.5,
    "rows": [{"from": "none:no-match", "to": "MIN-1", "responses": 3, "cost_usd": 1.5}],
}
ANSWER = {"schema_version": 1, "dry_run": False, "claim": CLAIM, "moved": MOVED}


def asked(daemon: Daemon) -> dict[str, Any]:
    (request,) = daemon.asked
    found = json.loads(request.body)
    assert found.pop("source") == "cli"
    return dict(found)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--session s", {"session": "s"}),
        ("--agent a", {"agent": "a"}),
        ("--pid 7", {"pid": "7"}),
        ("--branch feature/*", {"branch": "feature/*"}),
        ("--cwd /p/app/", {"cwd": "/p/app"}),
        ("--cwd **/app", {"cwd": "**/app"}),
        ("--cwd .", {"cwd": os.getcwd()}),  # noqa: PTH109 - wanted as text
        ("--cwd ~/x*", {"cwd": "~"}),
    ],
)
def test_one_selector_goes_to_the_daemon(
    costd: Shown, daemon: Daemon, line: str, expected: dict[str, str]
) -> None:
    daemon.put(claims=ANSWER)
    shown = costd("link", "--issue", "MIN-1", "--role", "review", *line.split())
    assert (shown.code, shown.err) == (0, "")
    if expected == {"cwd": "~"}:
        expected = {"cwd": f"{os.environ['HOME']}/x*"}
    assert asked(daemon) == {
        "issue": "MIN-1",
        "role": "review",
        "dry_run": False,
        **expected,
    }


def test_times_and_a_dry_run_go_along(costd: Shown, daemon: Daemon) -> None:
    daemon.put(claims=ANSWER)
    times = ["--from", "7d", "--until", "2026-11-03"]
    costd("link", "--issue", "MIN-1", "--session", "s", *times, "--dry-run")
    assert asked(daemon) == {
        "issue": "MIN-1",
        "session": "s",
        "from": "7d",
        "until": "2026-11-03",
        "dry_run": True,
    }


@pytest.mark.parametrize("variable", OWN_SESSION)
def test_inside_an_agent_it_is_the_agents_own_session(
    costd: Shown, daemon: Daemon, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    daemon.put(claims=ANSWER)
    monkeypatch.setenv(variable, "own")
    costd("link", "--issue", "MIN-1")
    found = asked(daemon)
    assert (found["session"], found["who"]) == ("own", "session own")
    daemon.asked.clear()
    costd("link", "--issue", "MIN-1", "--branch", "b")
    found = asked(daemon)
    assert (found.get("session"), found["branch"]) == (None, "b")


def test_inside_two_agents_it_has_to_be_said(
    costd: Shown, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in OWN_SESSION:
        monkeypatch.setenv(variable, "own")
    assert costd("link", "--issue", "MIN-1").code == 2
    assert daemon.asked == []


@pytest.mark.parametrize(
    "line",
    [
        "link --issue MIN-1",
        "link --issue MIN-1 --session a --branch b",
        "link --issue MIN-1 --pid x",
        "link --session a",
        "unlink",
        "unlink 7 --session a",
        "unlink x",
    ],
)
def test_what_makes_no_sense_is_not_asked(
    costd: Shown, daemon: Daemon, line: str
) -> None:
    shown = costd(*line.split())
    assert shown.code == 2
    assert len(shown.err.splitlines()) == 2
    assert daemon.asked == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("unlink 7", {"id": 7}),
        ("unlink --branch b --issue MIN-1", {"branch": "b", "issue": "MIN-1"}),
    ],
)
def test_what_is_taken_back_is_named(
    costd: Shown, daemon: Daemon, line: str, expected: dict[str, object]
) -> None:
    daemon.put(unlink={"schema_version": 1, "claims": [CLAIM], "moved": MOVED})
    shown = costd(*line.split())
    assert shown.code == 0
    assert "claim 12 is taken back" in shown.out
    assert asked(daemon) == {**expected, "dry_run": False}


def test_with_nobody_to_answer_a_claim_waits_in_the_spool(
    costd: Shown, state_dir: Path
) -> None:
    with closing(sqlite3.connect(state_dir / "ledger.db")) as theirs:
        theirs.execute("CREATE TABLE theirs (x)")
    shown = costd("link", "--issue", "MIN-1", "--session", "s")
    assert shown.code == 0
    assert "waits in the spool" in shown.err
    assert "waits in the spool" in shown.out
    (path,) = (state_dir / "spool").glob("*.json")
    params = json.loads(path.read_text())["params"]
    assert (params["session"], params["issue"]) == ("s", "MIN-1")
    assert params["key"]
    assert costd("link", "--issue", "MIN-1", "--session", "s", "--dry-run").code == 3
    assert costd("unlink", "1").code == 3


def test_pages_say_what_is_and_what_would_be() -> None:
    said = plain(link_page(ANSWER))
    assert said.startswith("✓ claim 12: session 1a2b3c4d-0000")
    assert "→ MIN-1 in the role review from 2026-11-01 08:00" in said
    assert "$1.50 of 3 responses moved" in said
    would = plain(
        link_page({**ANSWER, "dry_run": True, "claim": {**CLAIM, "id": None}})
    )
    assert would.startswith("? it would be said: session")
    assert "$1.50 of 3 responses would move" in would
    nothing = {"responses": 0, "cost_usd": 0, "rows": []}
    assert "nothing moved" in plain(link_page({**ANSWER, "moved": nothing}))
    assert "already" in plain(link_page({**ANSWER, "duplicate": True}))
    assert "no such claim" in plain(unlink_page({"claims": []}))
    assert "would be taken back" in plain(unlink_page({**ANSWER, "dry_run": True}))


def test_the_list_of_claims() -> None:
    gone = {**CLAIM, "id": 11, "revoked_at": "2026-11-03T08:00:00Z", "role": None}
    narrow = {**CLAIM, "id": 10, "selector": "branch", "value": "b", "within": "/p"}
    page = plain(claims_page({"rows": [CLAIM, gone, narrow], "count": 7}))
    assert "(taken back)" in page
    assert "branch b in /p" in page
    assert "3 claims of 7; --limit 0 shows all" in page
    assert "Nobody has claimed anything" in plain(claims_page({"rows": []}))


@pytest.mark.parametrize("answer", [{}, {"claim": None, "moved": None}, {"moved": 7}])
def test_an_answer_of_another_version_breaks_nothing(answer: dict[str, Any]) -> None:
    for page in (link_page, unlink_page, claims_page):
        assert plain(page(answer))


HOSTILE = ["../x", "a\0b", "x" * 4096, "\x1b[2J", "CON", "a\nb", "\u202ex", "nul.txt"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("issue", HOSTILE)
def test_hostile_issues_go_nowhere(
    costd: Shown, state_dir: Path, home: Path, tmp_path: Path, issue: str
) -> None:
    shown = costd("link", "--session", "s", "--issue", issue)
    assert shown.code == 2
    assert "\x1b" not in shown.err
    assert len(shown.err) < 500
    assert costd("claims", "--json").out.count('"id"') == 0
    assert not list(state_dir.glob("spool/*"))
    names = {path.name for path in tmp_path.rglob("*")}
    assert names.isdisjoint({"x", "x.json", "CON", "CON.json", "nul.txt"})


@pytest.mark.parametrize("value", ["../x\x1b[2J", "x" * 4096, "a\nb", "\u202ex"])
@pytest.mark.parametrize("name", ["session", "agent", "branch", "cwd"])
def test_hostile_selectors_are_refused(
    costd: Shown, state_dir: Path, home: Path, name: str, value: str
) -> None:
    shown = costd("link", f"--{name}", value, "--issue", "MIN-1")
    assert shown.code == 2
    assert "\x1b" not in shown.err
    assert "\u202e" not in shown.err


@pytest.fixture
def session(home: Path, repo: Path) -> str:
    """A session whose log is there, as Claude Code would have written it."""
    source = next((repo / "tests/corpus/claude").rglob("5e551000*1.jsonl"))
    target = home / ".claude/projects/-w-app" / source.name
    target.parent.mkdir(parents=True)
    shutil.copy(source, target)
    return source.stem


def test_a_claim_moves_money_and_is_taken_back(
    costd: Shown, state_dir: Path, session: str
) -> None:
    before = json.loads(costd("report", "--by", "issue", "--json").out)
    would = costd("link", "--session", session[:8], "--issue", "MIN-1", "--dry-run")
    assert "would move" in would.out
    assert (
        json.loads(costd("report", "--by", "issue", "--json").out)["rows"]
        == (before["rows"])
    )
    done = costd("link", "--session", session, "--issue", "min-1", "--role", "qa")
    assert "✓ claim 1" in done.out
    assert "MIN-1 in the role test" in done.out
    rows = json.loads(costd("report", "--by", "issue,role", "--json").out)["rows"]
    assert {(row["issue"], row["role"]) for row in rows} == {("MIN-1", "test")}
    again = json.loads(
        costd(
            "link", "--session", session, "--issue", "MIN-1", "--role", "qa", "--json"
        ).out
    )
    assert again["duplicate"]
    assert costd("unlink", "--session", session).code == 0
    assert (
        json.loads(costd("report", "--by", "issue", "--json").out)["rows"]
        == (before["rows"])
    )
    assert "(taken back)" in costd("claims", "--all").out
    assert costd("unlink", "1").code == 1


def test_what_waits_in_the_spool_counts_once(
    costd: Shown, state_dir: Path, session: str
) -> None:
    spool = state_dir / "spool"
    spool.mkdir()
    params = {"session": session, "issue": "MIN-1", "key": "k"}
    message = json.dumps(
        {"question": "link", "params": params, "at": 1_795_000_000_000}
    )
    for name in ("1", "2"):  # taken in, and not removed because the machine stopped
        (spool / f"{name}.json").write_text(message)
    (spool / "3.json").write_text(
        message.replace("MIN-1", "../x").replace('"k"', '"l"')
    )
    rows = json.loads(costd("report", "--by", "issue", "--json").out)["rows"]
    assert [row["issue"] for row in rows] == ["MIN-1"]
    claims = json.loads(costd("claims", "--json").out)["rows"]
    assert [(c["key"], c["made_at"]) for c in claims] == [("k", "2026-11-18T11:06:40Z")]
    assert [path.name for path in spool.iterdir()] == ["3.json.bad"]
    health = json.loads(costd("status", "--json").out)["health"]
    assert [(h["code"], h["severity"]) for h in health] == [("spool", "warning")]
    (spool / "3.json.bad").unlink()
    assert json.loads(costd("status", "--json").out)["health"] == []
