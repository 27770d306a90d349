"""The keys that were imported from a tracker, and what file each came from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from sqlite3 import Connection
from typing import NamedTuple

import msgspec

_NAME = "tracker_keys"


class Imported(NamedTuple):
    """Where a key came from, and when, milliseconds."""

    source: str
    at: int


def imported(connection: Connection) -> dict[str, Imported]:
    """The imported keys, in upper case."""
    row = connection.execute(
        "SELECT value FROM meta WHERE key = ?", (_NAME,)
    ).fetchone()
    if row is None:
        return {}
    return msgspec.json.decode(row[0], type=dict[str, Imported])


def put(connection: Connection, keys: Mapping[str, Imported]) -> None:
    """Keep these keys and no others."""
    connection.execute(
        "INSERT OR REPLACE INTO meta VALUES (?, ?)",
        (_NAME, msgspec.json.encode(keys, order="sorted").decode()),
    )


def without(
    keys: Mapping[str, Imported], names: Collection[str]
) -> dict[str, Imported]:
    """The keys but for some."""
    return {key: found for key, found in keys.items() if key not in names}
