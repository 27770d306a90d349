"""Everything about one response."""

from __future__ import annotations

from sqlite3 import Connection
from typing import NamedTuple

import msgspec

from costd.core.attribution import Attribution
from costd.core.errors import NotFoundError
from costd.core.usage import Context, Observation, Service
from costd.ledger.rows import COLUMNS, Row


class Copy(NamedTuple):
    """Another log that shows the response."""

    path: bytes
    offset: int
    request_id: str


class Explained(NamedTuple):
    """A response or one of its parts, with all that its row points to."""

    row: Row
    context: Context
    service: Service
    price_name: str
    card_version: str
    path: bytes
    vanished_at: int | None
    owner: Attribution
    copies: list[Copy]


_ROWS = f"""
SELECT {", ".join("r." + c.strip() for c in COLUMNS.split(","))},
       s.session_id, c.agent_id, c.cwd, c.branch, sv.model, sv.speed, sv.geo,
       p.name, p.card_version, l.path, l.vanished_at,
       a.issue, a.role, a.rule, a.confidence, a.evidence, a.candidate,
       a.candidate_confidence, a.via
FROM response r JOIN context c ON c.id = r.context_id JOIN session s ON s.id = c.session
JOIN service sv ON sv.id = r.service_id JOIN price p ON p.id = r.price_id
JOIN log_file l ON l.id = r.file_id JOIN attribution a ON a.context_id = c.id AND a.from_at <= r.at AND r.at < a.until_at
WHERE {{where}} ORDER BY r.at, r.part LIMIT 50
"""
_WIDTH = len(Row._fields)


def explain(connection: Connection, name: str, group: int) -> list[Explained]:
    """The responses with a response id or a request id, each with its parts.

    Args:
        connection: the ledger's.
        name: the id.
        group: the number of the group in which a response of that id is.

    Raises:
        NotFoundError: the ledger has none.
    """
    query = _ROWS.format(where="r.grp = ?1 AND r.response_id = ?2")
    rows = connection.execute(query, (group, name)).fetchall()
    if not rows:
        # A request id, or an id that is only unique within a session: look at all.
        query = _ROWS.format(where="r.request_id = ?1 OR r.response_id = ?1")
        rows = connection.execute(query, (name,)).fetchall()
    if not rows:
        raise NotFoundError(
            f"The ledger has no response {name[:80]!r}.",
            "Give the message's id (msg_…) or the request's (req_…).",
        )
    return [_explained(connection, row) for row in rows]


def _explained(connection: Connection, values: tuple[object, ...]) -> Explained:
    row = Row(*values[:_WIDTH])  # type: ignore[arg-type]  # types are the table's
    rest = list(values[_WIDTH:])
    return Explained(
        row,
        Context(*rest[0:4]),  # type: ignore[arg-type]  # types are the table's
        Service(*rest[4:7]),  # type: ignore[arg-type]  # types are the table's
        str(rest[7]),
        str(rest[8]),
        rest[9],  # type: ignore[arg-type]  # types are the table's
        rest[10],  # type: ignore[arg-type]  # types are the table's
        Attribution(*rest[11:19]),  # type: ignore[arg-type]  # types are the table's
        _copies(connection, row),
    )


def _copies(connection: Connection, row: Row) -> list[Copy]:
    found = []
    for path, packed in connection.execute(
        "SELECT l.path, o.seen FROM observation o JOIN log_file l ON l.id = o.file_id "
        "WHERE o.grp = ? ORDER BY l.path",
        (row.grp,),
    ):
        seen = msgspec.msgpack.decode(packed, type=Observation)
        if (seen.response_id, seen.scope, seen.part) == row[2:3] + row[4:6]:
            found.append(Copy(path, seen.offset, seen.request_id))
    return found
