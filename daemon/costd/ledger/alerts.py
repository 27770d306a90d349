"""What was told last of each alert."""

from __future__ import annotations

from sqlite3 import Connection

import msgspec

from costd.core.alerts import Standing

_LIST = msgspec.json.Decoder(list[str])


def standings(connection: Connection) -> dict[str, Standing]:
    """What was told last, by the names of the alerts."""
    rows = connection.execute("SELECT name, changes, since, subjects FROM alert")
    return {
        name: Standing(changes, since, _subjects(subjects))
        for name, changes, since, subjects in rows
    }


def _subjects(text: str) -> frozenset[str]:
    """The list; of a row that was damaged nobody knows it, and it is told anew."""
    try:
        return frozenset(_LIST.decode(text))
    except msgspec.DecodeError:
        return frozenset()


def put(connection: Connection, name: str, standing: Standing) -> None:
    """Keep it."""
    subjects = msgspec.json.encode(sorted(standing.subjects)).decode()
    connection.execute(
        "INSERT OR REPLACE INTO alert (name, changes, since, subjects) "
        "VALUES (?, ?, ?, ?)",
        (name, standing.changes, standing.since, subjects),
    )


def node_id(connection: Connection) -> str | None:
    """The name of this ledger in events; None while it has none."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'node_id'").fetchone()
    return str(row[0]) if row else None
