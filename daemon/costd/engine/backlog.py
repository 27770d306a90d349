"""Which logs are to be read: what the last sweep saw, and what waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from costd.core.checkpoint import Checkpoint
from costd.ingest.sweep import Seen, Sweep, changed, identify


class Found(NamedTuple):
    """What a sweep means: logs that moved (old path, new path), logs that are gone."""

    moved: list[tuple[str, str]]
    vanished: list[str]


class Backlog:
    """The logs that changed and have not been read to their end yet.

    A log that is being read elsewhere (``lent``) is not handed out a second time; if
    it changes meanwhile it waits again when it comes back.
    """

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self._waiting: dict[str, None] = {}
        self._lent: set[str] = set()
        self._again: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def lent(self) -> int:
        """How many logs are being read elsewhere."""
        return len(self._lent)

    def restore(self, points: Iterable[tuple[str, Checkpoint]]) -> None:
        """Begin where the ledger stands: what it has seen need not be read again."""
        self.seen = {
            path: Seen(p.device, p.inode, p.size, p.modified_ns, p.changed_ns)
            for path, p in points
        }

    def add(self, path: str) -> None:
        """A log may have grown."""
        if path in self._lent:
            self._again.add(path)
        else:
            self._waiting[path] = None

    def may_have_moved_to(self, path: str) -> bool:
        """Whether a new path has the inode of a known log that is gone from its own."""
        if path in self.seen:
            return False
        identity = identify(path)
        return identity is not None and any(
            seen[:2] == identity and identify(old) != identity
            for old, seen in self.seen.items()
        )

    def _share(self, found: Sweep) -> None:
        """Have what is as it was in memory once: there may be very many logs."""
        same = {p: now for p, now in found.files.items() if self.seen.get(p) == now}
        rest = {p: s for p, s in self.seen.items() if p not in same}
        self.seen = {**same, **rest}

    def take_first(self) -> str:
        """The log that waits longest; after a sweep, the largest."""
        path = next(iter(self._waiting))
        del self._waiting[path]
        return path

    def take_last(self) -> str:
        """The log that waits shortest; after a sweep, the smallest."""
        return self._waiting.popitem()[0]

    def lend(self, path: str) -> None:
        """A log that was taken is read elsewhere."""
        self._lent.add(path)

    def give_back(self, path: str) -> None:
        """A log is read to its end, or could not be read."""
        self._lent.discard(path)
        if path in self._again:
            self._again.discard(path)
            self._waiting[path] = None

    def give_all_back(self) -> None:
        """Whoever read elsewhere is gone: everything it had waits again."""
        self._waiting.update(dict.fromkeys(self._lent))
        self._lent.clear()
        self._again.clear()

    def clear(self) -> None:
        """Nothing waits any more; the next sweep finds what differs."""
        self.give_all_back()
        self._waiting.clear()

    def note(self, path: str, point: Checkpoint) -> None:
        """A log is read up to this state of the file."""
        self.seen[path] = Seen(
            point.device, point.inode, point.size, point.modified_ns, point.changed_ns
        )

    def sweep(self, found: Sweep, is_same: Callable[[str, str], bool]) -> Found:
        """Compare with the last sweep; what changed waits, largest logs first.

        Args:
            found: what there is now.
            is_same: whether a log that is gone (old path) goes on in a new one (new
                path) that has its inode. Inodes are used again within seconds.
        """
        difference = changed(self.seen, found.files, found.unlisted)
        gone = {self.seen[path][:2]: path for path in difference.vanished}
        moved: list[tuple[str, str]] = []
        for path in difference.dirty:
            old = gone.get(found.files[path][:2])
            if old is not None and path not in self.seen and is_same(old, path):
                moved.append((old, path))
                self.seen[path] = self.seen[old]
                del gone[found.files[path][:2]]
        for path in difference.vanished:
            del self.seen[path]
        for path in sorted(difference.dirty, key=lambda p: -found.files[p].size):
            self.add(path)
        self._share(found)
        left = {old for old, _ in moved}
        return Found(moved, [path for path in difference.vanished if path not in left])
