"""A second ledger, read anew from the logs, held against the first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

_TOKENS = (
    "input_tokens output_tokens cache_read_tokens cache_creation_5m_tokens "
    "cache_creation_1h_tokens web_searches"
).split()
_COMPARED = [*_TOKENS, "at", "cost"]
_SHOWN = 100
_SAME_RESPONSE = (
    "m.grp = f.grp AND m.response_id = f.response_id AND m.scope = f.scope "
    "AND m.request_id = f.request_id AND m.part = f.part"
)


class Difference(NamedTuple):
    """A field of a response that the ledger and the logs see differently."""

    response_id: str
    field: str
    ledger: int | None
    logs: int | None


class Comparison(NamedTuple):
    """Responses in the logs, responses only in the ledger, and the differences."""

    checked: int
    growing: int
    only_in_ledger: int
    different: int
    differences: list[Difference]


def compare(connection: Connection, fresh: Path) -> Comparison:
    """Hold every response that the logs on disk give against the ledger.

    What only the ledger has is history: its logs have gone or were rewritten. So is what
    it knows better for that reason: a final count whose line was removed again, or that
    a replay's original has gone. Logs that grew since the recount read them are left
    out, and counted.
    """
    connection.execute("ATTACH ? AS fresh", (str(fresh),))
    try:
        return _compare(connection)
    finally:
        connection.execute("DETACH fresh")


def _compare(connection: Connection) -> Comparison:
    (checked,) = connection.execute("SELECT count(*) FROM fresh.response").fetchone()
    (held,) = connection.execute("SELECT count(*) FROM main.response").fetchone()
    found: list[Difference] = []
    differs = " OR ".join(f"m.{name} IS NOT f.{name}" for name in _COMPARED)
    pairs = ", ".join(f"m.{name}, f.{name}" for name in _COMPARED)
    (growing,) = connection.execute(
        "SELECT count(*) FROM fresh.log_file f JOIN main.log_file m ON m.path = f.path "
        "WHERE (m.offset, m.size) <> (f.offset, f.size)"
    ).fetchone()
    query = (
        f"SELECT f.id, m.id, f.response_id, {pairs} FROM fresh.response f "
        "JOIN fresh.log_file fl ON fl.id = f.file_id "
        "JOIN main.log_file ml ON ml.path = fl.path "
        "AND (ml.offset, ml.size) = (fl.offset, fl.size) "
        f"LEFT JOIN main.response m ON {_SAME_RESPONSE} WHERE m.id IS NULL OR {differs}"
    )
    missing = count = 0
    for fresh, number, response_id, *values in connection.execute(query):
        missing += number is None
        if _is_history(connection, fresh, number):
            continue
        found += _differences(response_id, number, values)
        count += 1
        del found[_SHOWN:]
    return Comparison(checked, growing, held - (checked - missing), count, found)


def _differences(
    response_id: str, number: int | None, values: list[int | None]
) -> Iterator[Difference]:
    if number is None:
        yield Difference(response_id, "response", None, 1)
        return
    for name, ledger, logs in zip(_COMPARED, values[::2], values[1::2], strict=True):
        if ledger != logs:
            yield Difference(response_id, name, ledger, logs)


_LOST = """
SELECT EXISTS (SELECT 1 FROM main.log_file l
WHERE (l.vanished_at IS NOT NULL OR l.generation > 0)
AND (l.id = m.file_id OR l.id IN (SELECT file_id FROM main.observation o
                                  WHERE o.grp = m.grp)))
"""
_FACTS = (*_TOKENS, "at")
_FULLER = (
    f"{' AND '.join(f'm.{name} >= f.{name}' for name in _TOKENS)} AND m.at <= f.at "
    f"AND ({', '.join(f'm.{name}' for name in _FACTS)}) <> "
    f"({', '.join(f'f.{name}' for name in _FACTS)})"
)
_REPLAYED = f"""
SELECT ({_LOST}) FROM fresh.response f JOIN main.observation o ON o.grp = f.grp AND
o.key = f.response_id || char(31) || f.scope || char(31) || f.request_id
    || char(31) || f.part
JOIN main.response m ON m.grp = f.grp AND m.response_id = f.response_id
AND m.scope = f.scope AND m.part = f.part WHERE f.id = ?
"""


def _is_history(connection: Connection, fresh: int, number: int | None) -> bool:
    """Whether the ledger knows better, from a log that is gone or was rewritten."""
    if number is None:
        row = connection.execute(_REPLAYED, (fresh,)).fetchone()
    else:
        row = connection.execute(
            f"SELECT ({_LOST}) AND {_FULLER} "
            "FROM main.response m, fresh.response f WHERE m.id = ? AND f.id = ?",
            (number, fresh),
        ).fetchone()
    return row is not None and bool(row[0])
