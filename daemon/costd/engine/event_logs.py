"""Files of events, read like any other log: complete lines from a byte offset on.

Anybody may append to such a file. What is no event is counted and left out; whatever a
line says goes into no message.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import ENOENT, ENOTDIR
from hashlib import blake2b

import orjson

from costd.core.checkpoint import Checkpoint
from costd.core.event_fields import EventError
from costd.core.events import Event, read
from costd.ingest import fingerprint
from costd.ingest.tail import Tail
from costd.ledger import Connection
from costd.ledger.event_logs import LogRead, checkpoint

MOST_LINE = 64 * 1024
SLICE_BYTES = 1 << 20
"""What is read in one go: some thousand events, so that a question waits no longer."""
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_SUFFIX = b".jsonl"
_MOST_FILES = 10_000

Keep = Callable[[list[Event], LogRead], object]


class EventLogs:
    """The files, and how far each is read.

    Args:
        files: those that are read where they are there.
        folders: whose ``*.jsonl`` are read, also further down; links are not followed.
        keep: keeps events together with how far their log is read then.
    """

    def __init__(self, files: list[bytes], folders: list[bytes], keep: Keep) -> None:
        self._files = files
        self._folders = folders
        self._keep = keep
        self._tail = Tail(MOST_LINE, SLICE_BYTES)
        self._bytes = 0
        self._seen: dict[bytes, tuple[int, int, int]] = {}
        self.unreadable: dict[bytes, str] = {}
        self.present: set[bytes] = set()
        """The files that were there at the last look."""

    def forget(self) -> None:
        """Look at every file as if for the first time: the ledger is another one."""
        self._seen.clear()

    def slices(self, connection: Connection) -> Iterator[None]:
        """Read what is new in every file, a slice in each step.

        Raises:
            LedgerBusyError: what was read last is not kept; it is read again.
        """
        for path in self._paths():
            more = True
            while more:
                more = self._slice(connection, path)
                if self._bytes >= SLICE_BYTES:
                    self._bytes = 0
                    yield

    def _paths(self) -> list[bytes]:
        found = list(self._files)
        for folder in self._folders:
            some = self._in_folder(folder)
            found += some[:_MOST_FILES]
            if len(some) > _MOST_FILES:
                self.unreadable[folder] = f"it has more than {_MOST_FILES} files"
        return found

    def _in_folder(self, folder: bytes) -> list[bytes]:
        found: list[bytes] = []
        self.unreadable.pop(folder, None)

        def note(error: OSError) -> None:
            self.unreadable[folder] = error.strerror or type(error).__name__

        for top, folders, names in os.walk(folder, onerror=note):
            folders.sort()
            found += sorted(
                os.path.join(top, name)  # noqa: PTH118 - bytes, as the file system has them
                for name in names
                if name.endswith(_SUFFIX)
            )
            if len(found) > _MOST_FILES:
                break
        return found

    def _slice(self, connection: Connection, path: bytes) -> bool:
        """Read the next slice of one file; whether there is more of it."""
        try:
            descriptor = os.open(path, _OPEN)
        except OSError as error:
            self._note(path, error)
            return False
        self.present.add(path)
        try:
            status = os.fstat(descriptor)
            now = (status.st_ino, status.st_size, status.st_ctime_ns)
            if self._seen.get(path) == now:
                return False
            more = self._read(connection, path, descriptor, status)
        except OSError as error:
            self._note(path, error)
            return False
        finally:
            os.close(descriptor)
        if not more:
            self._seen[path] = now
        return more

    def _note(self, path: bytes, error: OSError) -> None:
        self._seen.pop(path, None)
        self.present.discard(path)
        if error.errno in (ENOENT, ENOTDIR):
            self.unreadable.pop(path, None)
        else:
            self.unreadable[path] = error.strerror or type(error).__name__

    def _read(
        self,
        connection: Connection,
        path: bytes,
        descriptor: int,
        status: os.stat_result,
    ) -> bool:
        if not stat.S_ISREG(status.st_mode):
            self.unreadable[path] = "it is no file"
            return False
        self.unreadable.pop(path, None)
        known = checkpoint(connection, path)
        if fingerprint.is_continued(descriptor, status, known):
            if known.offset == status.st_size:
                return False
        else:
            self._finish_renamed(known)
            known = Checkpoint(path, known.source, generation=known.generation + 1)
        lines = _Lines(path, status.st_mtime_ns // 1_000_000)
        tailed = self._tail.read(descriptor, known.offset, known.scan_from, lines)
        self._keep(
            lines.events,
            LogRead(
                fingerprint.moved_on(
                    known, descriptor, status, tailed.offset, tailed.scan_from
                ),
                lines.count,
                lines.skipped,
                lines.reason,
            ),
        )
        self._bytes += tailed.scan_from - known.scan_from
        return tailed.more

    def _finish_renamed(self, known: Checkpoint) -> None:
        """The rest of a file that was renamed before its last lines were read."""
        if not known.offset:
            return
        folder = os.path.dirname(known.path)  # noqa: PTH120 - bytes, as said above
        with suppress(OSError):
            with os.scandir(folder) as entries:
                same = [e.path for e in entries if e.inode() == known.inode]
            for path in same:
                self._finish(path, known)

    def _finish(self, path: bytes, known: Checkpoint) -> None:
        descriptor = os.open(path, _OPEN | os.O_NOFOLLOW)
        try:
            status = os.fstat(descriptor)
            more = fingerprint.is_continued(descriptor, status, known)
            while more:
                lines = _Lines(known.path, status.st_mtime_ns // 1_000_000)
                offset, scan_from = known.offset, known.scan_from
                tailed = self._tail.read(descriptor, offset, scan_from, lines)
                known = fingerprint.moved_on(
                    known, descriptor, status, tailed.offset, tailed.scan_from
                )
                read_ = LogRead(known, lines.count, lines.skipped, lines.reason)
                self._keep(lines.events, read_)
                self._bytes += tailed.scan_from - scan_from
                more = tailed.more
        finally:
            os.close(descriptor)


class _Lines:
    """Takes the lines of one file: see ``ingest.tail.Lines``."""

    def __init__(self, path: bytes, now: int) -> None:
        self._path = path
        self._now = now
        self.events: list[Event] = []
        self.count = self.skipped = 0
        self.reason = ""

    def take(self, data: bytearray, start: int, stop: int, base: int) -> None:
        """Complete lines."""
        at = start
        while at < stop:
            end = data.index(b"\n", at, stop)
            self._take(bytes(data[at:end]), base + at)
            at = end + 1

    def take_unterminated(self, data: bytes, base: int) -> bool:
        """A last line without its end: an event if it is one; it is read again."""
        count, skipped = self.count, self.skipped
        self._take(data, base)
        is_whole = self.skipped == skipped
        self.count, self.skipped = count, skipped
        return is_whole

    def skip(self, offset: int, length: int, reason: str) -> None:  # noqa: ARG002 - the protocol's
        """A line that is too long."""
        self.skipped += 1
        self.reason = reason

    def state(self) -> bytes:
        """Nothing is carried from one line to the next."""
        return b""

    def _take(self, line: bytes, offset: int) -> None:
        if not line.strip():
            return
        self.count += 1
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            self.skip(offset, len(line), "a line is not JSON")
            return
        try:
            found = read(value, now=self._now, new_id=lambda: self._id(line, offset))
        except EventError as error:
            self.skip(offset, len(line), str(error))
        except Exception as error:  # noqa: BLE001 - one line must not stop the others
            reason = f"costd has a defect: {type(error).__name__}"
            self.skip(offset, len(line), reason)
        else:
            self.events.append(found)

    def _id(self, line: bytes, offset: int) -> str:
        """Of a line that says neither an id nor a time: where it is, and what it says."""
        said = b"%b\0%d\0%b" % (self._path, offset, line.strip())
        return blake2b(said, digest_size=16).hexdigest()
