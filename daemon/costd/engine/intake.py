"""From changed logs to recorded responses: a slice at a time.

Small changes are read here, in the engine's thread. Behind many bytes a second
process reads too: it begins with the largest logs, this thread with the smallest,
and whoever is free takes the next one.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from costd.core.checkpoint import Checkpoint, Segment
from costd.core.errors import LedgerBusyError
from costd.engine.backlog import Backlog
from costd.engine.covering import Covering
from costd.engine.frames import OBSERVATIONS_AT_ONCE
from costd.engine.importer import Importer
from costd.engine.kin import agents_of
from costd.engine.reading import GONE, Reader
from costd.engine.sources import CLAUDE, SOURCES, Roots, Source
from costd.ingest.sweep import Seen, Sweep, joined, sweep
from costd.ledger import Ledger

IMPORT_BYTES = 48 << 20
"""Behind this much a second process is worth its start."""
SLICE_BYTES = 3 << 20
SLICE_LOGS = 128
ASKED_MS = 3_000
"""So long after a question costd records in small steps: another one may come."""
_MESSAGES_UNASKED = 6
"""Of the reading process, recorded in one go while nobody asks anything."""
NOTHING = 1 << 62
_MAX_FAILED_IMPORTS = 3
"""A second process that keeps dying is done without."""


@dataclass(slots=True)
class Progress:
    """How far reading is; read by other threads."""

    bytes_total: int = 0
    bytes_behind: int = 0
    behind: dict[str, int] = field(default_factory=dict)
    """The same by source."""
    new_responses: int = 0
    changed_responses: int = 0


class Intake:
    """Reads what changed and records it.

    Args:
        ledger: where to.
        roots: where the logs of each source are.
        max_line_bytes: longer lines are skipped.
        deliver: how the reading process reaches the engine's queue.
    """

    def __init__(
        self,
        ledger: Ledger,
        roots: Roots,
        max_line_bytes: int,
        deliver: Callable[[bytes | None], None],
    ) -> None:
        self.backlog = Backlog()
        self.progress = Progress()
        self.roots = roots
        self.problem: LedgerBusyError | None = None
        self.busy_count = 0
        """How often nothing could be recorded."""
        self.unreadable: dict[str, str] = {}
        self.heard: dict[str, int] = {}
        self.changed_since = NOTHING
        """Nothing before this instant has become different; the engine resets it."""
        self.last_sweep = joined([])
        self.covering = Covering()
        """How much of the logs is read."""
        self._ledger = ledger
        self._max_line_bytes = max_line_bytes
        self._reader = Reader(max_line_bytes)
        self._deliver = deliver
        self._importer: Importer | None = None
        self._failed_imports = 0
        self._ready: deque[bytes] = deque()
        """Messages of the reading process, still packed: so they take little memory."""
        self._held: dict[bytes, Segment] = {}
        """By path: read here and not recorded yet. Read again, it takes its own place."""
        self._root_sources: dict[str, Source] = {}
        self._prefixes: list[tuple[str, str]] = []
        """Each root, and how what lies within it begins."""
        self._moved: list[tuple[str, str]] = []
        self._vanished: list[str] = []
        self._has_looked = False
        self._recall()

    def _recall(self) -> None:
        """Know of logs what the ledger does, all in one place in memory."""
        points = [(os.fsdecode(p.path), p) for p in self._ledger.checkpoints()]
        self._stored = {path for path, _ in points}
        self.backlog.restore(points)

    @property
    def is_busy(self) -> bool:
        """Whether there is something to read or to record."""
        return bool(self.backlog or self.backlog.lent or self._ready or self._held)

    @property
    def is_complete(self) -> bool:
        """Whether all that was on disk at the last look has been read and recorded.

        Before the first look nobody knows what there is to read.
        """
        return self._has_looked and not self.is_busy and self.problem is None

    def logs_of(self, source: str) -> int:
        """How many of them the last look found."""
        return sum(self._source_of(path) == source for path in self.last_sweep.files)

    @property
    def is_importing(self) -> bool:
        """Whether so much is to be read that a second process helps."""
        return self._importer is not None or (
            self.progress.bytes_behind >= IMPORT_BYTES
            and len(self.backlog) > 1  # one for each
            and self._failed_imports < _MAX_FAILED_IMPORTS
        )

    @property
    def has_work(self) -> bool:
        """Whether ``advance`` would do something now, not only wait."""
        return bool(self.backlog or self._ready or self._held)

    def sweep(self, now: int, pause: Callable[[], None] = lambda: None) -> bool:
        """Look at every log; what changed waits to be read.

        Args:
            now: when.
            pause: called now and then meanwhile; nothing here may change by it.

        Returns:
            Whether logs have moved or are gone, which the ledger now says.
        """
        found = self._found(pause)
        self.last_sweep, self._has_looked = found, True
        difference = self.backlog.sweep(found, self._is_same)
        self.unreadable = {p: e for p, e in self.unreadable.items() if p in found.files}
        self._moved += difference.moved
        self._vanished += difference.vanished
        self._measure()
        have_changed = bool(self._moved or self._vanished)
        if have_changed:
            self.covering.forget()
        self._note_places(now)
        return have_changed

    def _found(self, pause: Callable[[], None]) -> Sweep:
        """Every log of every source.

        A root that two of them share is the first's; one within another is its own.
        """
        sweeps, whose = [], dict[str, Source]()
        for name, roots in self.roots.items():
            source = SOURCES[name]
            sweeps.append(sweep(roots, source.is_log, pause=pause))
            for root in sweeps[-1].roots:
                whose.setdefault(root, source)
        self._root_sources = dict(sorted(whose.items(), key=lambda r: -len(r[0])))
        self._prefixes = [
            (r, r if r.endswith("/") else f"{r}/") for r in self._root_sources
        ]
        return joined(sweeps)

    def _is_same(self, old: str, new: str) -> bool:
        return self._reader.is_continued_at(self._checkpoint(old), new)

    def _note_places(self, now: int) -> None:
        """Tell the ledger what moved and what is gone; if it cannot, next time."""
        while self._moved:
            old, new = self._moved[0]
            root = os.fsencode(self._root_of(new))
            if not self._ledger.move(os.fsencode(old), os.fsencode(new), root):
                self._vanished.append(old)
            self._stored.add(new)
            del self._moved[0]
        gone = [path for path in self._vanished if path not in self.last_sweep.files]
        if gone:
            self._ledger.vanish([os.fsencode(path) for path in gone], now)
        self._vanished.clear()

    def hint(self, path: str) -> bool:
        """The watch says that something happened at a path.

        Returns:
            Whether everything should be looked at: a log that moved is the same log,
            and only a sweep can tell.
        """
        root = self._root_of(path)
        if not root or not self._is_log(root, path):
            return False
        if self.backlog.may_have_moved_to(path):
            return True
        self.backlog.add(path)
        return False

    def _is_log(self, root: str, path: str) -> bool:
        return self._root_sources[root].is_log(path[len(root) :].lstrip("/"))

    def receive(self, message: bytes | None) -> None:
        """Segments of the reading process, or its end."""
        if self._importer is None:
            return
        if message is None:
            self._failed_imports += 1
            self._close_importer()
        else:
            self._ready.append(message)

    def advance(self, now: int = 0, asked_at: int = -ASKED_MS) -> None:
        """Read or record one slice; a larger one while nobody asks anything.

        A full disk or a locked ledger is remembered in ``problem``; what could not be
        recorded is read again after the next sweep.
        """
        self._feed()
        is_asked = 0 <= now - asked_at < ASKED_MS
        segments = self._next_segments(1 if is_asked else _MESSAGES_UNASKED)
        if segments:
            self._record(segments)
        if not self.is_busy and self._importer is not None:
            self._close_importer()
            self._ledger.settle()
            self._recall()  # what was learnt by and by lies between what is gone

    def give_up(self) -> None:
        """Until the next sweep: what waits is found again by then."""
        self._close_importer()
        self._held.clear()
        self.backlog.clear()

    def close(self) -> None:
        """End the reading process."""
        if self._importer is not None:
            self._close_importer()

    def _record(self, segments: list[Segment]) -> None:
        try:
            recorded = self._ledger.record(segments, agents_of(segments))
        except LedgerBusyError as error:
            self.problem = error
            self.busy_count += 1
            self._ledger.database.be_patient(is_usual=False)
            self.give_up()
            return
        self.problem = None
        self._ledger.database.be_patient(is_usual=True)
        self.changed_since = min(self.changed_since, recorded.earliest_at)
        self.progress.new_responses += recorded.new_responses
        self.progress.changed_responses += recorded.changed_responses
        for segment in segments:
            self._recorded(segment)

    def _recorded(self, segment: Segment) -> None:
        self.covering.touch(segment.checkpoint.path)
        path = os.fsdecode(segment.checkpoint.path)
        before = self.backlog.seen.get(path)
        if segment.error:
            if segment.error != GONE:
                self.unreadable[path] = segment.error
            self._forget_state(path, before)
            self.backlog.give_back(path)
            return
        self.unreadable.pop(path, None)
        self._stored.add(path)
        self.backlog.note(path, segment.checkpoint)
        self._hear(segment)
        advanced = segment.checkpoint.offset - segment.start
        self.progress.bytes_behind = max(0, self.progress.bytes_behind - advanced)
        behind = self.progress.behind.get(segment.checkpoint.source, 0)
        self.progress.behind[segment.checkpoint.source] = max(0, behind - advanced)
        if not segment.more:
            self.backlog.give_back(path)

    def _hear(self, segment: Segment) -> None:
        """When each session of a log was last heard of, by the lines' own times."""
        at = segment.reading.last_at
        for context in segment.reading.contexts:
            session_id = context.session_id
            self.heard[session_id] = max(at, self.heard.get(session_id, 0))

    def _forget_state(self, path: str, before: Seen | None) -> None:
        """An unreadable log is tried again at each sweep."""
        if before is not None:
            self.backlog.seen[path] = before._replace(ctime_ns=0)

    def _feed(self) -> None:
        """Give the second process logs while it wants some."""
        if not self.is_importing:
            return
        if self._importer is None:
            self._importer = Importer(self._max_line_bytes, self._deliver)
        behind = self.progress.bytes_behind
        ready = len(self._ready)
        while len(self.backlog) > 1 and self._importer.wants_more(behind, ready):
            path = self.backlog.take_first()
            size = self.last_sweep.files.get(path)
            self.backlog.lend(path)
            self._importer.add(self._checkpoint(path), size.size if size else 0)
        if not self._importer.give():
            self._close_importer()

    def _close_importer(self) -> None:
        if self._importer is not None:
            self._importer.close()
            self._importer = None
        self._ready.clear()  # it is read again: the ledger does not have it
        self.backlog.give_all_back()

    def _next_segments(self, most: int) -> list[Segment]:
        """What is recorded now; nothing where waiting for more of it costs less.

        A transaction has its price: while nobody asks and there is not as much as
        ``most`` messages of the reading process, logs are read here and held.
        """
        if self.backlog and self._are_few(most):
            read = self._read_slice()
            self._held.update((segment.checkpoint.path, segment) for segment in read)
            is_cut = not read or read[-1].more  # it goes on where the ledger says
            can_wait = self._importer is not None and most > 1 and not is_cut
            if can_wait and self._are_few(most):
                return []
        segments = [*self._held.values(), *self._take_ready(most)]
        self._held.clear()
        return segments

    def _are_few(self, most: int) -> bool:
        held = sum(len(s.reading.observations) for s in self._held.values())
        return held < OBSERVATIONS_AT_ONCE * (most - len(self._ready))

    def _take_ready(self, most: int) -> list[Segment]:
        """Messages of the reading process, as many as are recorded in one go."""
        segments: list[Segment] = []
        while self._importer is not None and self._ready and most:
            segments += self._importer.unpack(self._ready.popleft())
            most -= 1
        return segments

    def _read_slice(self) -> list[Segment]:
        segments: list[Segment] = []
        held = 0
        while self.backlog and held < SLICE_BYTES and len(segments) < SLICE_LOGS:
            path = self.backlog.take_last()
            segment = self._reader.segment(self._checkpoint(path))
            segments.append(segment)
            held += segment.checkpoint.offset - segment.start
            if segment.more:
                self.backlog.add(path)
                break
        return segments

    def _checkpoint(self, path: str) -> Checkpoint:
        raw = os.fsencode(path)
        if path in self._stored:
            known = self._ledger.checkpoint(raw)
            if known is not None:
                return known
        return Checkpoint(raw, self._source_of(path), os.fsencode(self._root_of(path)))

    def _root_of(self, path: str) -> str:
        for root, within in self._prefixes:
            if path.startswith(within):
                return root
        return ""

    def _source_of(self, path: str) -> str:
        source = self._root_sources.get(self._root_of(path), CLAUDE)
        return source.name

    @property
    def registries(self) -> list[str]:
        """The roots of the agent that keeps a registry of its processes beside them."""
        return [root for root, whose in self._root_sources.items() if whose is CLAUDE]

    def _measure(self) -> None:
        """How many bytes wait: sizes now against what is in the ledger."""
        files, read = self.last_sweep.files, self.backlog.seen
        behind = dict.fromkeys(self.roots, 0)
        for path, seen in files.items():
            before = read.get(path)
            missing = seen.size - (before.size if before else 0)
            if missing > 0:
                name = self._source_of(path)
                behind[name] = behind.get(name, 0) + missing
        self.progress.bytes_total = sum(seen.size for seen in files.values())
        self.progress.behind = behind
        self.progress.bytes_behind = sum(behind.values())
