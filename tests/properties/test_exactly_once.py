"""Exactly once, whatever is done to the logs and to costd: a machine tries it all.

Real files, a real ledger. After each time that costd caught up, the ledger holds
every response that an independent recount ever saw, each once, with the largest of
its counts; and the rollup is the sum of its rows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

import places
from books import Book
from costd.core.errors import AlreadyRunningError
from costd.engine import intake
from costd.ingest import tail
from costd.ledger import Connection
from costd.ledger.database import Database
from costd.lock import exclusive
from everseen import REPLAY, EverSeen
from loglines import GATEWAY_ID, Line, encode, session, user
from rollup import assert_rollup_is_its_rows

PICK = st.integers(0, 1_000)
MODELS = ("claude-opus-5", "claude-haiku-4-5-20251001", "claude-sonnet-5", "glm-5.2")
KINDS = ("request", "bedrock", "no id", "uuid", "gateway")


@dataclass
class Log:
    """One log on disk, and what its writer still means to do."""

    path: Path
    session_id: str
    agent_id: str = ""
    rest: bytes = b""
    unfinished: list[Line] = field(default_factory=list)
    shown: list[Line] = field(default_factory=list)


class ExactlyOnce(RuleBasedStateMachine):
    """Agents write, somebody meddles, costd reads and dies."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        # A line is longer than a block, a log longer than a pass and a slice.
        patch.setattr(tail, "BLOCK_BYTES", 300)
        patch.setattr(tail, "PASS_BYTES", 3_000)
        patch.setattr(intake, "SLICE_BYTES", 4_000)
        self.folder = self.stack.enter_context(places.memory_dir())
        self.root = self.folder / "projects"
        self.root.mkdir()
        self.lock = self.folder / "costd.lock"
        self.running = ExitStack()
        self.logs: list[Log] = []
        self.numbers = count(1)
        self.ticks = count(1_800_000_000_000_000_000, 1_000_000_000)
        self.seen = EverSeen(self.root)
        self.is_behind = False
        self.is_pristine = True
        self.is_sound = True

    @initialize()
    def begin(self) -> None:
        self.running.enter_context(exclusive(self.lock))
        self.book = Book(self.folder / "ledger.db", self.root)
        self.make_log(0, is_agent=False)

    def teardown(self) -> None:
        try:
            if self.is_sound and hasattr(self, "book"):
                self.catch_up()
                self.restart()
                self.catch_up()
                assert self.book.verify().differences == []
                self.is_pristine = False
                shutil.rmtree(self.root)
                self.catch_up()
        finally:
            if hasattr(self, "book"):
                self.book.close()
            self.running.close()
            self.stack.close()

    # What agents do.

    @precondition(lambda self: len(self.logs) < 5)
    @rule(project=st.integers(0, 2), is_agent=st.booleans())
    def make_log(self, project: int, is_agent: bool) -> None:
        number = next(self.numbers)
        folder = self.root / f"-home-dev-{project}"
        if is_agent:
            agent = f"a{number:016x}"
            path = folder / session(1) / "subagents" / f"agent-{agent}.jsonl"
            log = Log(path, session(1), agent)
        else:
            log = Log(folder / f"{session(number)}.jsonl", session(number))
        self.logs.append(log)
        self.show(log, self.fresh(log, "request"))

    @rule(
        pick=PICK,
        kind=st.sampled_from(KINDS),
        blocks=st.integers(1, 3),
        model=st.integers(0, len(MODELS) - 1),
        cached=st.integers(0, 300_000),
        is_finished=st.booleans(),
    )
    def respond(
        self, *, pick: int, kind: str, blocks: int, model: int, cached: int,
        is_finished: bool,
    ) -> None:  # fmt: skip
        """Blocks of one response: early ones may hold a placeholder."""
        log = self.log(pick)
        if kind == "gateway":  # a constant id: known again by its first line alone
            blocks = 1
        line = self.fresh(log, kind).having(
            model=MODELS[model], read=cached, short=cached // 7, hour=cached // 9
        )
        for block in range(blocks):
            is_last = block == blocks - 1
            stop = "end_turn" if is_last and is_finished else None
            out = line.out if is_last and is_finished else 1 + block
            self.show(log, line.having(block=block, stop=stop, out=out))
        if not is_finished and kind != "gateway":
            log.unfinished.append(line.having(block=blocks))

    @precondition(lambda self: any(log.unfinished for log in self.logs))
    @rule(pick=PICK)
    def finish(self, pick: int) -> None:
        """The final line of a response, after whatever came between."""
        waiting = [log for log in self.logs if log.unfinished]
        log = waiting[pick % len(waiting)]
        self.show(log, log.unfinished.pop())

    @rule(pick=PICK)
    def reuse_id(self, pick: int) -> None:
        """One id, two requests, one log: two responses."""
        log = self.log(pick)
        line = self.fresh(log, "request")
        self.show(log, line)
        self.show(log, line.having(request_id=f"req_{line.number}b", block=1, out=7))

    @rule(pick=PICK, cut=st.integers(1, 400))
    def half(self, pick: int, cut: int) -> None:
        """Half a line, perhaps in the middle of a character; the rest may come."""
        log = self.log(pick)
        text = self.fresh(log, "request").text()
        self.append(log, text[:-cut])
        log.rest = text[-cut:]

    @rule(pick=PICK)
    def all_but_the_newline(self, pick: int) -> None:
        log = self.log(pick)
        self.append(log, self.fresh(log, "request").text()[:-1])
        log.rest = b"\n"

    @precondition(lambda self: any(log.rest for log in self.logs))
    @rule(pick=PICK)
    def complete(self, pick: int) -> None:
        waiting = [log for log in self.logs if log.rest]
        log = waiting[pick % len(waiting)]
        self.append(log, log.rest)

    @rule(
        pick=PICK,
        how=st.sampled_from(["glued", "nul", "cut", "noise", "bom", "crlf", "deep"]),
    )
    def damage(self, pick: int, how: str) -> None:
        log = self.log(pick)
        one, two = self.fresh(log, "request").text(), self.fresh(log, "request").text()
        self.append(
            log,
            {
                "glued": one[:-1] + two,
                "nul": b"\0" * 700 + one,
                "cut": one[: len(one) // 2] + two,
                "noise": b"no JSON at all\n" + one,
                "bom": b"\xef\xbb\xbf" + one,
                "crlf": one[:-1] + b"\r\n",
                "deep": b"[" * 3_000 + b"\n" + one,
            }[how],
        )

    @precondition(lambda self: any(log.shown for log in self.logs))
    @rule(pick=PICK)
    def replay(self, pick: int) -> None:
        """A side question repeats a response under another request, then asks."""
        spoken = [log for log in self.logs if log.shown and not log.agent_id]
        if not spoken or not spoken[pick % len(spoken)].path.exists():
            return
        log = spoken[pick % len(spoken)]
        line = log.shown[pick % len(log.shown)]
        agent = f"aside_question-{next(self.numbers):x}"
        path = log.path.with_suffix("") / "subagents" / f"agent-{agent}.jsonl"
        side = Log(path, log.session_id, agent)
        copy = line.having(
            agent_id=agent, request_id=f"{REPLAY}{line.number}", read=5, block=9
        )
        self.logs.append(side)
        self.append(side, copy.text())
        self.show(side, self.fresh(side, "request"))

    @precondition(lambda self: len(self.logs) < 7)
    @rule(pick=PICK)
    def fork(self, pick: int) -> None:
        """A new session begins with the lines of another, its own id in them."""
        log = self.log(pick)
        if log.agent_id:
            return
        other = session(next(self.numbers))
        complete = log.path.read_bytes().rpartition(b"\n")[0] + b"\n"
        copy = Log(log.path.with_name(f"{other}.jsonl"), other)
        self.logs.append(copy)
        self.append(copy, complete.replace(log.session_id.encode(), other.encode()))
        self.show(copy, self.fresh(copy, "request"))

    @rule(pick=PICK)
    def talk(self, pick: int) -> None:
        log = self.log(pick)
        self.append(log, user(next(self.numbers)))
        self.append(log, encode({"type": "of a future version", "x": [1]}))

    # What else happens to files. What costd has not read by then is gone.

    @rule(pick=PICK, keep=st.integers(0, 3_000), grow=st.integers(0, 4))
    def truncate(self, pick: int, keep: int, grow: int) -> None:
        """To any length, even 0, and on with new lines: shorter or longer."""
        self.lose()
        log = self.log(pick)
        os.truncate(log.path, min(keep, log.path.stat().st_size))
        self.touch(log)
        log.rest, log.unfinished, log.shown = b"", [], []
        for _ in range(grow):
            self.show(log, self.fresh(log, "request"))

    @rule(pick=PICK, which=PICK)
    def tombstone(self, pick: int, which: int) -> None:
        """A line is removed; what came after it is written again in its place."""
        self.lose()
        log = self.log(pick)
        text = log.path.read_bytes().splitlines(keepends=True)
        gone = which % len(text) if text else 0
        with log.path.open("r+b") as file:
            file.seek(sum(map(len, text[:gone])))
            file.truncate()
            file.write(b"".join(text[gone + 1 :]))
        self.touch(log)
        log.rest, log.shown = b"", []

    @rule(pick=PICK, is_superset=st.booleans())
    def replace(self, pick: int, is_superset: bool) -> None:
        """Another file takes the name, with the same beginning or without."""
        self.lose()
        log = self.log(pick)
        before = log.path.read_bytes().rpartition(b"\n")[0] + b"\n"
        new = log.path.with_suffix(".tmp")
        fresh = self.fresh(log, "request").text()
        new.write_bytes((before if is_superset else b"") + fresh)
        new.replace(log.path)
        self.touch(log)
        log.rest, log.shown = b"", []

    @rule(pick=PICK, project=st.integers(0, 2))
    def move(self, pick: int, project: int) -> None:
        log = self.log(pick)
        if log.agent_id:
            return
        target = self.root / f"-home-dev-{project}" / log.path.name
        target.parent.mkdir(exist_ok=True)
        log.path.rename(target)
        log.path = target
        self.is_pristine = False

    @rule(project=st.integers(0, 2))
    def rename_project(self, project: int) -> None:
        old = self.root / f"-home-dev-{project}"
        new = self.root / f"-home-dev-{project}-{next(self.numbers)}"
        if not old.exists():
            return
        old.rename(new)
        for log in self.logs:
            if log.path.is_relative_to(old):
                log.path = new / log.path.relative_to(old)
        self.is_pristine = False

    @precondition(lambda self: len(self.logs) > 1)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        self.lose()
        log = self.log(pick)
        log.path.unlink()
        self.logs.remove(log)

    @precondition(lambda self: len(self.logs) > 1)
    @rule(pick=PICK)
    def use_the_inode_again(self, pick: int) -> None:
        """A log goes, and a new one of another session gets its inode."""
        self.lose()
        log = self.log(pick)
        new = Log(
            log.path.with_name(f"{session(next(self.numbers))}.jsonl"), session(77)
        )
        log.path.rename(new.path)
        new.path.write_bytes(b"")
        self.logs[self.logs.index(log)] = new
        for _ in range(1 + pick % 5):
            self.show(new, self.fresh(new, "request"))

    # What costd does.

    @rule()
    def catch_up(self) -> None:
        self.is_sound = False
        self.book.catch_up()
        self.is_behind = False
        self.seen.look()
        assert self.book.total() == self.seen.total()
        assert_rollup_is_its_rows(self.book)
        known = self.book.query("SELECT path FROM log_file WHERE vanished_at IS NULL")
        assert sorted(os.fsdecode(path) for (path,) in known) == self.on_disk()  # type: ignore[arg-type]  # the column is a BLOB
        if self.is_pristine:
            assert self.book.sessions() == self.seen.sessions
        self.is_sound = True

    @rule(slices=st.integers(0, 3))
    def begin_to_read(self, slices: int) -> None:
        self.is_behind = True
        self.book.intake.sweep(0)
        for _ in range(slices):
            self.book.intake.advance()

    @rule()
    def restart(self) -> None:
        self.book.reopen()

    @rule(when=st.sampled_from(["read", "written"]))
    def crash(self, when: str) -> None:
        """Read and not recorded; or recorded and not committed."""
        self.is_behind = True
        self.book.intake.sweep(0)
        segments = self.book.intake._read_slice()
        if when == "written" and segments:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Database, "transaction", never_committed)
                with pytest.raises(DiedError):
                    self.book.ledger.record(segments)
        self.book.ledger.database.connection.close()
        self.book.open()

    @rule()
    def start_a_second(self) -> None:
        with pytest.raises(AlreadyRunningError), exclusive(self.lock):
            pass

    # How the rules do it.

    def on_disk(self) -> list[str]:
        return sorted(str(log.path) for log in self.logs if log.path.exists())

    def log(self, pick: int) -> Log:
        return self.logs[pick % len(self.logs)]

    def fresh(self, log: Log, kind: str) -> Line:
        number = next(self.numbers)
        line = Line(
            number,
            out=20 + number,
            fresh=1_000 + number,
            session_id=log.session_id,
            agent_id=log.agent_id,
        )
        if kind == "bedrock":
            return line.having(message_id=f"msg_bdrk_01{number:020d}", request_id=None)
        if kind == "no id":
            return line.having(message_id=None)
        if kind == "uuid":
            return line.having(message_id=None, request_id=None)
        if kind == "gateway":
            return line.having(message_id=GATEWAY_ID, request_id=None)
        return line

    def show(self, log: Log, line: Line) -> None:
        self.append(log, line.text())
        if line.ids[1] == f"req_{line.number}" and line.message_id == "":
            log.shown.append(line)

    def append(self, log: Log, data: bytes) -> None:
        if data[:1] != b"\n" and ends_in_a_whole_record(log.path):
            self.lose()  # it becomes half of a damaged line
        log.path.parent.mkdir(parents=True, exist_ok=True)
        with log.path.open("ab") as file:
            file.write(data)
        self.touch(log)
        log.rest = b""

    def touch(self, log: Log) -> None:
        """Time passes between two writes; some kernels would not show that."""
        tick = next(self.ticks)
        os.utime(log.path, ns=(tick, tick))

    def lose(self) -> None:
        """Something is going to be gone that costd may be reading just now."""
        if self.is_behind:
            self.catch_up()
        self.is_pristine = False


class DiedError(Exception):
    """The process is gone."""


@contextmanager
def never_committed(
    database: Database,
    *,
    told: bool = False,
) -> Iterator[Connection]:
    """A transaction of somebody who dies just before its end."""
    database.connection.execute("BEGIN IMMEDIATE")
    yield database.connection
    raise DiedError


def ends_in_a_whole_record(path: Path) -> bool:
    last = path.read_bytes().rpartition(b"\n")[2] if path.exists() else b""
    return last.endswith(b"}")  # of all that is cut here only a whole one does


def test_80_whatever_is_done_the_ledger_equals_a_full_recount() -> None:
    run_state_machine_as_test(ExactlyOnce, settings=settings(stateful_step_count=30))
