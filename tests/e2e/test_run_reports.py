"""``costd exec`` leaves a report of each run, and the daemon says in it what it cost."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import places
from e2e.daemons import PATIENCE_SECONDS, Env, RealDaemon, environment, until

CLAUDE = """#!/usr/bin/env python3
import datetime, json, os, pathlib, re, sys
session = sys.argv[sys.argv.index("--session-id") + 1]
slug = re.sub("[^A-Za-z0-9]", "-", os.getcwd())
log = pathlib.Path(os.environ["CLAUDE_CONFIG_DIR"], "projects", slug, session + ".jsonl")
log.parent.mkdir(parents=True, exist_ok=True)
now = datetime.datetime.now(datetime.timezone.utc).isoformat()
usage = {"input_tokens": 1000, "output_tokens": 1000}
message = {"id": "msg_01" + session[:22], "model": "claude-opus-5", "usage": usage}
line = {"type": "assistant", "sessionId": session, "cwd": os.getcwd(), "uuid": session,
        "gitBranch": "fix/MIN-7", "timestamp": now, "requestId": "req_" + session,
        "message": message | {"stop_reason": "end_turn"}}
log.write_text(json.dumps(line) + chr(10))
pathlib.Path("made.txt").write_text("x")
sys.exit(int(os.environ.get("EXIT", "0")))
"""


@pytest.fixture
def env() -> Iterator[Env]:
    with places.short_dir() as top:
        tools = top / "tools"
        tools.mkdir()
        (tools / "claude").write_text(CLAUDE)
        (tools / "claude").chmod(0o755)
        config = top / "config.toml"
        config.write_text("[engine]\ntick_seconds = 1\nsweep_seconds = 1\n")
        config.chmod(0o600)
        made = environment(top) | {"COSTD_CONFIG": str(config)}
        yield made | {"PATH": f"{tools}:{made['PATH']}"}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=tmp_path, check=True)
    return tmp_path


def exec_(env: Env, cwd: Path, *command: str, issue: str = "MIN-7") -> Any:
    words = ["exec", "--issue", issue, "--role", "implementation", "--", *command]
    return subprocess.run(
        [sys.executable, "-m", "costd", *words],
        env=env,
        cwd=cwd,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def reports(env: Env) -> list[Any]:
    found = Path(env["COSTD_OUTPUT_DIR"]).glob("reports/*/run-*.json")
    return [json.loads(path.read_text()) for path in sorted(found)]


def costd(env: Env, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "costd", *words],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_daemon_adds_what_the_run_cost(env: Env, repo: Path) -> None:
    daemon = RealDaemon(env)
    daemon.start()
    try:
        assert exec_(env, repo, "claude", "-p", "a secret prompt").returncode == 0

        def counted() -> bool:
            return [r["cost"]["state"] for r in reports(env)] == ["counted"]

        until(counted, "the cost in the report")
        (report,) = reports(env)
        assert report["cost"]["cost_usd"] == pytest.approx(0.03)
        assert report["tokens"]["total"] == 2000
        assert report["run"]["agent"] == "claude"
        assert report["run"]["command"] == "claude"
        assert report["outcome"]["status"] == "unknown"
        # None: git was too slow, and nothing is said.
        assert report["files"]["created"] in (["made.txt"], None)
        times = {p["phase"]: p["total_ms"] for p in report["timing"]["profile"]}
        assert times == report["timing"]["phases"]
        assert set(times) == {"start", "command"}
        assert "secret prompt" not in json.dumps(report)
        assert daemon.ask("runs", "list")["rows"][0]["cost_usd"] == pytest.approx(0.03)
        costd(env, "outcome", "--issue", "MIN-7", "--status", "completed")
        until(
            lambda: reports(env)[0]["outcome"]["status"] == "completed", "the outcome"
        )
        claude = daemon.ask("runtimes")["runtimes"]["claude"]
        assert (claude["totalTasks"], claude["successfulTasks"]) == (1, 1)
        assert claude["byCapability"]["bugfix"]["inferred"] is True
        metrics = Path(env["COSTD_OUTPUT_DIR"], "runtime-metrics.json")

        def published() -> bool:
            found = json.loads(metrics.read_text())["runtimes"]["claude"]
            return bool(found["successRate"] == 1)

        until(published, "the file")
    finally:
        daemon.kill()


def test_without_a_daemon_the_next_command_does(env: Env, repo: Path) -> None:
    done = exec_(env | {"EXIT": "3"}, repo, "claude")
    assert (done.returncode, done.stderr) == (3, b"")
    (path,) = Path(env["COSTD_OUTPUT_DIR"]).glob("reports/*/run-*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (report,) = reports(env)
    assert (report["cost"]["state"], report["cost"]["cost_usd"]) == ("pending", None)
    assert (report["outcome"]["status"], report["outcome"]["exit_code"]) == (
        "failed",
        3,
    )
    costd(env, "status")  # whichever command it is
    (report,) = reports(env)
    assert report["cost"]["state"] == "counted"
    text = costd(env, "runs", "export", "--csv", "-")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["status"], row["cost_usd"], row["exit_code"]) == ("failed", "0.03", "3")


def test_a_report_that_cannot_be_written_here_is_written_later(
    env: Env, repo: Path
) -> None:
    Path(env["COSTD_OUTPUT_DIR"]).write_text("a file where the directory should be")
    done = exec_(env, repo, "sh", "-c", "echo out; exit 5")
    assert (done.returncode, done.stdout, done.stderr) == (5, b"out\n", b"")
    Path(env["COSTD_OUTPUT_DIR"]).unlink()
    assert json.loads(costd(env, "runs", "list", "--json"))["count"] == 1
    assert [r["outcome"]["exit_code"] for r in reports(env)] == [5]


def test_a_report_that_nobody_can_keep_is_said_so(env: Env, repo: Path) -> None:
    for name in ("COSTD_STATE_DIR", "COSTD_OUTPUT_DIR"):
        Path(env[name]).write_text("a file where the directory should be")
    done = exec_(env, repo, "sh", "-c", "exit 6")
    assert done.returncode == 6
    assert b"its report could not be kept" in done.stderr


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_a_run_that_was_stopped_has_not_failed(env: Env, repo: Path, name: str) -> None:
    exec_(env, repo, "sh", "-c", f"kill -{name} $$")
    (report,) = reports(env)
    assert report["outcome"]["status"] == "unknown"
    assert f"SIG{name}" in report["outcome"]["evidence"]


@pytest.mark.parametrize(
    ("command", "evidence"),
    [
        ("kill -KILL $$", "SIGKILL"),
        ("exit 1", "exit status 1"),
        ("exit 127", "no such"),
    ],
)
def test_a_run_that_failed(env: Env, repo: Path, command: str, evidence: str) -> None:
    exec_(env, repo, "sh", "-c", command)
    (report,) = reports(env)
    assert report["outcome"]["status"] == "failed"
    assert evidence in report["outcome"]["evidence"]


def test_a_command_says_itself_how_it_ended(env: Env, repo: Path) -> None:
    costd_ = f"{sys.executable} -m costd"
    say = f"{costd_} event run_report run_id=$COSTD_RUN_ID status=completed >/dev/null"
    assert exec_(env, repo, "sh", "-c", say).returncode == 0
    (row,) = json.loads(costd(env, "runs", "list", "--json"))["rows"]
    assert (row["source"], row["status"]) == ("exec", "completed")
    assert row["evidence"] == "run_report says completed"
    assert [r["outcome"]["status"] for r in reports(env)] == ["completed"]


def test_many_runs_at_once_are_many_reports(env: Env, repo: Path) -> None:
    running = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "costd",
                "exec",
                "--issue",
                f"MIN-{n}",
                "--",
                "true",
            ],
            env=env,
            cwd=repo,
        )
        for n in range(8)
    ]
    assert [process.wait(PATIENCE_SECONDS) for process in running] == [0] * 8
    assert len(reports(env)) == 8
    found = json.loads(costd(env, "runs", "list", "--json"))
    assert {row["issue"] for row in found["rows"]} == {f"MIN-{n}" for n in range(8)}
    assert not list(Path(env["COSTD_STATE_DIR"], "spool").glob("*.bad"))


def test_a_collector_leaves_its_report_too(env: Env) -> None:
    program = """
from costd.runs import MetricsCollector, leave
run = MetricsCollector(issue="MIN-9", model="claude-opus-5", environ={})
for number in range(3000):
    run.record_token_usage(number, 1000, 0)
    run.record_iteration(number)
run.record_outcome("completed", "all well")
print(leave(run.to_report()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, check=True
    )
    path = Path(os.fsdecode(done.stdout.strip()))
    assert path.stat().st_size > 100_000  # more than a message of the spool may have
    found = json.loads(costd(env, "runs", "list", "--json", "--task", "MIN-9"))
    (row,) = found["rows"]
    assert (row["status"], row["iterations"]) == ("completed", 3000)
    assert row["cost_usd"] == pytest.approx(15.0)
    assert row["cost_state"] == "reported"
    report = json.loads(path.read_text())
    assert len(report["tokens"]["per_iteration"]) == 3000  # nothing of it was lost
    shown = costd(env, "runs", "show", row["run_id"][:6], "--verbose")
    assert "2999: " in shown
