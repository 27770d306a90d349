"""How much of the logs is read is the same, remembered or counted anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from costd.core.attribution import Keys
from costd.engine import covering
from costd.engine.loop import Engine
from costd.ledger import Ledger
from costd.ledger.health import Coverage, coverage_by_source
from costd.prices import load_rate_card
from worklog import BEGAN, Worklog, log_of

NAMES = [f"s{number}" for number in range(8)]


class Logs:
    """An engine that reads what is written, and never waits."""

    def __init__(self, top: Path) -> None:
        self.work = Worklog(top / "projects")
        self.work.root.mkdir()
        self.engine = Engine(
            ledger=Ledger(top / "ledger.db", load_rate_card(), Keys()),
            roots={"claude": [str(self.work.root)]},
            zone=ZoneInfo("UTC"),
            clock=lambda: BEGAN + 1_000_000,
            tick_ms=30_000,
            quiet_ms=300_000,
            max_line_bytes=1 << 20,
        )

    def path(self, name: str) -> Path:
        """The log of a session."""
        return self.work.root / log_of(name)

    def respond(self, *names: str) -> None:
        """A line more in some logs."""
        for name in names:
            self.work.respond(name, 1000 * self.work.count)
        self.look()

    def look(self) -> None:
        """Read what is new."""
        self.engine._look()
        while self.engine._intake.is_busy:
            self.engine._advance()

    def covered(self) -> Coverage:
        """What is remembered, which is what would be counted."""
        connection = self.engine._ledger.database.connection
        found = self.engine._intake.covering.by_source(connection)
        assert found == coverage_by_source(connection)
        return found["claude"]


@pytest.fixture
def logs(memory_dir: Path) -> Iterator[Logs]:
    made = Logs(memory_dir)
    yield made
    made.engine._end()


def test_logs_that_grow_come_and_go(logs: Logs) -> None:
    logs.respond("s1", "s2", "s3")
    assert logs.covered().files == 3
    logs.respond("s2", "s4")
    assert logs.covered().files == 4
    logs.path("s1").unlink()
    logs.look()
    assert (logs.covered().files, logs.covered().vanished) == (3, 1)
    logs.path("s2").rename(logs.path("s5"))
    logs.look()
    assert logs.covered().files == 3
    logs.respond("s1")
    assert (logs.covered().files, logs.covered().vanished) == (4, 0)


def test_damage_in_a_log_that_was_long_quiet_is_counted(logs: Logs) -> None:
    logs.respond("s1", "s2")
    assert logs.covered().skipped_lines == 0
    for times in (1, 2):
        with logs.path("s1").open("ab") as file:
            file.write(b'{"type":"assistant","message":{\n')
        logs.look()
        assert logs.covered().skipped_lines == times


def test_memory_is_given_back_after_what_a_thread_did_for_the_file(logs: Logs) -> None:
    done = list[str]()
    logs.engine.relax = lambda: done.append("relaxed")
    logs.engine._care._call(lambda: done.append("checked"))
    logs.engine._handle(logs.engine._queue.get(timeout=10))
    assert done == ["checked", "relaxed"]


def test_very_many_logs_at_once(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covering, "_MOST", 2)
    logs.respond(*NAMES)
    assert logs.covered().files == len(NAMES)
    for name in NAMES:
        logs.respond(name)
        assert logs.covered().last_record_at
