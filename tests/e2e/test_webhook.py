"""A real daemon, a real run, a real server that is told of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import places
from e2e.daemons import PATIENCE_SECONDS, RealDaemon, environment, until
from receiver import Receiver, receiving


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def daemon() -> Iterator[RealDaemon]:
    with places.short_dir() as top:
        made = RealDaemon({**environment(top), "HOOK_TOKEN": "t0ken", "HOOK": "s3cret"})
        yield made
        made.kill()


def configure(daemon: RealDaemon, server: Receiver, *more: str) -> None:
    path = Path(daemon.env["HOME"], "config.toml")
    lines = (
        "[engine]",
        "tick_seconds = 1",
        "[webhook]",
        f'url = "http://127.0.0.1:{server.port}/T0/pathsecret"',
        'headers = { Authorization = "Bearer ${env:HOOK_TOKEN}" }',
        'secret = "${env:HOOK}"',
        *more,
    )
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    daemon.env["COSTD_CONFIG"] = str(path)


def exec_(daemon: RealDaemon, *command: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "costd", "exec", "--issue", "MIN-1", "--", *command],
        env=daemon.env,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    return done.returncode


def problems(daemon: RealDaemon) -> list[str]:
    health = daemon.ask("status")["health"]
    return [p["message"] for p in health if p["code"] == "webhook"]


def test_a_failed_run_is_told_signed_and_once(
    daemon: RealDaemon, server: Receiver
) -> None:
    configure(daemon, server, "allow_private = true")
    server.statuses = [503]  # not now
    daemon.start()
    assert exec_(daemon, "sh", "-c", "exit 3") == 3
    until(lambda: len(server.got) >= 2, "the second try")
    (_, first), (headers, body) = server.got[:2]
    assert first == body
    told = json.loads(body)
    assert told["event"] == headers["x-costd-event"] == "failed"
    assert told["run"]["run_id"] == headers["x-costd-run-id"]
    assert told["outcome"]["exit_code"] == 3
    assert headers["authorization"] == "Bearer t0ken"
    at, _, digest = headers["x-costd-signature"].removeprefix("t=").partition(",v1=")
    signed = f"{at}.".encode() + body
    assert digest == hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    # What became of it is known after a crash too: nothing is told again.
    until(lambda: not problems(daemon), "word that it was taken")
    daemon.kill()
    daemon.start()
    assert exec_(daemon, "sh", "-c", "exit 4") == 4
    until(lambda: len(server.got) >= 3, "the next run")
    keys = [headers["x-costd-delivery"] for headers, _ in server.got]
    assert len(set(keys)) == 2
    assert keys[0] == keys[1] != keys[2]


def test_76_what_cannot_be_sent_is_said_without_its_secrets(
    daemon: RealDaemon, server: Receiver
) -> None:
    configure(daemon, server)  # a private address, and nobody allowed that
    daemon.start()
    exec_(daemon, "false")

    until(lambda: problems(daemon), "the problem")
    (said,) = problems(daemon)
    assert "private" in said
    assert "http://127.0.0.1" in said
    assert "pathsecret" not in said
    assert server.got == []
    shown = subprocess.run(
        [sys.executable, "-m", "costd", "config", "show", "--json"],
        env=daemon.env,
        capture_output=True,
        check=True,
    ).stdout
    assert b"pathsecret" not in shown
    for secret in ("pathsecret", "t0ken", "s3cret"):
        for folder in ("COSTD_STATE_DIR", "COSTD_OUTPUT_DIR"):
            for root, _, names in os.walk(daemon.env[folder]):
                for name in names:
                    path = Path(root, name)
                    assert (
                        not path.is_file() or secret.encode() not in path.read_bytes()
                    )
