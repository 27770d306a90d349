"""``costd prs``: what goes to the daemon, and what is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.canned import Daemon
from cli.conftest import Shown
from costd.cli.render.plain import plain
from costd.cli.render.prs import forgotten_page, imported_page, prs_page

MOVED = {
    "responses": 1,
    "cost_usd": 1.5,
    "rows": [{"from": "none:no-match", "to": "o/r#4", "responses": 1, "cost_usd": 1.5}],
}
IMPORTED = {
    "dry_run": False,
    "added": 1,
    "changed": 2,
    "known": 3,
    "repositories": ["o/r"],
    "moved": MOVED,
}
ROW = {
    "pr": "o/r!7",
    "repository": "o/r",
    "number": 7,
    "branch": "login",
    "closes": ["o/r#4"],
    "issue": "o/r#4",
    "source": "prs.json",
    "imported_at": "2026-11-02T08:00:00Z",
}
PULL = {
    "number": 7,
    "headRefName": "login",
    "url": "https://github.com/o/r/pull/7",
    "closingIssuesReferences": [
        {"number": 4, "url": "https://github.com/o/r/issues/4"}
    ],
    "title": "secret",
    "body": "secret",
}


def asked(daemon: Daemon) -> Any:
    (request,) = daemon.asked
    return json.loads(request.body)


def test_only_what_is_asked_for_leaves_the_file(
    costd: Shown, daemon: Daemon, tmp_path: Path
) -> None:
    daemon.put(prs=IMPORTED)
    file = tmp_path / "prs.json"
    file.write_text(json.dumps([PULL]))
    shown = costd("prs", "import", str(file))
    assert (shown.code, shown.err) == (0, "")
    first = "1 pull request imported, 2 changed, 3 known before; of o/r."
    assert shown.out.splitlines()[0] == first
    assert "$1.50" in shown.out
    pull = {"repository": "o/r", "number": 7, "branch": "login", "head": "o/r"}
    assert asked(daemon) == {
        "prs": [{**pull, "closes": ["o/r#4"]}],
        "source": "prs.json",
        "dry_run": False,
    }


def test_too_many_at_once_are_refused_whole(
    costd: Shown, daemon: Daemon, tmp_path: Path
) -> None:
    file = tmp_path / "prs.json"
    file.write_text(
        "\n".join(
            json.dumps({**PULL, "url": f"https://github.com/o/r/pull/{n}"})
            for n in range(1, 4_002)
        )
    )
    shown = costd("prs", "import", str(file))
    assert (shown.code, len(shown.err.splitlines())) == (2, 2)
    assert "4,001" in shown.err
    assert not daemon.asked


@pytest.mark.parametrize(("text", "code"), [("[]", 2), ("", 2), ("x", 2), (None, 1)])
def test_what_cannot_be_imported_asks_nobody(
    costd: Shown, daemon: Daemon, tmp_path: Path, text: str | None, code: int
) -> None:
    file = tmp_path / "prs.json"
    if text is not None:
        file.write_text(text)
    shown = costd("prs", "import", str(file))
    assert (shown.code, len(shown.err.splitlines())) == (code, 2)
    assert not daemon.asked


def test_forgetting_takes_names_or_all(costd: Shown, daemon: Daemon) -> None:
    answer = {"schema_version": 1, "dry_run": False, "removed": 1, "moved": MOVED}
    daemon.put(**{"prs/forget": answer})
    assert json.loads(costd("prs", "forget", "o/r", "--json").out) == answer
    assert asked(daemon) == {"prs": ["o/r"], "all": False, "dry_run": False}
    daemon.asked.clear()
    assert costd("prs", "forget").code == 2
    assert costd("prs", "forget", "o/r", "--all").code == 2
    assert not daemon.asked


def test_the_list_says_whose_each_branch_is(costd: Shown, daemon: Daemon) -> None:
    answer = {"schema_version": 1, "rows": [ROW], "count": 3}
    daemon.put(prs=answer)
    shown = costd("prs").out.splitlines()
    assert shown[0].split()[:2] == ["pull", "request"]
    assert shown[1].split()[:3] == ["o/r!7", "login", "o/r#4"]
    assert "2 more: costd prs --limit 0" in shown[-1]
    assert json.loads(costd("prs", "--json").out) == answer


def test_pages_of_nothing() -> None:
    assert "gh pr list" in plain(prs_page({"rows": []}))
    gone = {"dry_run": True, "removed": 2, "moved": None}
    assert plain(forgotten_page(gone)) == "2 pull requests would be forgotten."
    would = {**IMPORTED, "dry_run": True, "changed": 0, "known": 0, "moved": None}
    said = "1 pull request would be new; of o/r."
    assert plain(imported_page(would)) == said
