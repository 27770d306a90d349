"""The keys that were imported from a tracker, and what file each came from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from sqlite3 import Connection
from typing import NamedTuple


class Imported(NamedTuple):
    """Where a key came from, and when, milliseconds."""

    source: str
    at: int


def imported(connection: Connection) -> dict[str, Imported]:
    """The imported keys, in upper case."""
    rows = connection.execute("SELECT key, source, imported_at FROM tracker_key")
    return {key: Imported(source, at) for key, source, at in rows}


def put(connection: Connection, keys: Mapping[str, Imported]) -> None:
    """Keep these keys and no others."""
    connection.execute("DELETE FROM tracker_key")
    connection.executemany(
        "INSERT INTO tracker_key VALUES (?, ?, ?)",
        [(key, *found) for key, found in keys.items()],
    )


def without(
    keys: Mapping[str, Imported], names: Collection[str]
) -> dict[str, Imported]:
    """The keys but for some."""
    return {key: found for key, found in keys.items() if key not in names}
