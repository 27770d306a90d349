"""A second ledger, read anew from the logs, held against the first."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

_COMPARED = (
    "input_tokens output_tokens cache_read_tokens cache_creation_5m_tokens "
    "cache_creation_1h_tokens web_searches at cost"
).split()
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

    What only the ledger has is history: its logs have gone or were rewritten. Logs that
    grew since the recount read them are left out, and counted.
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
        f"SELECT f.response_id, m.id, {pairs} FROM fresh.response f "
        "JOIN fresh.log_file fl ON fl.id = f.file_id "
        "JOIN main.log_file ml ON ml.path = fl.path "
        "AND (ml.offset, ml.size) = (fl.offset, fl.size) "
        f"LEFT JOIN main.response m ON {_SAME_RESPONSE} WHERE m.id IS NULL OR {differs}"
    )
    missing = count = 0
    for response_id, number, *values in connection.execute(query):
        if number is None:
            missing += 1
            found.append(Difference(response_id, "response", None, 1))
        for name, ledger, logs in zip(
            _COMPARED, values[::2], values[1::2], strict=True
        ):
            if number is not None and ledger != logs:
                found.append(Difference(response_id, name, ledger, logs))
        count += 1
        del found[_SHOWN:]
    return Comparison(checked, growing, held - (checked - missing), count, found)
