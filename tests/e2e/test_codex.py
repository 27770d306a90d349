"""Codex beside Claude Code, live, through a real daemon and its command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import squeezed
from e2e.daemons import PATIENCE_SECONDS, Env, RealDaemon, environment, running, until
from loglines import Line, session

THREAD = "01a10b13-a7e8-7001-8000-000000000001"


def line(kind: str, payload: dict[str, Any]) -> bytes:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    record = {"timestamp": stamp, "type": kind, "payload": payload}
    return json.dumps(record).encode() + b"\n"


def used(total: int) -> bytes:
    """The counter after another thousand tokens of input and a hundred of output."""
    usage = {"input_tokens": total * 1_000, "output_tokens": total * 100}
    info = {"total_token_usage": usage}
    return line("event_msg", {"type": "token_count", "info": info})


BEGINNING = line(
    "session_meta", {"id": THREAD, "cwd": "/w/app", "git": {"branch": "MIN-7"}}
) + line("turn_context", {"turn_id": "turn-1", "model": "gpt-5.5"})


@pytest.fixture
def env(tmp_path: Path) -> Env:
    (tmp_path / "config.toml").write_text(
        "[engine]\ntick_seconds = 1\nsweep_seconds = 1\n"
    )
    (tmp_path / "config.toml").chmod(0o600)
    (tmp_path / "codex/sessions/2026").mkdir(parents=True)
    return {
        **environment(tmp_path),
        "COSTD_CONFIG": str(tmp_path / "config.toml"),
        "CODEX_HOME": str(tmp_path / "codex"),
    }


@pytest.fixture
def daemon(env: Env) -> Iterator[RealDaemon]:
    made = RealDaemon(env)
    yield made
    made.kill()


def rollout(env: Env) -> Path:
    return Path(env["CODEX_HOME"], f"sessions/2026/rollout-2026-{THREAD}.jsonl")


def ask_alone(env: Env, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "costd", *words, "--json"],
        env=env,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_a_session_is_live_beside_claudes(daemon: RealDaemon, env: Env) -> None:
    log = Path(env["CLAUDE_CONFIG_DIR"], "projects/-w-app", f"{session(1)}.jsonl")
    log.parent.mkdir(parents=True)
    log.write_bytes(Line(1).text())
    rollout(env).write_bytes(BEGINNING + used(1))
    daemon.start()
    until(lambda: daemon.ask("status")["totals"]["all"]["responses"] == 2, "both")
    with rollout(env).open("ab") as file:
        file.write(used(2) + used(2))
    until(lambda: daemon.ask("status")["totals"]["all"]["responses"] == 3, "growth")
    status = daemon.ask("status")
    (live,) = status["live"]
    assert (live["agent"], live["session_id"], live["issue"], live["model"]) == (
        "codex",
        THREAD,
        "MIN-7",
        "gpt-5.5",
    )
    assert live["cost_usd"] == 2 * (1_000 * 5 + 100 * 30) / 10**6
    assert [(s["name"], s["files"]) for s in status["sources"]] == [
        ("claude", 1),
        ("codex", 1),
    ]
    rows = daemon.ask("report", "--by", "agent")["rows"]
    assert {row["agent"]: row["responses"] for row in rows} == {"claude": 1, "codex": 2}
    agents = {s["agent"] for s in daemon.ask("sessions")["rows"]}
    assert agents == {"claude", "codex"}
    metrics = Path(env["COSTD_OUTPUT_DIR"], "runtime-metrics.json")

    def runtimes() -> Any:
        return json.loads(metrics.read_text())["runtimes"]

    until(lambda: runtimes()["codex"]["totalTokens"] == 2_200, "the file")
    assert runtimes()["codex"]["byModel"]["gpt-5.5"]["responses"] == 2
    assert runtimes()["claude"]["totalTasks"] == 1


def test_a_source_that_is_off_is_not_read(env: Env) -> None:
    rollout(env).write_bytes(BEGINNING + used(1))
    with Path(env["COSTD_CONFIG"]).open("a") as file:
        file.write("[sources.codex]\nenabled = false\n")
    status = ask_alone(env, "status")
    assert status["totals"]["all"]["responses"] == 0
    assert [source["name"] for source in status["sources"]] == ["claude"]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python reads zstd itself")
def test_without_the_extra_a_compressed_log_is_not_silent(
    tmp_path: Path, env: Env
) -> None:
    rollout(env).with_suffix(".jsonl.zst").write_bytes(
        squeezed.compress(BEGINNING + used(1))
    )
    hiding = tmp_path / "hiding"
    (hiding / "backports").mkdir(parents=True)
    (hiding / "backports/__init__.py").touch()
    without = {
        **env,
        "PYTHONPATH": os.pathsep.join([str(hiding), env["PYTHONPATH"]]),
    }
    (problem,) = ask_alone(without, "status")["health"]
    assert problem["code"] == "compressed_logs"
    assert problem["severity"] == "error"
    assert "backports.zstd" in problem["fix"]
    status = ask_alone(env, "status")
    assert status["health"] == []
    assert status["totals"]["all"]["responses"] == 1


CODEX = """#!{python} -IS
import json, os, sys, time
cwd, thread = os.getcwd(), "{thread}"
folder = os.environ["CODEX_HOME"] + "/sessions/" + time.strftime("%Y/%m/%d")
os.makedirs(folder, exist_ok=True)
def put(kind, payload):
    seconds, ms = divmod(time.time_ns() // 1_000_000, 1000)
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % ms
    line = {{"timestamp": at, "type": kind, "payload": payload}}
    with open(folder + "/rollout-now-" + thread + ".jsonl", "a") as file:
        file.write(json.dumps(line) + "\\n")
put("session_meta", {{"id": thread, "cwd": cwd, "source": "exec"}})
put("turn_context", {{"turn_id": "turn-1", "model": "gpt-5.5", "cwd": cwd}})
usage = {{"input_tokens": 1000, "output_tokens": 100}}
info = {{"total_token_usage": usage, "last_token_usage": usage}}
put("event_msg", {{"type": "token_count", "info": info}})
print("begun", flush=True)
sys.stdin.read()
"""


def test_costd_exec_finds_the_session_of_a_codex(tmp_path: Path, env: Env) -> None:
    program = tmp_path / "bin/codex"
    program.parent.mkdir()
    program.write_text(CODEX.format(python=sys.executable, thread=THREAD))
    program.chmod(0o755)
    project = tmp_path / "project"
    project.mkdir()
    command = "costd exec --issue PAN-45 --role review -- codex exec x".split()
    with running(
        [sys.executable, "-m", *command],
        env={**env, "PATH": f"{program.parent}:{env['PATH']}"},
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.communicate(b"", PATIENCE_SECONDS)
    assert process.returncode == 0
    (row,) = ask_alone(env, "sessions")["rows"]
    assert (row["agent"], row["session_id"]) == ("codex", THREAD)
    assert (row["issue"], row["role"]) == ("PAN-45", "review")
