"""The log of a whole process: on a terminal, in a pipe, under journald, in a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "MARKER-of-a-transcript"

PROGRAM = """
import sys, threading, warnings
from costd import log
log.configure("info", sys.argv[1])
log.get_logger("x").warning("a_b", branch="c d", files=2)
what = sys.argv[2]
def fail(): int("MARKER-of-a-transcript")
if what == "warn": warnings.warn("MARKER-of-a-transcript", RuntimeWarning)
if what == "thread": t = threading.Thread(target=fail); t.start(); t.join()
if what == "crash": fail()
if what == "modules": print([m for m in sys.modules if m.split(".")[0] == "rich"])
if what == "rich": import rich; print("imported")
if what == "unraisable":
    class Odd:
        def __del__(self): fail()
    Odd()
"""


def run(
    log_format: str, what: str = "", *, journal: str = "", stderr: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[1]
    environ = {**os.environ, "PYTHONPATH": str(root / "daemon"), "NO_COLOR": ""}
    if journal:
        environ["JOURNAL_STREAM"] = journal
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, log_format, what],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("what", "event", "status"),
    [
        ("warn", "warning_raised", 0),
        ("thread", "thread_crashed", 0),
        ("crash", "process_crashed", 1),
        ("unraisable", "cleanup_failed", 0),
    ],
)
def test_what_nobody_caught_has_no_text(what: str, event: str, status: int) -> None:
    done = run("auto", what)
    assert SECRET not in done.stderr
    first, second = map(json.loads, done.stderr.splitlines())
    assert (first["event"], second["event"]) == ("a_b", event)
    assert done.returncode == status


def test_rich_stays_out_but_can_be_had() -> None:
    assert run("auto", "modules").stdout == "[]\n"
    assert run("auto", "rich").stdout == "imported\n"


def test_journald_gets_the_priority_and_plain_text(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+") as out:
        status = os.fstat(out.fileno())
        journal = f"{status.st_dev}:{status.st_ino}"
        run("auto", journal=journal, stderr=out.fileno())
        run("json", journal=journal, stderr=out.fileno())
        out.seek(0)
        plain, as_json = out.read().splitlines()
    assert plain == '<4>event=a_b logger=x branch="c d" files=2'
    assert as_json.startswith('<4>{"')


def test_an_inherited_journal_variable_proves_nothing() -> None:
    assert json.loads(run("auto", journal="1:2").stderr)["event"] == "a_b"


def test_a_terminal_gets_colours_and_one_line() -> None:
    leader, follower = os.openpty()
    try:
        run("auto", stderr=follower)
        text = os.read(leader, 65_536).decode()
    finally:
        os.close(leader)
        os.close(follower)
    assert "\x1b[" in text
    assert "a_b" in text
    assert text.count("\n") == 1


def test_console_in_a_pipe_has_no_colours() -> None:
    text = run("console").stderr
    assert "\x1b[" not in text
    assert "a_b" in text


def test_before_it_is_configured_it_is_guarded() -> None:
    root = Path(__file__).parents[1]
    program = (
        "from costd import log\n"
        f"log.get_logger('x').warning('a_b', text={SECRET!r}, reason='why')\n"
        "log.get_logger('x').info('too_quiet')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(root / "daemon")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "why" in done.stderr
    assert SECRET not in done.stderr
    assert "too_quiet" not in done.stderr
    assert done.stdout == ""
