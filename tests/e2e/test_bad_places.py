"""Places that cannot be used: one clear sentence, the next step, nothing lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.daemons import PATIENCE_SECONDS, Env, RealDaemon, environment, until
from loglines import Line, session


@pytest.fixture
def env(tmp_path: Path) -> Env:
    made = environment(tmp_path)
    log = Path(made["CLAUDE_CONFIG_DIR"], "projects/-w-app", f"{session(1)}.jsonl")
    log.parent.mkdir(parents=True)
    log.write_bytes(Line(1).text() + Line(2).text())
    return made


def run(env: Env, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "costd", *words],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def ledger_of(env: Env) -> Path:
    path = Path(env["COSTD_STATE_DIR"], "ledger.db")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return path


def test_a_ledger_of_a_newer_costd_is_refused_and_left_alone(env: Env) -> None:
    assert run(env, "sync").returncode == 0
    path = ledger_of(env)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = path.read_bytes()
    done = run(env, "run", "--no-live")
    assert done.returncode == 65  # no manager tries it again
    assert "version 999" in done.stderr
    assert "Update costd" in done.stderr
    assert path.read_bytes() == before


def test_another_programs_database_is_not_touched(env: Env) -> None:
    path = ledger_of(env)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    done = run(env, "run", "--no-live")
    assert done.returncode == 1
    assert "another program's database" in done.stderr
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema")]
    connection.close()
    assert names == ["theirs"]


def test_a_file_that_is_no_database_is_put_aside_and_said(env: Env) -> None:
    rubbish = b"no database at all\n" * 300
    ledger_of(env).write_bytes(rubbish)
    done = run(env, "status", "--json")
    assert json.loads(done.stdout)["totals"]["all"]["responses"] == 2
    assert "ledger_recovered" in run(env, "report", "--json").stderr
    (aside,) = ledger_of(env).parent.glob("ledger.db.corrupt-*")
    assert aside.read_bytes() == rubbish
    (report,) = ledger_of(env).parent.glob("recovered-*.json")
    assert json.loads(report.read_text())["kept_as"] == str(aside)


def test_a_config_that_makes_no_sense_is_told_with_its_line(
    env: Env, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[engine]\ntick_seconds = 0\nticks = 3\n")
    config.chmod(0o600)
    done = run({**env, "COSTD_CONFIG": str(config)}, "run", "--no-live")
    assert done.returncode == 78
    assert "config.toml:2" in done.stderr
    assert "config.toml:3" in done.stderr


def test_rubbish_on_the_socket_disturbs_nobody(env: Env) -> None:
    import socket  # noqa: PLC0415 - only this test needs it

    daemon = RealDaemon(env)
    daemon.start()
    try:
        for rubbish in (b"\0" * 2000, b"GET / HTTP/9.9\r\n\r\n", os.urandom(4000)):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(Path(env["COSTD_RUNTIME_DIR"], "costd.sock")))
                connection.sendall(rubbish)
        # It answers before it has read its logs, so what it says comes in time.
        until(
            lambda: daemon.ask("status")["totals"]["all"]["responses"] == 2,
            "an answer with both responses",
        )
    finally:
        daemon.kill()


FULL_DISK = r"""
set -eu
mount -t tmpfs -o size=6m,mode=700 none "$COSTD_STATE_DIR"
"$PYTHON" -m costd run --no-live & pid=$!
trap 'kill -9 $pid' EXIT
for try in $(seq 600); do [ -e "$COSTD_STATE_DIR/daemon.json" ] && break; sleep 0.1; done
ask() { "$PYTHON" -m costd status --json || true; }
for try in $(seq 300); do ask | grep -q '"responses":2' && break; sleep 0.1; done
dd if=/dev/zero of="$COSTD_STATE_DIR/filler" bs=64k 2>/dev/null || true
cat "$MORE" >> "$LOG"
for try in $(seq 300); do ask | grep -q disk_full && break; sleep 0.1; done
ask > "$OUT/full.json"
rm "$COSTD_STATE_DIR/filler"
"$PYTHON" -m costd sync --json > "$OUT/sync.json" || true
for try in $(seq 300); do ask | grep -q disk_full || break; sleep 0.1; done
"$PYTHON" -m costd sync --json > "$OUT/sync.json" || true
ask > "$OUT/after.json"
"""


def test_a_full_disk_is_said_and_loses_nothing(env: Env, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    probe = subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True)
    if probe.returncode and not os.environ.get("CI"):
        pytest.skip("no mount namespaces here")
    Path(env["COSTD_STATE_DIR"]).mkdir(mode=0o700)
    more = tmp_path / "more.jsonl"
    more.write_bytes(b"".join(Line(n).text() for n in range(3, 8_003)))
    log = Path(env["CLAUDE_CONFIG_DIR"], "projects/-w-app", f"{session(1)}.jsonl")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", FULL_DISK],
        env={
            **env,
            "PYTHON": sys.executable,
            "MORE": str(more),
            "LOG": str(log),
            "OUT": str(tmp_path),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
    )
    full = json.loads((tmp_path / "full.json").read_text())
    after = json.loads((tmp_path / "after.json").read_text())
    assert "disk_full" in {p["code"] for p in full["health"]}, done.stderr
    assert full["totals"]["all"]["responses"] == 2
    assert "disk_full" not in {p["code"] for p in after["health"]}
    assert after["totals"]["all"]["responses"] == 8_002
