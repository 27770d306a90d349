"""``costd run``: the real daemon, looked at from a terminal and from a service."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.conftest import Env, Shown, spawn, with_sources
from cli.screens import drain, until
from publish.wire import PATIENCE, wait_until

LOOKED_AT = {"TERM": "xterm", "COLUMNS": "80", "LINES": "50"}


@pytest.fixture
def places_of(short_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Directories of its own, with a path that is short enough for a socket."""
    for name in ("STATE", "RUNTIME", "OUTPUT"):
        monkeypatch.setenv(f"COSTD_{name}_DIR", str(short_dir / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    return short_dir / "state"


@contextmanager
def running(*argv: str, env: Env, stdout: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "costd", "run", *argv]
    with subprocess.Popen(
        command, env={**with_sources(), **env}, stdout=stdout, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_person_sees_a_summary_also_without_logs(
    places_of: Path, costd: Shown
) -> None:
    ours, theirs = pty.openpty()
    with running(env=LOOKED_AT, stdout=theirs) as process:
        os.close(theirs)
        seen = until(ours, b"Ctrl-C stops costd")
        assert b"No logs yet." in seen
        status = json.loads(costd("status", "--json").out)
        assert (status["pid"], status["daemon"]) == (process.pid, True)
        assert spawn("run").returncode == 75  # it would change this process
        process.send_signal(signal.SIGINT)
        drain(ours)
        assert process.stderr is not None
        logged = process.stderr.read()
    assert process.returncode == 0
    assert b"daemon_started" in logged  # which was not the terminal: it stays there
    assert b"daemon_started" not in seen
    assert not (places_of / "daemon.json").exists()


@pytest.mark.parametrize(
    ("argv", "env"),
    [
        (["--no-live"], LOOKED_AT),
        ([], {**LOOKED_AT, "TERM": "dumb"}),
        ([], {**LOOKED_AT, "INVOCATION_ID": "1"}),
    ],
)
def test_otherwise_there_is_only_the_log(
    places_of: Path, argv: list[str], env: Env
) -> None:
    ours, theirs = pty.openpty()
    with running(*argv, env=env, stdout=theirs) as process:
        os.close(theirs)
        wait_until((places_of / "daemon.json").exists)
        process.send_signal(signal.SIGTERM)
        assert drain(ours) == b""
        process.wait(PATIENCE)
    assert process.returncode == 0


def test_a_wrong_configuration_is_said_before_anything_begins(
    places_of: Path, costd: Shown, tmp_path: Path
) -> None:
    file = tmp_path / "costd.toml"
    file.write_text("[engine]\ntick = 1\n")
    file.chmod(0o600)
    shown = costd("--config", str(file), "run")
    assert (shown.code, shown.out) == (78, "")
    assert f"{file}:2: engine.tick" in shown.err
    assert not places_of.exists()
