"""``costd keys``: what goes to the daemon, and what is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.canned import Daemon
from cli.conftest import Shown
from costd.cli.render.keys import forgotten_page, imported_page, keys_page
from costd.cli.render.plain import plain

MOVED = {
    "responses": 1,
    "cost_usd": 1.5,
    "rows": [{"from": "none:no-match", "to": "MIN-1", "responses": 1, "cost_usd": 1.5}],
}
IMPORTED = {
    "dry_run": False,
    "added": ["MIN"],
    "known": 1,
    "open": True,
    "moved": MOVED,
}
FORGOTTEN = {"dry_run": False, "removed": ["MIN"], "open": True, "moved": MOVED}


def row(key: str, source: str, where: str | None, *, counts: bool = True) -> Any:
    return {
        "key": key,
        "source": source,
        "where": where,
        "imported_at": "2026-11-02T08:00:00Z" if source == "tracker" else None,
        "counts": counts,
    }


def asked(daemon: Daemon) -> Any:
    (request,) = daemon.asked
    return json.loads(request.body)


def test_only_keys_leave_the_file(costd: Shown, daemon: Daemon, tmp_path: Path) -> None:
    daemon.put(keys=IMPORTED)
    file = tmp_path / "issues.csv"
    file.write_text("Issue key,Summary\nMIN-1,secret\nOPS-2,secret\n")
    shown = costd("keys", "import", str(file))
    assert (shown.code, shown.err) == (0, "")
    assert "1 key imported: MIN. 1 key of the file known before." in shown.out
    assert "$1.50" in shown.out
    assert asked(daemon) == {
        "keys": ["MIN", "OPS"],
        "source": "issues.csv",
        "dry_run": False,
    }


def test_a_file_of_excel_is_read(costd: Shown, daemon: Daemon, tmp_path: Path) -> None:
    daemon.put(keys=IMPORTED)
    file = tmp_path / "wide.csv"
    file.write_text("Issue key\nMIN-1\n", encoding="utf-16")
    assert costd("keys", "import", str(file), "--dry-run").code == 0
    assert asked(daemon)["keys"] == ["MIN"]


def test_the_name_of_a_file_breaks_no_terminal(
    costd: Shown, daemon: Daemon, tmp_path: Path
) -> None:
    daemon.put(keys=IMPORTED)
    file = tmp_path / "a\x1b[31mb.csv"
    file.write_text("Issue key\nMIN-1\n")
    costd("keys", "import", str(file))
    assert asked(daemon)["source"] == "a[31mb.csv"


@pytest.mark.parametrize(
    ("text", "code"), [("nothing,here\n1,2\n", 2), ("", 2), (None, 1)]
)
def test_what_cannot_be_imported_asks_nobody(
    costd: Shown, daemon: Daemon, tmp_path: Path, text: str | None, code: int
) -> None:
    file = tmp_path / "issues.csv"
    if text is not None:
        file.write_text(text)
    shown = costd("keys", "import", str(file))
    assert (shown.code, len(shown.err.splitlines())) == (code, 2)
    assert not daemon.asked


def test_forgetting_takes_names_or_all(costd: Shown, daemon: Daemon) -> None:
    answer = {**FORGOTTEN, "schema_version": 1}
    daemon.put(**{"keys/forget": answer})
    assert json.loads(costd("keys", "forget", "MIN", "--json").out) == answer
    assert asked(daemon)["keys"] == ["MIN"]
    daemon.asked.clear()
    costd("keys", "forget", "--all", "--dry-run")
    assert asked(daemon) == {"keys": [], "all": True, "dry_run": True}
    daemon.asked.clear()
    assert costd("keys", "forget").code == 2
    assert costd("keys", "forget", "MIN", "--all").code == 2
    assert not daemon.asked


def test_the_list_says_where_each_key_is_from(costd: Shown, daemon: Daemon) -> None:
    rows = [row("MIN", "tracker", "issues.csv"), row("ABC", "branches", "o/r")]
    answer = {"schema_version": 1, "open": True, "rows": rows, "count": 2}
    daemon.put(keys=answer)
    shown = costd("keys").out
    assert [line.split()[0] for line in shown.splitlines()] == ["key", "MIN", "ABC"]
    assert "2026-11-02" in shown
    assert json.loads(costd("keys", "--json").out) == answer


def test_a_closed_world_is_said() -> None:
    rows = [row("MIN", "config", None), row("OPS", "history", "o/r", counts=False)]
    text = plain(keys_page({"open": False, "rows": rows}))
    assert "attribution.issue_keys is set" in text
    assert "attribution.issue_keys is set" in plain(
        imported_page({**IMPORTED, "open": False})
    )


def test_pages_of_nothing_and_of_much() -> None:
    assert "No tracker key is known." in plain(keys_page({"open": True, "rows": []}))
    nothing = {**FORGOTTEN, "removed": [], "moved": None}
    assert plain(forgotten_page(nothing)) == "No key forgotten."
    many = {**IMPORTED, "added": [f"K{n}" for n in range(30)], "dry_run": True}
    assert "30 keys would be new: K0, " in plain(imported_page(many))
    assert (
        plain(imported_page(many))
        .splitlines()[0]
        .endswith("and 10 more. 1 key of the file known before.")
    )
