"""Runs: what was reported of each attempt, and what its sessions have cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

from costd.core.errors import NotFoundError, UsageError
from costd.core.usage import Flag
from costd.ledger.evidence import marks


class NewRun(NamedTuple):
    """A run as it was reported; instants in milliseconds, unknown words empty."""

    run_id: str
    source: str
    place: str
    issue: str
    task: str
    role: str
    capability: str
    agent: str
    model: str
    status: str
    started_at: int
    ended_at: int
    duration_ms: int | None
    told: bytes
    sessions: tuple[str, ...]
    made_of: str = ""
    """The events that it is made of, where only events tell of it."""


class DueRun(NamedTuple):
    """A run whose figures may not be what the ledger says."""

    id: int
    run_id: str
    place: str
    agent: str
    model: str
    started_at: int
    ended_at: int
    told: bytes
    report: bytes | None
    said_status: str
    said_evidence: str


class Part(NamedTuple):
    """What a run spent at one price: sums, and one response that shows the rates."""

    agent: str
    model: str
    speed: str
    geo: str
    price: str
    card_version: str
    responses: int
    unfinalised: int
    unpriced: int
    unpriced_tokens: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_5m_tokens: int
    cache_creation_1h_tokens: int
    cost: int
    sample: int


class Sample(NamedTuple):
    """One response, as the rate card is asked about it."""

    at: int
    response_id: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_5m_tokens: int
    cache_creation_1h_tokens: int
    web_searches: int


_TOLD = tuple(name for name in NewRun._fields if name != "sessions")
_INSERT = (
    f"INSERT OR IGNORE INTO run ({', '.join(_TOLD)}) "
    f"VALUES ({', '.join('?' * len(_TOLD))})"
)


def put(connection: Connection, run: NewRun) -> bool:
    """Keep a run; False where it is known already."""
    row = [getattr(run, name) for name in _TOLD]
    cursor = connection.execute(_INSERT, row)
    if not cursor.rowcount:
        return False
    number = cursor.lastrowid
    connection.executemany(
        "INSERT OR IGNORE INTO run_session VALUES (?, ?)",
        [(number, session) for session in run.sessions],
    )
    return True


def due(connection: Connection, after: int, most: int) -> list[DueRun]:
    """The next runs whose figures are to be worked out, in the order of their numbers."""
    rows = connection.execute(
        f"SELECT {', '.join(DueRun._fields)} FROM run "
        "WHERE settled = 0 AND id > ? ORDER BY id LIMIT ?",
        (after, most),
    )
    return [DueRun(*row) for row in rows]


def unsettle(connection: Connection, since: int) -> None:
    """Responses from ``since`` on are not what they were: look at those runs again."""
    connection.execute(
        "UPDATE run SET settled = 0 WHERE settled AND ended_at >= ? "
        "AND cleaned_at IS NULL",
        (since,),
    )


def sessions_of(connection: Connection, run: DueRun, pid: int | None) -> list[str]:
    """The sessions of a run: those that were told, and those its process ran."""
    rows = connection.execute(
        "SELECT session_id FROM run_session WHERE run = ?1 UNION "
        "SELECT session_id FROM process WHERE pid = ?2 AND first_at BETWEEN ?3 AND ?4 "
        "ORDER BY 1",
        (run.id, pid, run.started_at, run.ended_at),
    )
    return [session for (session,) in rows]


_FRESH = (
    "input_tokens, output_tokens, cache_read_tokens, cache_creation_5m_tokens, "
    "cache_creation_1h_tokens"
).split(", ")
_PARTS = f"""
SELECT s.source, sv.model, sv.speed, sv.geo, p.name, p.card_version,
       sum(r.part = ''), sum(r.part = '' AND NOT r.flags & {Flag.FINAL}),
       sum(r.cost IS NULL),
       sum(iif(r.cost IS NULL, {" + ".join(f"r.{name}" for name in _FRESH)}, 0)),
       {", ".join(f"sum(iif(r.part LIKE 'hop:%', 0, r.{name}))" for name in _FRESH)},
       coalesce(sum(r.cost), 0), max(r.id)
FROM session s JOIN context c ON c.session = s.id
JOIN response r ON r.context_id = c.id
JOIN service sv ON sv.id = r.service_id JOIN price p ON p.id = r.price_id
WHERE s.session_id IN ({{marks}}) AND r.at >= ? AND r.at <= ?
GROUP BY s.source, sv.id, p.id ORDER BY 16 DESC, sv.model
"""


def parts(
    connection: Connection, sessions: Sequence[str], since: int, until: int
) -> list[Part]:
    """What sessions spent from one instant to another, both included, by price."""
    query = _PARTS.format(marks=marks(sessions))
    return [Part(*row) for row in connection.execute(query, (*sessions, since, until))]


def branch_of(connection: Connection, sessions: Sequence[str]) -> list[str]:
    """The branches of sessions, the first one first."""
    rows = connection.execute(
        "SELECT c.branch FROM session s JOIN context c ON c.session = s.id "
        f"WHERE s.session_id IN ({marks(sessions)}) ORDER BY c.id",
        tuple(sessions),
    )
    return [branch for (branch,) in rows]


def sample(connection: Connection, part: Part) -> Sample:
    """The response that stands for a part."""
    columns = ", ".join(Sample._fields)
    row = connection.execute(
        f"SELECT {columns} FROM response WHERE id = ?", (part.sample,)
    ).fetchone()
    return Sample(*row)


def complete(
    connection: Connection, run: DueRun, report: bytes, figures: Mapping[str, Any]
) -> None:
    """Keep the report with its figures, by the names of the table's columns."""
    names = list(figures)
    connection.execute(
        f"UPDATE run SET report = ?, {', '.join(f'{name} = ?' for name in names)} "
        "WHERE id = ?",
        (report, *figures.values(), run.id),
    )


class Wanted(NamedTuple):
    """Which runs: in a span by their beginning, by outcome, by issue or task (GLOB)."""

    since: int | None = None
    until: int | None = None
    statuses: tuple[str, ...] = ()
    task: str = ""
    limit: int = 0


def reports(connection: Connection, wanted: Wanted) -> tuple[list[bytes], int]:
    """The reports that were not cleaned, the latest first; and how many there are."""
    where, values = _where(wanted)
    (count,) = connection.execute(
        f"SELECT count(*) FROM run WHERE {where}", values
    ).fetchone()
    limit = f"LIMIT {wanted.limit:d}" if wanted.limit else ""
    rows = connection.execute(
        f"SELECT coalesce(report, told) FROM run WHERE {where} "
        f"ORDER BY started_at DESC, id DESC {limit}",
        values,
    )
    return [report for (report,) in rows], count


def _where(wanted: Wanted) -> tuple[str, list[Any]]:
    clauses, values = ["cleaned_at IS NULL"], list[Any]()
    if wanted.since is not None:
        clauses.append("started_at >= ?")
        values.append(wanted.since)
    if wanted.until is not None:
        clauses.append("started_at < ?")
        values.append(wanted.until)
    if wanted.statuses:
        clauses.append(f"status IN ({marks(wanted.statuses)})")
        values += wanted.statuses
    if wanted.task:
        clauses.append("(issue GLOB ? OR task GLOB ?)")
        values += [wanted.task, wanted.task]
    return " AND ".join(clauses), values


def report_of(connection: Connection, name: str) -> tuple[bytes, str]:
    """The report of the run whose id begins so, and its place.

    Raises:
        NotFoundError: there is none.
        UsageError: there are several.
    """
    begin = name.lower().removeprefix("run-").removesuffix(".json")
    rows = connection.execute(
        "SELECT coalesce(report, told), place FROM run WHERE cleaned_at IS NULL "
        "AND run_id >= ?1 AND substr(run_id, 1, length(?1)) = ?1 LIMIT 2",
        (begin,),
    ).fetchall()
    if not rows or not begin:
        raise NotFoundError(
            f"There is no run {name[:60]!r}.", "See `costd runs list` for their ids."
        )
    if len(rows) > 1:
        raise UsageError(f"Several runs begin with {name[:60]!r}.", "Give more of it.")
    return bytes(rows[0][0]), str(rows[0][1])


def report_at(connection: Connection, place: str) -> bytes | None:
    """The report that belongs into a file; None where there is none any more."""
    row = connection.execute(
        "SELECT report FROM run WHERE place = ? AND cleaned_at IS NULL", (place,)
    ).fetchone()
    return row[0] if row else None


def cleanable(connection: Connection, before: int) -> list[tuple[int, str]]:
    """The runs that began before an instant: their numbers, and their reports' places."""
    return connection.execute(
        "SELECT id, place FROM run WHERE started_at < ? AND cleaned_at IS NULL",
        (before,),
    ).fetchall()


def clean(connection: Connection, numbers: Iterable[int], now: int) -> None:
    """Forget the reports; what the runs counted stays."""
    connection.executemany(
        "UPDATE run SET cleaned_at = ?, report = NULL, told = x'', settled = 1 WHERE id = ?",
        [(now, number) for number in numbers],
    )
