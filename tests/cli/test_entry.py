"""How the program ends: exit codes, words instead of tracebacks, pipes that break."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cli.canned import Daemon
from cli.conftest import Shown, spawn
from costd.cli import quick
from costd.core import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.CostdError("It failed.", "Try again."), 1),
        (errors.UsageError("It makes no sense.", "Look."), 2),
        (errors.ConfigError("x.toml:1: wrong\nx.toml:2: wrong", "Correct this."), 2),
        (errors.NoDaemonError("Nobody is there.", "costd run"), 3),
        (errors.UnhealthyError("It is stale.", ""), 4),
        (errors.AlreadyRunningError("Another one runs.", "Ask it."), 75),
    ],
)
def test_an_error_is_words_and_an_exit_code(
    costd: Shown,
    monkeypatch: pytest.MonkeyPatch,
    error: errors.CostdError,
    code: int,
) -> None:
    monkeypatch.setattr(quick, "answer", raising(error))
    shown = costd("status")
    assert shown.code == code
    assert shown.out == ""
    fix = f"{error.fix}\n" if error.fix else ""
    assert shown.err == f"costd: {error.message}\n{fix}"


def raising(error: BaseException) -> object:
    def answer(*_args: object) -> None:
        raise error

    return answer


def test_a_surprise_has_no_text_of_its_own(
    costd: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "answer", raising(ValueError("secret")))
    shown = costd("status")
    assert shown.code == 1
    assert "ValueError" in shown.err
    assert "secret" not in shown.err
    assert "Traceback" not in shown.err
    assert "COSTD_DEBUG=1" in shown.err


@pytest.mark.parametrize(
    "error", [ValueError("secret"), errors.UsageError("no sense", "look")]
)
def test_debugging_shows_where(
    costd: Shown, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(quick, "answer", raising(error))
    monkeypatch.setenv("COSTD_DEBUG", "1")
    assert "Traceback" in costd("status").err
    monkeypatch.setenv("COSTD_DEBUG", "0")
    assert "Traceback" not in costd("status").err


def test_ctrl_c_is_130_without_a_word(
    costd: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "answer", raising(KeyboardInterrupt()))
    shown = costd("status")
    assert (shown.code, shown.out, shown.err) == (130, "", "")


def test_tricks_in_an_error_do_not_reach_the_terminal(
    costd: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = errors.CostdError("a\x1b]52;c;x\x07b\nc", "fix\u202e")
    monkeypatch.setattr(quick, "answer", raising(error))
    assert costd("status").err == "costd: a\\x1b]52;c;x\\x07b\nc\nfix\\u202e\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("reprot", "Did you mean: costd report"),
        ("xyzzy", "See: costd --help"),
        ("report --bogus", "See: costd report --help"),
        ("report --by dya", "Did you mean day?"),
        ("report --by xyzzy", "hour, day, week"),
        ("report --format xml", "xml"),
        ("report --json --format csv", "contradict"),
        ("session", "ID"),
        ("sessions --limit -1", "-1"),
        ("sessions --limit many", "many"),
        ("explain", "one of --response, --session and --branch"),
        ("explain --branch a --session b", "one of"),
        ("explain --session a --cwd b", "--cwd and --repo go with --branch"),
        ("completion tcsh", "tcsh"),
        ("config", "See: costd config --help"),
        ("config set x", "VALUE"),
        ("--config", "--config"),
        ("status --interval 0", "--interval"),
    ],
)
def test_a_line_that_makes_no_sense_is_2_and_asks_nobody(
    daemon: Daemon, costd: Shown, line: str, words: str
) -> None:
    shown = costd(*line.split())
    assert shown.code == 2
    assert words in shown.err + shown.out
    assert daemon.asked == []


def test_a_reader_who_leaves_ends_the_command_quietly(daemon: Daemon) -> None:
    daemon.put(report={"rows": ["x" * 1_000_000]})
    reading, writing = os.pipe()
    os.close(reading)
    done = spawn(
        "report", "--json", stdout=writing, stderr=subprocess.PIPE, capture_output=False
    )
    os.close(writing)
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has none")
@pytest.mark.parametrize("line", ["status", "status --json", "prices", "--help"])
def test_a_full_disk_is_said(daemon: Daemon, line: str) -> None:
    daemon.put(prices={"rows": []})
    with Path("/dev/full").open("wb") as full:
        done = spawn(
            *line.split(), stdout=full, stderr=subprocess.PIPE, capture_output=False
        )
    assert done.returncode == 1
    assert b"cannot write the output" in done.stderr
    assert b"Traceback" not in done.stderr


def test_closed_output_is_said(daemon: Daemon) -> None:
    done = spawn("status", preexec_fn=lambda: os.close(1))
    assert done.returncode == 1
    assert b"standard output is closed" in done.stderr


def test_closed_errors_do_not_matter(daemon: Daemon) -> None:
    done = spawn("report", "--by", "nonsense", preexec_fn=lambda: os.close(2))
    assert done.returncode == 2


def test_it_runs_as_a_module(daemon: Daemon) -> None:
    done = spawn("status", "--json")
    assert done.returncode == 0
    assert done.stdout.startswith(b'{"schema_version":1')
