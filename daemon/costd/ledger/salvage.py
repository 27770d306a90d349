"""Reading what can still be read of a damaged ledger, row by row.

A row that cannot be read is found by halving the range of rows in which reading
failed. The file itself is never written to.
"""

from __future__ import annotations

import os
import sqlite3
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from costd.ledger.database import beside

_HEADER = 100
_MAGIC = b"SQLite format 3\x00"
_PATIENCE = 20_000
"""So many failing reads of one table; then the rest of it is given up."""
_EACH, _EMPTY = 4_000, 64
"""So many in one range of numbers, and in one where no row can be."""
_SMALLEST = 16
"""No row takes less of the file, in bytes."""
_FIRST, _LAST = -(2**63), 2**63 - 1

Values = tuple[Any, ...]
Range = tuple[int, int]


@contextmanager
def damaged(path: Path, model: Path, folder: Path) -> Iterator[Connection]:
    """A connection that reads a damaged ledger as far as that goes.

    Args:
        path: the ledger; its write-ahead log is read too.
        model: a whole ledger, whose header stands in for one that is lost.
        folder: where a copy is made if the header is.

    Raises:
        sqlite3.Error: nothing of it can be read.
    """
    name = path if _has_header(path) else _mended_header(path, model, folder)
    uri = f"{name.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        # Or SQLite reads nothing at all of a file that is too short.
        connection.execute("PRAGMA writable_schema = 1")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        yield connection


def _has_header(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _mended_header(path: Path, model: Path, folder: Path) -> Path:
    """A copy with the header of another ledger."""
    name = folder / "headless.db"
    with path.open("rb") as source, name.open("wb") as target:
        pages = os.fstat(source.fileno()).st_size
        header = bytearray(model.read_bytes()[:_HEADER])
        size = int.from_bytes(header[16:18], "big") or 1 << 16
        header[28:32] = (pages // max(size, 512)).to_bytes(4, "big")
        header[32:40] = bytes(8)  # no list of free pages
        header[92:96] = header[24:28]  # the count of pages is to be believed
        target.write(header)
        source.seek(_HEADER)
        while block := source.read(1 << 20):
            target.write(block)
    log = beside(path, "-wal")
    if log.exists():
        beside(name, "-wal").write_bytes(log.read_bytes())
    return name


class Table:
    """The rows of one table that can be read.

    Args:
        connection: of a ledger that may be damaged.
        name: the table.
        columns: those that are wanted; they must be there.
    """

    def __init__(self, connection: Connection, name: str, columns: list[str]) -> None:
        self._connection = connection
        self._name = name
        self._columns = ", ".join(columns)
        self._key, self._is_number = _key(connection, name)
        self._unreadable: list[Range] = []
        self._last = _FIRST
        self._patience = _PATIENCE
        self.is_whole = True
        """Whether nothing failed so far."""

    def rows(self) -> Iterator[Values]:
        """All that can be read; some of them twice."""
        try:
            yield from self._scan()
        except sqlite3.Error:
            self.is_whole = False
            if self._is_number:
                most = _LAST
                if self._key in ("id", "rowid"):  # they are numbered from one
                    most = 2 * self._last + _size(self._connection) // _SMALLEST
                for low, high in _ranges(self._last):
                    tries = _EACH if -most <= low <= most else _EMPTY
                    yield from self._search(low, high, tries)
                self._unreadable = _joined(self._unreadable)
            else:
                yield from self._backwards()

    def may_have_held(self, key: int) -> bool:
        """Whether a row of that key may have been there and cannot be read."""
        place = bisect_right(self._unreadable, (key, _LAST)) - 1
        return place >= 0 and key <= self._unreadable[place][1]

    def _scan(self) -> Iterator[Values]:
        """All rows in their order, up to the first that cannot be read."""
        query = (
            f"SELECT {self._key}, {self._columns} FROM {self._name} "
            f"ORDER BY {self._key}"
        )
        for key, *values in self._connection.execute(query):
            yield tuple(values)
            if self._is_number:
                self._last = key

    def _backwards(self) -> Iterator[Values]:
        query = f"SELECT {self._columns} FROM {self._name} ORDER BY {self._key} DESC"
        with suppress(sqlite3.Error):
            yield from self._connection.execute(query)

    def _search(self, low: int, high: int, tries: int) -> Iterator[Values]:
        """Rows of a range; where reading fails, those of its halves, widest first."""
        waiting = deque([(low, high)])
        query = (
            f"SELECT {self._key}, {self._columns} FROM {self._name} "
            f"WHERE {self._key} BETWEEN ? AND ? ORDER BY {self._key}"
        )
        while waiting:
            first, last = waiting.popleft()
            try:
                for key, *values in self._connection.execute(query, (first, last)):
                    yield tuple(values)
                    first = key
            except sqlite3.Error:
                tries -= 1
                self._patience -= 1
                if first == last or tries <= 0 or self._patience <= 0:
                    self._unreadable.append((first, last))
                    continue
                middle = (first + last) // 2
                waiting += [(first, middle), (middle + 1, last)]


def _ranges(after: int) -> Iterator[Range]:
    """Everything from ``after`` on, in ranges twice as wide as the one before.

    Reading fails in each that ends beside a damaged page, whether there are rows in it
    or not: one of them must not use up all patience.
    """
    bounds = [_FIRST, *(-(1 << n) for n in range(62, 9, -1)), 0]
    bounds += [*(1 << n for n in range(10, 63)), _LAST]
    for low, above in pairwise(bounds):
        high = above if above == _LAST else above - 1
        if high >= after:
            yield max(low, after), high


def _size(connection: Connection) -> int:
    """The bytes of the file."""
    (name,) = [row[2] for row in connection.execute("PRAGMA database_list")]
    return Path(name).stat().st_size


def _joined(ranges: list[Range]) -> list[Range]:
    """In order, those that touch made one."""
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def _key(connection: Connection, table: str) -> tuple[str, bool]:
    """The column by which a table is in order, and whether it holds numbers."""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    keys = sorted((c for c in columns if c[5]), key=lambda c: int(c[5]))
    if not keys:
        return "rowid", True
    return str(keys[0][1]), str(keys[0][2]).upper() == "INTEGER"


def tables(connection: Connection) -> dict[str, list[str]]:
    """The tables and their columns."""
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' "
        "AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    return {
        name: [str(c[1]) for c in connection.execute(f"PRAGMA table_info({name})")]
        for (name,) in names
    }
