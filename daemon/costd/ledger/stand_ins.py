"""Rows in place of those that were lost and that other rows point to.

A response whose place, model or log cannot be read any more keeps its money: it is
shown under a session, a model and a log of the name ``lost``.
"""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Connection

from costd.ledger import logs

_SESSIONS = """
INSERT OR IGNORE INTO session (id, source, session_id)
SELECT DISTINCT session, 'claude', 'lost-' || session FROM context
WHERE session NOT IN (SELECT id FROM session)
"""
_CONTEXTS = "SELECT DISTINCT context_id FROM response"
_SERVICES = "SELECT DISTINCT service_id FROM response"
_PRICES = "SELECT DISTINCT price_id FROM response"
_LOGS = "SELECT file_id FROM response UNION SELECT file_id FROM observation"
_LOG = {
    **logs.UNREAD,
    "source": "claude",
    "root": b"",
    "generation": 0,
    "vanished_at": 0,
}


def put(
    connection: Connection, contexts: Iterable[int], services: Iterable[int]
) -> None:
    """Make all that is missing; within the caller's transaction.

    Args:
        connection: of the new ledger.
        contexts: numbers that kept observations name.
        services: likewise.
    """
    run, many = connection.execute, connection.executemany
    run(_SESSIONS)
    lost = _missing(connection, "context", _CONTEXTS, contexts)
    if lost:
        session = "INSERT INTO session (source, session_id) VALUES ('claude', 'lost')"
        (number,) = run(f"{session} RETURNING id").fetchone()
        many(
            "INSERT INTO context (id, session, agent_id, cwd, branch, first_at, last_at) "
            "SELECT ?1, ?2, 'lost-' || ?1, '', '', coalesce(min(at), 0), "
            "coalesce(max(at), 0) FROM response WHERE context_id = ?1",
            [(context, number) for context in lost],
        )
    many(
        "INSERT INTO service (id, model, speed, geo) VALUES (?1, 'lost', ?1, '')",
        [(str(n),) for n in _missing(connection, "service", _SERVICES, services)],
    )
    many(
        "INSERT INTO price (id, name, card_version) VALUES (?1, 'lost ' || ?1, '')",
        [(n,) for n in _missing(connection, "price", _PRICES, ())],
    )
    for number in _missing(connection, "log_file", _LOGS, ()):
        row: dict[str, object] = {**_LOG, "id": number, "path": b"lost-%d" % number}
        marks = ", ".join("?" * len(row))
        sql = f"INSERT INTO log_file ({', '.join(row)}) VALUES ({marks})"
        run(sql, list(row.values()))


def _missing(
    connection: Connection, table: str, query: str, others: Iterable[int]
) -> list[int]:
    have = {n for (n,) in connection.execute(f"SELECT id FROM {table}")}
    wanted = {n for (n,) in connection.execute(query)} | set(others)
    return sorted(wanted - have)
