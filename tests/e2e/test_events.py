"""Events and a real daemon that is killed: told in every way, again and again, once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import places
from costd import client
from e2e.daemons import PATIENCE_SECONDS, RealDaemon, environment, until

AT = "2026-11-20T1{}:00:00Z"
STORY: list[dict[str, Any]] = [
    {"type": "task_start", "task_id": "T1", "timestamp": AT.format(0)},
    {
        "type": "execution",
        "event_id": "call-1",
        "task_id": "T1",
        "agent": "codex",
        "model": "claude-opus-5",
        "input_tokens": 1000,
        "timestamp": AT.format(1),
    },
    {
        "type": "gate_result",
        "event_id": "gate-1",
        "task_id": "T1",
        "gate_name": "tests",
        "passed": True,
        "timestamp": AT.format(2),
    },
    {
        "type": "review_cycle",
        "event_id": "review-1",
        "task_id": "T1",
        "issues_p0": 1,
        "issues_p1": 0,
    },
    {"type": "task_end", "event_id": "end-1", "task_id": "T1", "status": "success"},
    {"type": "activity", "event_id": "did-1", "title": "Fixed cron", "cost": 0.5},
]


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[RealDaemon]:
    with places.short_dir() as top:
        env = environment(top)
        monkeypatch.setenv("COSTD_STATE_DIR", env["COSTD_STATE_DIR"])
        running = RealDaemon(env)
        yield running
        running.kill()


def state(daemon: RealDaemon) -> Path:
    return Path(daemon.env["COSTD_STATE_DIR"])


def costd(daemon: RealDaemon, *words: str, text: str = "") -> str:
    """A command as a script runs it; what it wrote."""
    done = subprocess.run(
        [sys.executable, "-m", "costd", *words],
        env=daemon.env,
        input=text.encode(),
        capture_output=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.stderr == b""
    return done.stdout.decode()


def numbers() -> list[Any]:
    """Everything that is said of events, without the moment of saying it."""
    found: list[Any] = [
        client.ask("GET", path, None, PATIENCE_SECONDS)
        for path in (
            "/api/kpi",
            "/api/kpi?period=task",
            "/api/events?limit=0",
            "/api/events/report?by=agent,model",
            "/api/report",
        )
    ]
    for answer in found:
        del answer["generated_at"]
    return found


def tell_in_every_way(daemon: RealDaemon) -> None:
    """By the socket, the client, the command line, standard input, and the log."""
    lines = "".join(json.dumps(event) + "\n" for event in STORY)
    assert client.ask("POST", "/api/events", STORY, PATIENCE_SECONDS)["rejected"] == []
    for event in STORY:
        kind, fields = event["type"], {k: v for k, v in event.items() if k != "type"}
        assert client.event(kind, seconds=PATIENCE_SECONDS, **fields) == "done"
    costd(daemon, "event", "-", text=lines)
    words = [f"{name}={value}" for name, value in STORY[1].items() if name != "type"]
    costd(daemon, "event", "execution", *words)
    with (state(daemon) / "events.jsonl").open("a") as file:
        file.write(lines)


def test_numbers_do_not_move(daemon: RealDaemon) -> None:
    daemon.start()
    tell_in_every_way(daemon)
    until(lambda: len(numbers()[2]["rows"]) == len(STORY), "all events")
    before = numbers()
    total = before[0]["total"]
    assert (total["tasks"], total["succeeded"], total["gates_passed"]) == (1, 1, 1)
    assert (total["cost_usd"], total["reviews"], total["issues_p0"]) == (0.005, 1, 1)
    assert before[3]["total"]["cost_usd"] == 0.505
    assert before[4]["total"]["cost_usd"] == 0
    clock = state(daemon) / "clock.json"
    for damage in (b"", b"\x00\xff{", b'{"node_id": [], "lamport": "9"}'):
        daemon.kill()
        clock.write_bytes(damage)
        for event in STORY:
            kind = str(event["type"])
            fields = {k: v for k, v in event.items() if k != "type"}
            assert client.event(kind, **fields) == "spooled"
        daemon.start()
        tell_in_every_way(daemon)
        until(lambda: not list((state(daemon) / "spool").iterdir()), "an empty spool")
        assert numbers() == before


def test_the_clock_goes_on_whatever_becomes_of_its_file(daemon: RealDaemon) -> None:
    clock = state(daemon) / "clock.json"
    seen: list[int] = []
    for damage in (None, b"", b'{"lamport": 5', None):
        daemon.start()
        assert (
            client.event("task_start", seconds=PATIENCE_SECONDS, task_id="T") == "done"
        )
        seen.append(daemon.ask("event", "query", "--limit", "1")["rows"][0]["lamport"])
        daemon.kill()
        if damage is None:
            clock.unlink(missing_ok=True)
        else:
            clock.write_bytes(damage)
    assert seen == sorted(set(seen))
    # A new ledger begins where the file says that the old one was.
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (state(daemon) / name).unlink(missing_ok=True)
    clock.write_text('{"node_id": "node-1", "lamport": 1000}')
    daemon.start()
    assert client.event("task_start", seconds=PATIENCE_SECONDS, task_id="T") == "done"
    (row,) = daemon.ask("event", "query")["rows"]
    assert (row["lamport"], row["node_id"]) == (1001, "node-1")


def test_without_a_daemon_a_command_leaves_it_in_the_spool(daemon: RealDaemon) -> None:
    assert costd(daemon, "event", "task_start", "task_id=MIN-7") == ""
    said = json.loads(
        costd(daemon, "outcome", "--issue", "MIN-7", "--status", "done", "--json")
    )
    assert said["spooled"] == 1
    assert daemon.ask("kpi")["total"]["succeeded"] == 1  # hosted: it takes the spool
    assert list((state(daemon) / "spool").iterdir()) == []


def test_what_is_no_event_is_an_error_with_and_without_a_daemon(
    daemon: RealDaemon,
) -> None:
    def code(*words: str) -> int:
        command = [sys.executable, "-m", "costd", *words]
        done = subprocess.run(command, env=daemon.env, check=False, capture_output=True)
        assert b"Traceback" not in done.stderr
        return done.returncode

    for has_daemon in (False, True):
        if has_daemon:
            daemon.start()
        assert code("event", "task_start") == 2
        assert code("event", "task_begin", "task_id=T") == 2
        assert code("event", "task_start", "T1") == 2
        assert code("outcome", "--issue", "../x", "--status", "done") == 2
        assert not list((state(daemon) / "spool").glob("*"))
