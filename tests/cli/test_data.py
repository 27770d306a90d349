"""JSON and CSV on a terminal: nothing in them moves, hides or reorders."""

from __future__ import annotations

import json
import os
import pty

import pytest

from cli.canned import Daemon, report
from cli.conftest import spawn
from cli.screens import drain

TRICKS = "a\x1b[2Jb\x9b31mc\u202ed\x7fe\u2066f\r\ng"


def shown(*argv: str) -> bytes:
    """What a terminal is sent."""
    ours, theirs = pty.openpty()
    done = spawn(*argv, capture_output=False, stdout=theirs)
    os.close(theirs)
    assert done.returncode == 0
    return drain(ours)


@pytest.fixture
def tricky(daemon: Daemon) -> Daemon:
    answer = report()
    answer["rows"][0] |= {"model": TRICKS}
    answer["by"] = ["model"]
    daemon.put(report=answer)
    return daemon


@pytest.mark.usefixtures("tricky")
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_terminal_is_sent_no_tricks(form: str) -> None:
    text = shown("report", "--by", "model", "--format", form).decode()
    assert not {*TRICKS} & {*"\x1b\x9b\u202e\x7f\u2066"} & {*text}
    assert "\\u202e" in text
    if form == "json":
        assert json.loads(text)["rows"][0]["model"] == TRICKS


@pytest.mark.usefixtures("tricky")
def test_a_pipe_gets_the_bytes_as_they_are() -> None:
    out = spawn("report", "--by", "model", "--json").stdout.decode()
    assert "\u202e" in out
    assert json.loads(out)["rows"][0]["model"] == TRICKS
