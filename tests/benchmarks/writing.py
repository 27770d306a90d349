"""Sessions that go on while the daemon watches, with known totals like the tree's."""

from __future__ import annotations

import os
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.daemon import Daemon
from benchmarks.timing import FailedRunError
from benchmarks.tree import Generator, Session

PATIENCE_SECONDS = 30.0
AGO = timedelta(seconds=10)
"""A response takes seconds by its own times, and none of them may lie ahead."""
_LOOK_SECONDS = 0.004
"""Between two looks: small beside what is measured, and the daemon can breathe."""

Written = tuple[str, int, float]
"""Session, the tokens it has from then on, and when they were written."""


class Talk:
    """Sessions under ``root`` that grow by whole responses."""

    def __init__(self, root: Path, sessions: int, seed: int) -> None:
        self._generator = Generator(root, seed)
        self._tokens = [0] * sessions
        self.sessions = [self._open(number) for number in range(sessions)]
        self.totals = self._generator.totals

    def _open(self, number: int) -> Session:
        session_id = self._generator.uuid()
        path = self._generator.root / f"-home-dev-live-{number:02d}"
        path.mkdir(parents=True, exist_ok=True)
        cwd, branch = f"/home/dev/live-{number:02d}", f"feature/min-{number + 1}"
        now = datetime.now(UTC)
        return Session(path / f"{session_id}.jsonl", session_id, cwd, branch, now)

    def respond(self, number: int) -> Written:
        """Append one response to a session, in one write as agents do."""
        session, before = self.sessions[number], _tokens(self._generator)
        session.at = datetime.now(UTC) - AGO
        self._generator.response(session, context=20_000)
        self._tokens[number] += _tokens(self._generator) - before
        self._append(session)
        return session.session_id, self._tokens[number], time.perf_counter()

    def converse(self, size: int) -> int:
        """Append about ``size`` bytes of everything to all sessions; the exact size."""
        written = 0
        share = size // len(self.sessions)
        for session in self.sessions:
            session.at = datetime.now(UTC) - AGO
            while sum(map(len, session.lines)) < share:
                self._generator.converse(session, 1)
            written += self._append(session)
        return written

    def _append(self, session: Session) -> int:
        data = ("\n".join(session.lines) + "\n").encode()
        session.lines.clear()
        descriptor = os.open(session.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
        return len(data)


def _tokens(generator: Generator) -> int:
    t = generator.totals
    fresh = t.input_tokens + t.cache_creation_5m_tokens + t.cache_creation_1h_tokens
    return fresh + t.output_tokens + t.cache_read_tokens


def bursts(sessions: int, rounds: int) -> list[tuple[float, int]]:
    """All sessions at the same moment, once every second or so; (when, which)."""
    rng = random.Random(rounds)
    starts = [number + rng.random() * 0.5 for number in range(rounds)]
    return [(start, n) for start in starts for n in range(sessions)]


def streams(sessions: int, rounds: int) -> list[tuple[float, int]]:
    """Each session at moments of its own, once a second on average; (when, which)."""
    rng = random.Random(rounds)
    count = sessions * rounds
    return sorted((rng.random() * rounds, n % sessions) for n in range(count))


def latencies(daemon: Daemon, talk: Talk, plan: list[tuple[float, int]]) -> list[float]:
    """Seconds from each write to the first answer that shows it.

    Raises:
        FailedRunError: something written was never seen.
    """
    waiting: dict[str, deque[tuple[int, float]]] = {
        session.session_id: deque() for session in talk.sessions
    }
    seen: list[float] = []
    deadline = time.perf_counter() + plan[-1][0] + PATIENCE_SECONDS
    with _writer(talk, plan) as written:
        while len(seen) < len(plan):
            status = daemon.status()
            now = time.perf_counter()
            if now > deadline:
                raise FailedRunError(f"{len(plan) - len(seen)} writes were never seen")
            # What is written after the answer was asked for waits for the next one.
            _take(written, waiting)
            for session in status["live"]:
                mine = waiting.get(session["session_id"])
                while mine and mine[0][0] <= session["tokens"]:
                    seen.append(max(0.0, now - mine.popleft()[1]))
            time.sleep(_LOOK_SECONDS)
    return seen


def _take(
    written: queue.SimpleQueue[Written], waiting: dict[str, deque[tuple[int, float]]]
) -> None:
    while not written.empty():
        session_id, tokens, at = written.get()
        waiting[session_id].append((tokens, at))


@contextmanager
def _writer(
    talk: Talk, plan: list[tuple[float, int]]
) -> Iterator[queue.SimpleQueue[Written]]:
    """A thread that writes by the plan and tells what it wrote."""
    written: queue.SimpleQueue[Written] = queue.SimpleQueue()
    started = time.perf_counter()

    def write() -> None:
        for at, number in plan:
            time.sleep(max(0.0, started + at - time.perf_counter()))
            written.put(talk.respond(number))

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    yield written
    thread.join()
