"""Rows 71 to 73 and 79 of the fault table: names that want to be something else."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from e2e.daemons import PATIENCE_SECONDS
from faults.homes import Home
from loglines import Line, encode, lines, session, user

FORGED = '\n{"level":"error","event":"forged"}'
TRICKS = [
    f"main{FORGED}",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x1b[2J\x1b[H$0.00",
    "a\rtotal $0.00",
    "\u202etxet\u202c",
    "\x9b31mred",
    "x\x00y\x7f",
    "\u2028second line",
]
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def tricky(number: int, trick: str) -> bytes:
    """A response that has the trick in every name which is shown."""
    value = Line(number, session_id=session(number)).value()
    value["gitBranch"] = trick
    value["cwd"] = f"/home/dev/{trick}"
    value["message"]["model"] = f"model{trick}"
    value["sessionId"] = f"{session(number)}{trick}"
    value["agentId"] = trick
    return encode(value)


def on_a_terminal(home: Home, *words: str) -> str:
    """What a command writes to a terminal of 100 columns, without its colours."""
    leader, follower = os.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "costd", *words],
            env={**home.env, "COLUMNS": "100", "TERM": "xterm-256color"},
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        os.close(follower)
        text = b""
        while True:
            try:
                data = os.read(leader, 1 << 16)
            except OSError:  # how a terminal says that nobody is there any more
                break
            if not data:
                break
            text += data
        process.wait(timeout=PATIENCE_SECONDS)
    finally:
        os.close(leader)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text.decode("utf-8", "replace"))
    return plain.replace("\r\n", "\n")


def test_71_names_forge_no_line_and_move_no_cursor(home: Home) -> None:
    home.config.write_text(home.config.read_text() + '[log]\nlevel = "debug"\n')
    for number, trick in enumerate(TRICKS, 1):
        home.append(tricky(number, trick), number)
    home.start()
    home.sync()
    assert home.responses == len(TRICKS)
    by = "branch,model,project,agent,session"
    for words in (
        ["status"],
        ["sessions"],
        ["report", "--by", by],
        ["report", "--by", by, "--format", "md"],
        ["issues"],
        ["doctor"],
        ["suggest"],
        ["explain", "--branch", TRICKS[1]],
        ["session", TRICKS[2]],
        ["issue", TRICKS[0]],
    ):
        given = [word.replace("\0", "") for word in words]
        done = home.run(*given)
        for text in (done.stdout + done.stderr, on_a_terminal(home, *given)):
            assert not CONTROL.search(text), (words, text)
            assert not re.search(r"^\{?\"level\"", text, re.MULTILINE)
    home.stop()
    for line in home.words.read_text().splitlines():
        assert json.loads(line)["event"] != "forged"
        assert not CONTROL.search(line)


NAMES = [
    "../../x",
    "..",
    "/etc/passwd",
    "CON",
    "a/../../b",
    "feat/..",
    "-rf",
    "x" * 4_096,
    "nul\0byte",
    "\ud800lone",
    "~/x",
    "$(touch x)",
    "o-o/n.n#45",
    "o/n!7",
]


def tree(top: Path) -> set[str]:
    found = set()
    for folder, _, files in os.walk(top):
        found |= {os.path.relpath(Path(folder, f), top) for f in files}
    return found


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_72_ids_that_are_no_file_names(home: Home) -> None:
    for number, name in enumerate(NAMES, 1):
        value = Line(number).value()
        value["sessionId"], value["agentId"] = name, name
        value["gitBranch"] = f"feature/MIN-{number}-{name}"
        home.append(json.dumps(value).encode() + b"\n", number)
        home.append(Line(100 + number, session_id=session(number)).text(), number)
    home.start()
    home.sync()
    assert home.responses == 2 * len(NAMES)
    before = tree(home.top)
    taken = 0
    for number, name in enumerate(NAMES, 1):
        given = name.replace("\0", "").encode("utf-8", "replace").decode()
        done = home.run("link", "--session", session(number), f"--issue={given}")
        assert done.returncode in {0, 1, 2}, (name, done.stderr)
        assert "internal error" not in done.stderr
        taken += done.returncode == 0
    assert taken < len(NAMES) / 2  # most are no issue's id, and refused
    home.sync()
    home.stop()
    new = tree(home.top) - before
    assert {path.split("/")[0] for path in new} <= {"output", "state", "run"}
    for path in (home.top / "output").rglob("*"):
        assert path.resolve().is_relative_to(home.top / "output")
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,160}", path.name), path.name
        if path.is_file():
            json.loads(path.read_bytes())
    files = {path.name for path in (home.top / "output" / "issues").iterdir()}
    assert any(name.startswith("o-o-n-n-45-") for name in files)
    assert not (home.top.parent / "x").exists()


FORMULAS = [
    "=1+1",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "＝1",  # noqa: RUF001 - the wide sign is meant
    '=HYPERLINK("x")',
]


def test_73_a_spreadsheet_calculates_nothing(home: Home) -> None:
    for number, formula in enumerate(FORMULAS, 1):
        value = Line(number).value()
        value["gitBranch"], value["message"]["model"] = formula, formula
        home.append(encode(value))
    done = home.run("report", "--by", "branch,model", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    assert sorted(row["branch"] for row in rows) == sorted(f"'{f}" for f in FORMULAS)
    for row in rows:
        for name, cell in row.items():
            if name not in ("branch", "model"):
                assert cell in {"", "true"} or Decimal(cell) >= 0, (name, cell)


def test_79_what_a_future_version_writes(home: Home) -> None:
    """Kinds and fields nobody knows are ignored; a model nobody knows is told."""
    newer = Line(2, model="claude-opus-99").value()
    newer["message"]["usage"]["quantum_tokens"] = 5
    newer["message"]["usage"]["tiers"] = [{"name": "x", "count": {"a": 1}}]
    newer["lineage"] = {"of": ["a", {"b": 1}]}
    newer["message"]["content"] = [{"type": "hologram", "id": 5, "data": [1]}]
    kinds = [
        {"type": "thought-graph", "nodes": [1, 2], "sessionId": session(1)},
        {"kind": "no type at all", "message": "text"},
        {"type": "system", "subtype": "of tomorrow", "usage": {"input_tokens": 9}},
        {"type": "assistant", "message": {"id": "m", "model": "claude-opus-5"}},
        {"type": "assistant", "message": None},
        {"type": "user", "message": {"usage": {"input_tokens": 5}}},
    ]
    home.append(lines(1) + encode(newer) + b"".join(map(encode, kinds)) + user(3))
    home.start()
    home.until_counted(2)
    status: Any = home.status()
    assert status["sources"][0]["skipped_lines"] == 0
    assert status["unpriced"]["models"] == ["claude-opus-99"]
    assert status["unpriced"]["tokens"] == 110
    (problem,) = status["health"]
    assert problem["code"] == "unpriced_models"
    rows = home.ask("/api/report?by=model")["rows"]
    cost = {row["model"]: row["cost_usd"] for row in rows}
    assert cost["claude-opus-99"] is None  # and not 0: nobody knows
    assert cost["claude-opus-5"] > 0
    home.assert_exact()
