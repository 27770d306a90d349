"""What is told to a running engine: by hooks, and by the spool while it runs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from costd.core.attribution import Keys
from costd.core.errors import UsageError
from costd.engine.loop import Engine
from costd.ledger import Ledger
from costd.prices import load_rate_card

PATIENCE_SECONDS = 100.0


class Running:
    """An engine in its thread, which nothing wakes but what it is told."""

    def __init__(self, place: Path) -> None:
        self.log = place / "projects/-w-app/s.jsonl"
        self.log.parent.mkdir(parents=True)
        self.spool = place / "spool"
        self.spool.mkdir()
        self.engine = Engine(
            ledger=Ledger(place / "ledger.db", load_rate_card(), Keys()),
            roots={"claude": [str(place / "projects")]},
            zone=ZoneInfo("UTC"),
            clock=lambda: time.time_ns() // 1_000_000,
            tick_ms=30_000,
            quiet_ms=300_000,
            max_line_bytes=1 << 20,
            spool=str(self.spool),
        )
        self._thread = threading.Thread(target=self.engine.run)

    def start(self) -> None:
        self._thread.start()
        self.ask("alive")

    def stop(self) -> None:
        if self._thread.is_alive():
            self.engine.stop()
            self._thread.join()

    def ask(self, question: str, **params: object) -> Any:
        return self.engine.ask(question, params).result(PATIENCE_SECONDS)

    def respond(self) -> None:
        """One response in the log."""
        usage = {"input_tokens": 10, "output_tokens": 20}
        message = {"id": "m", "model": "claude-opus-5", "usage": usage}
        line = {"type": "assistant", "sessionId": "s", "cwd": "/w/app", "uuid": "u"}
        line |= {"timestamp": "2026-11-18T12:00:00Z", "requestId": "r"}
        with self.log.open("a") as file:
            file.write(json.dumps({**line, "message": message}) + "\n")

    def owners(self) -> dict[str, int]:
        rows = self.ask("report", by=["issue"])["rows"]
        return {row["issue"]: row["responses"] for row in rows}

    def until_owned(self, expected: dict[str, int]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.owners()) != expected:
            assert time.monotonic() < deadline, found
            time.sleep(0.005)

    def leave(self, name: str, **params: object) -> Path:
        """A message in the spool."""
        path = self.spool / f"{name}.json"
        value = {"question": "link", "params": {"key": name, **params}, "at": 1}
        path.write_text(json.dumps(value))
        return path


@pytest.fixture
def running(memory_dir: Path) -> Iterator[Running]:
    made = Running(memory_dir)
    yield made
    if not made._thread.is_alive():
        made.start()
    made.stop()


def test_a_hook_has_the_log_read_now(running: Running) -> None:
    running.start()
    assert running.owners() == {}  # it has looked at the logs
    running.respond()
    assert running.owners() == {}
    answer = running.ask("hook", session="s", transcript=str(running.log))
    assert not answer["linked"]
    running.until_owned({"none:no-repo": 1})


def test_a_hook_links_its_session_to_what_the_environment_names(
    running: Running,
) -> None:
    running.respond()
    running.start()
    running.until_owned({"none:no-repo": 1})
    told = {"session": "s", "key": "k", "environment": {"PAN_ISSUE_ID": "pan-7"}}
    assert running.ask("hook", **told)["issue"] == "PAN-7"
    running.until_owned({"PAN-7": 1})
    running.ask("hook", **told)
    (claim,) = running.ask("claims")["rows"]
    assert (claim["rule"], claim["source"]) == ("env", "hook")


@pytest.mark.parametrize(
    "transcript", ["/etc/passwd", "../x.jsonl", "", "\x1b", "/" + "x" * 4096]
)
def test_a_hook_has_no_other_file_read(running: Running, transcript: str) -> None:
    running.start()
    running.ask("hook", session="s", transcript=transcript)
    assert running.ask("sync")["files"] == 0


@pytest.mark.parametrize(
    "params",
    [
        {"environment": ["COSTD_ISSUE"]},
        {"environment": {"COSTD_ISSUE": 7}},
        {"environment": {"COSTD_ISSUE": "MIN-1"}, "session": "../x\n"},
        {"environment": {"COSTD_ISSUE": "MIN-1"}},
        {"transcript": 7},
    ],
)
def test_a_hook_that_makes_no_sense_is_refused(
    running: Running, params: dict[str, object]
) -> None:
    running.start()
    with pytest.raises(UsageError):
        running.ask("hook", **params)


@pytest.mark.parametrize("issue", ["../x", "", "x" * 4096, "45", "a\0b", "CON"])
def test_an_environment_that_names_no_issue_claims_nothing(
    running: Running, issue: str
) -> None:
    running.start()
    told = {"session": "s", "environment": {"COSTD_ISSUE": issue}}
    assert not running.ask("hook", **told)["linked"]
    assert running.ask("claims")["rows"] == []


def test_the_spool_is_taken_in_before_the_first_answer(running: Running) -> None:
    running.respond()
    waiting = running.leave("k", session="s", issue="MIN-1")
    running.start()
    running.ask("sync")
    assert running.owners() == {"MIN-1": 1}
    assert not waiting.exists()


@pytest.mark.parametrize("when", ["beat", "sync"])
def test_the_spool_is_taken_in_while_it_runs(running: Running, when: str) -> None:
    running.respond()
    running.start()
    running.until_owned({"none:no-repo": 1})
    waiting = running.leave("k", session="s", issue="MIN-1")
    if when == "beat":
        running.engine.tick()
    else:
        running.ask("sync")
    running.until_owned({"MIN-1": 1})
    assert not waiting.exists()
    assert running.ask("status")["health"] == []


def test_the_same_key_counts_once_whoever_brings_it(running: Running) -> None:
    running.respond()
    running.start()
    running.ask("link", session="s", issue="MIN-1", key="k")
    running.leave("k", session="s", issue="MIN-2")
    running.ask("sync")
    running.until_owned({"MIN-1": 1})
    (claim,) = running.ask("claims", all=True)["rows"]
    assert claim["issue"] == "MIN-1"


def test_a_message_that_is_refused_is_said_as_a_warning(running: Running) -> None:
    running.start()
    running.leave("k", session="s", issue="../x")
    running.ask("sync")
    running.ask("sync")
    (problem,) = running.ask("status")["health"]
    assert (problem["code"], problem["severity"]) == ("spool", "warning")
    assert "looks like a path" in problem["message"]
