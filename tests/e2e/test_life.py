"""The daemon from start to stop: alone, clean, and found by every shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.daemons import PATIENCE_SECONDS, Env, RealDaemon, environment, until
from loglines import Line, session

COMMAND = [sys.executable, "-m", "costd", "run", "--no-live"]


@pytest.fixture
def env(tmp_path: Path) -> Env:
    (tmp_path / "config.toml").write_text(
        "[engine]\ntick_seconds = 1\nsweep_seconds = 1\n"
    )
    (tmp_path / "config.toml").chmod(0o600)
    return {
        **environment(tmp_path),
        "COSTD_CONFIG": str(tmp_path / "config.toml"),
    }


@pytest.fixture
def daemon(env: Env) -> Iterator[RealDaemon]:
    made = RealDaemon(env)
    yield made
    made.kill()


def log_of(env: Env, number: int = 1) -> Path:
    path = Path(env["CLAUDE_CONFIG_DIR"], "projects/-w-app", f"{session(number)}.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write(env: Env, *numbers: int, log: int = 1) -> None:
    with log_of(env, log).open("ab") as file:
        for number in numbers:
            file.write(Line(number, session_id=session(log)).text())


def responses(daemon: RealDaemon) -> int:
    return int(daemon.ask("status")["totals"]["all"]["responses"])


def begin(env: Env) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        COMMAND, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def pid_of(env: Env) -> int:
    about = Path(env["COSTD_STATE_DIR"], "daemon.json")
    return int(json.loads(about.read_text())["pid"])


def test_a_line_is_seen_without_being_asked_for(env: Env, daemon: RealDaemon) -> None:
    write(env, 1)
    daemon.start()
    until(lambda: responses(daemon) == 1, "the first response")
    write(env, 2, 3)
    until(lambda: responses(daemon) == 3, "the next ones")
    write(env, 4, log=2)
    until(lambda: responses(daemon) == 4, "one in a new log")


def test_a_stop_is_clean_and_the_files_say_so(env: Env, daemon: RealDaemon) -> None:
    write(env, 1, 2)
    daemon.start()
    until(lambda: responses(daemon) == 2, "the responses")
    os.kill(pid_of(env), signal.SIGTERM)
    process = daemon._process
    assert process is not None
    assert process.wait(timeout=PATIENCE_SECONDS) == 0
    state, output = Path(env["COSTD_STATE_DIR"]), Path(env["COSTD_OUTPUT_DIR"])
    published = json.loads((output / "status.json").read_text())
    assert published["state"] == "stopped"
    assert published["totals"]["all"]["responses"] == 2
    assert not (state / "daemon.json").exists()
    assert not Path(env["COSTD_RUNTIME_DIR"], "costd.sock").exists()
    assert {p.stat().st_mode & 0o777 for p in output.glob("*.json")} == {0o600}
    assert daemon.ask("status")["totals"]["all"]["responses"] == 2  # hosted now


def test_a_second_daemon_leaves_and_the_first_goes_on(
    env: Env, daemon: RealDaemon
) -> None:
    daemon.start()
    with begin(env) as second:
        _, words = second.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 75
    assert b"running already" in words
    write(env, 1)
    until(lambda: responses(daemon) == 1, "the first daemon's work")


def test_every_shell_finds_it(env: Env, daemon: RealDaemon) -> None:
    daemon.start()
    elsewhere = {k: v for k, v in env.items() if k != "COSTD_RUNTIME_DIR"}
    assert RealDaemon(elsewhere).ask("status")["daemon"] is True


def test_fifty_sessions_at_once(env: Env, daemon: RealDaemon) -> None:
    daemon.start()
    for number in range(50):
        write(env, number + 1, log=number + 1)
    until(lambda: responses(daemon) == 50, "all of them")
    live = {row["session_id"] for row in daemon.ask("sessions", "--limit", "0")["rows"]}
    assert live == {session(number + 1) for number in range(50)}


def test_a_published_file_is_whole_at_any_moment(env: Env, daemon: RealDaemon) -> None:
    daemon.start()
    path = Path(env["COSTD_OUTPUT_DIR"], "status.json")
    until(path.exists, "the first file")
    seen = set()
    for number in range(1, 400):
        if number % 20 == 0:
            write(env, number)
        seen.add(json.loads(path.read_bytes())["schema_version"])
    assert seen == {1}
