"""``session-map.json``, read and written: in costd's own directory and in others'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from hashlib import blake2b
from pathlib import Path

from costd.core.attribution import CONFIDENCE
from costd.core.errors import CostdError
from costd.core.session_map import (
    Entry,
    Json,
    MalformedError,
    Owned,
    decoded,
    foreign,
    merged,
    own_pairs,
    parse,
    united,
)
from costd.ledger.claims import NewClaim
from costd.publish.encode import dump, keyed, part
from costd.publish.session_map import look, update

NAME = "session-map.json"
SOURCE = "session-map"
CODE = "session_map"

Pairs = set[tuple[str, str]]


class SessionMaps:
    """All session maps that are read, and those that are written.

    Args:
        written: directories with a map that costd writes; they must exist.
        read: maps of others that are only read.
    """

    def __init__(self, written: Iterable[Path], read: Iterable[Path] = ()) -> None:
        self._written = [folder / NAME for folder in written]
        known = {path.resolve() for path in self._written}
        self._read = [path for path in read if path.resolve() not in known]
        self._stamps: dict[Path, tuple[int, ...]] = {}
        self._published: Pairs = set()
        self._own: Mapping[str, bytes] = {}
        """What was last written of costd's own, where no map had anything else.

        The parts, which are there anyway, and not the whole of megabytes.
        """
        self._alone: dict[Path, bytes] = {}
        """Digests of maps in which nobody but costd had anything when it wrote them."""
        self._troubles: dict[Path, str] = {}

    @property
    def trouble(self) -> str:
        """What must be said of the maps; empty when all is well."""
        return "; ".join(self._troubles.values())

    def forget(self) -> None:
        """Everything is new again."""
        self._stamps = {}

    def look(self, now: int) -> list[NewClaim]:
        """Others' entries in the maps that changed, as claims; read again they are the same."""
        found: list[NewClaim] = []
        for path in (*self._written, *self._read):
            stamp = _stamp(path)
            if stamp == self._stamps.get(path):
                continue
            self._stamps[path] = stamp
            found.extend(self._claims(path, now))
        return found

    def _claims(self, path: Path, now: int) -> list[NewClaim]:
        try:
            data = look(path)
            is_foreign = data and not self._is_alone(path, data)
            parsed = parse(data, self._pairs()) if data and is_foreign else None
        except MalformedError as error:
            self._troubles[path] = f"{path} cannot be used: {error}"
            return []
        except CostdError as error:
            self._troubles[path] = error.message
            return []
        self._troubles.pop(path, None)
        if parsed is None:
            return []
        if parsed.refused:
            count = parsed.refused
            self._troubles[path] = (
                f"{count} entries of {path} cannot be used: {parsed.reason}"
            )
        return [_claim(entry, now) for entry in parsed.entries]

    def write(self, issues: Mapping[str, bytes], gone: Pairs) -> None:
        """Bring every map up to date.

        Args:
            issues: what costd says, by issue, each as ``as_part`` has made it.
            gone: pairs of issue and session whose claims were taken back.
        """
        own = keyed(issues.items(), 0, b"\n")
        digest = _digest(own)
        published: Pairs = set()
        alone: list[Path] = []

        def merge(path: Path, contents: list[bytes]) -> bytes | None:
            wanted = None
            if not all(self._is_alone(path, data) for data in contents):
                try:
                    wanted = self._merged(contents, issues, gone)
                except MalformedError:
                    return None  # somebody writes it just now, or has broken it
            if wanted is None:
                self._alone[path] = digest
                alone.append(path)
                return own
            self._alone.pop(path, None)
            published.update(own_pairs(wanted))
            return dump(wanted)

        for path in self._written:
            if not path.parent.is_dir():
                continue
            try:
                update(path, partial(merge, path))
            except CostdError as error:
                self._troubles[path] = error.message
        self._published, self._own = published, dict(issues) if alone else {}

    def _merged(
        self, contents: list[bytes], issues: Mapping[str, bytes], gone: Pairs
    ) -> Json | None:
        """What a map should hold; None where there is nothing of others in it."""
        found = united([foreign(data) for data in contents if data])
        if not found:
            return None
        said = {issue: _owned(value) for issue, value in issues.items()}
        return merged(found, said, self._pairs(), gone)

    def _pairs(self) -> Pairs:
        """The pairs of issue and session whose entries costd has written."""
        own = ({name: decoded(value)} for name, value in self._own.items())
        return self._published.union(pair for each in own for pair in own_pairs(each))

    def _is_alone(self, path: Path, data: bytes) -> bool:
        """Whether this is what costd wrote there, and nobody has anything in it.

        A map of a long history is large: it is neither read nor merged then.
        """
        return _digest(data) == self._alone.get(path)


def as_part(owned: Owned) -> bytes:
    """What costd says of an issue, as it stands in a map in which nobody else does."""
    figures = {"totalCost": owned.cost, "totalTokens": owned.tokens}
    return part({"sessions": owned.sessions, **figures}, 1)


def _owned(value: bytes) -> Owned:
    found = decoded(value)
    return Owned(found["sessions"], found["totalCost"], found["totalTokens"])


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _claim(entry: Entry, now: int) -> NewClaim:
    subject = f"{SOURCE}:{entry.issue}:{entry.session_id}"
    times = f"{entry.from_at}:{entry.until_at}:{entry.role}"
    return NewClaim(
        key=f"{subject}:{times}",
        subject=subject,
        selector="session",
        value=entry.session_id,
        within="",
        issue=entry.issue,
        role=entry.role,
        from_at=entry.from_at,
        until_at=entry.until_at,
        made_at=now,
        rule="orchestrator",
        confidence=CONFIDENCE["orchestrator"],
        source=SOURCE,
    )
