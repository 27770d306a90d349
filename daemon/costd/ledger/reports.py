"""Any cut of the ledger, as sums over cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from costd.core.errors import UsageError
from costd.core.instants import DAY
from costd.core.periods import KINDS, Period, is_dense, periods, periods_with
from costd.core.summary import Sums
from costd.ledger import stints
from costd.ledger.cells import BUCKET_MS

DIMENSIONS: Mapping[str, str] = {
    "model": "sv.model",
    "agent": "s.source",
    "session": "s.session_id",
    "project": "c.project",
    "branch": "c.branch",
    "role": "a.role",
    "issue": "a.issue",
    # What is done before a pull request is linked goes into it; after the last link,
    # the work is on the one that was named last.
    "pr": "coalesce((SELECT url FROM pr_link p WHERE p.session = c.session "
    f"AND p.first_at >= cell.bucket * {BUCKET_MS} ORDER BY p.first_at LIMIT 1), "
    "(SELECT url FROM pr_link p WHERE p.session = c.session "
    "ORDER BY p.last_at DESC LIMIT 1), '')",
    "subagent": "c.agent_id",
}
"""What can be grouped and filtered by, and the column that says it."""

SESSIONS = "count(DISTINCT c.session)"
SUMS = (
    f"sum(responses), {SESSIONS}, sum(input_tokens), sum(output_tokens), "
    "sum(cache_read_tokens), sum(cache_creation_5m_tokens), "
    "sum(cache_creation_1h_tokens), sum(reasoning_tokens), sum(web_searches), "
    "sum(cost), sum(unfinalised), sum(unpriced), sum(unpriced_tokens)"
)
_JOINS = {
    "c": "JOIN context c ON c.id = cell.context_id",
    "s": "JOIN session s ON s.id = c.session",
    "sv": "JOIN service sv ON sv.id = cell.service_id",
    "a": "JOIN attribution a ON a.context_id = cell.context_id AND a.span = cell.span",
}
"""Tables beside the cells, by the alias that columns use; only needed ones are read."""
_BUCKETS_A_DAY = DAY // BUCKET_MS


class Cut(NamedTuple):
    """One row of a report: the values of its dimensions, and the sums."""

    keys: tuple[str, ...]
    sums: Sums


class Question(NamedTuple):
    """What is to be cut, and how; instants in milliseconds, ``until`` excluded."""

    by: Sequence[str]
    since: int | None
    until: int | None
    zone: ZoneInfo
    filters: Mapping[str, Sequence[str]]


def cut(connection: Connection, question: Question) -> list[Cut]:
    """The rows of a report, in the order of their keys.

    A boundary within a quarter of an hour is taken to the quarter's beginning.

    Raises:
        UsageError: an unknown dimension, two kinds of period at once.
    """
    times = [name for name in question.by if name in KINDS]
    others = [name for name in question.by if name not in KINDS]
    if len(times) > 1:
        raise UsageError(
            f"--by takes one of {', '.join(KINDS)} at a time.", "Leave one of them out."
        )
    require_known([*others, *question.filters])
    spans = laid_periods(connection, question, times[0] if times else "")
    where, values = where_of(question)
    aliases = {DIMENSIONS[n] for n in (*others, *question.filters)}
    groups = [*(["period.i"] if times else []), *(DIMENSIONS[n] for n in others)]
    source = source_of(question, {"c.", *aliases})
    query = f"SELECT {', '.join([*groups, SUMS])} FROM {source} WHERE {where}"
    if groups:
        query += " GROUP BY " + ", ".join(str(n + 1) for n in range(len(groups)))
        query += " ORDER BY " + ", ".join(str(n + 1) for n in range(len(groups)))
    rows = connection.execute(query, values).fetchall()
    return [
        _cut(question.by, row, spans) for row in rows if row[len(groups)] is not None
    ]


def source_of(question: Question, columns: set[str]) -> str:
    """The cells, with the periods before them and the tables that columns need.

    For all of the past stints say the same and are far fewer; of one that the end of
    the question cuts, the cells are taken. What lies in a few days is in few cells.
    """
    needed = " ".join(
        join
        for alias, join in _JOINS.items()
        if any(re.search(rf"\b{alias}\.", column) for column in columns)
    )
    if any(name in KINDS for name in question.by):
        return f"period CROSS JOIN cell {needed}"
    if question.since is not None or any("cell." in column for column in columns):
        return f"cell {needed}"
    if question.until is None:
        return f"stint AS cell {needed}"
    end = -(-question.until // BUCKET_MS)
    return f"({_PAST.format(end=end)}) AS cell {needed}"


_PAST = f"""
SELECT context_id, span, service_id, first AS bucket, {", ".join(stints.SUMS)}
FROM stint WHERE last < {{end:d}}
UNION ALL
SELECT d.context_id, d.span, d.service_id, cell.bucket,
       {", ".join(f"cell.{name}" for name in stints.SUMS)}
FROM stint d CROSS JOIN cell INDEXED BY cell_context
     ON cell.context_id = d.context_id AND cell.span = d.span
     AND cell.service_id = d.service_id AND cell.bucket BETWEEN d.first AND d.last
WHERE d.first < {{end:d}} AND d.last >= {{end:d}} AND cell.bucket < {{end:d}}
"""


def require_known(names: Sequence[str]) -> None:
    """Refuse what is no dimension.

    Raises:
        UsageError: one of the names is none.
    """
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown:
        raise UsageError(
            f"{unknown[0][:40]!r} is nothing that costs can be cut by.",
            "Use " + ", ".join([*KINDS, *DIMENSIONS]) + ".",
        )


def laid_periods(connection: Connection, question: Question, kind: str) -> list[Period]:
    """The periods that the answer may hold, also as a table to join with."""
    if not kind:
        return []
    low, high = connection.execute(
        # both in one SELECT would read every cell instead of two ends of an index
        "SELECT (SELECT min(bucket) FROM cell), (SELECT max(bucket) FROM cell)"
    ).fetchone()
    found: list[Period] = []
    if low is not None:
        first = max(low, (question.since or 0) // BUCKET_MS) * BUCKET_MS
        last = min(high * BUCKET_MS, (question.until or 2**62) - 1)
        if first <= last:
            found = spans(connection, kind, first, last, question.zone)
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS period (i INTEGER PRIMARY KEY, a INTEGER, b INTEGER)"
    )
    connection.execute("DELETE FROM period")
    connection.executemany(
        "INSERT INTO period VALUES (?, ?, ?)",
        ((i, p.start // BUCKET_MS, p.end // BUCKET_MS) for i, p in enumerate(found)),
    )
    return found


def spans(
    connection: Connection, kind: str, first: int, last: int, zone: ZoneInfo
) -> list[Period]:
    """The periods from one instant to another; only those with cells where many lie."""
    if is_dense(kind, first, last):
        return periods(kind, first, last, zone)
    days = connection.execute(
        f"SELECT DISTINCT bucket / {_BUCKETS_A_DAY} FROM cell "
        "WHERE bucket BETWEEN ? AND ? ORDER BY 1",
        (first // BUCKET_MS, last // BUCKET_MS),
    ).fetchall()
    return periods_with(kind, (day for (day,) in days), first, last, zone)


def where_of(question: Question) -> tuple[str, list[Any]]:
    """The condition that a question puts on cells, and its parameters."""
    clauses, values = ["1"], list[Any]()
    # A session is found by its contexts; a year that holds it would be read in full.
    bucket = "+cell.bucket" if "session" in question.filters else "cell.bucket"
    if any(name in KINDS for name in question.by):
        clauses.append("cell.bucket >= period.a AND cell.bucket < period.b")
    if question.since is not None:
        clauses.append(f"{bucket} >= ?")
        values.append(question.since // BUCKET_MS)
    if question.until is not None:
        clauses.append(f"{bucket} < ?")
        values.append(-(-question.until // BUCKET_MS))
    for name, wanted in question.filters.items():
        clauses.append(f"{DIMENSIONS[name]} IN ({', '.join('?' * len(wanted))})")
        values.extend(wanted)
    return " AND ".join(clauses), values


def _cut(by: Sequence[str], row: tuple[Any, ...], spans: list[Period]) -> Cut:
    found = list(row)
    period = spans[found.pop(0)].label if any(n in KINDS for n in by) else ""
    keys = [period if n in KINDS else str(found.pop(0)) for n in by]
    return Cut(tuple(keys), Sums(*found))


class Owned(NamedTuple):
    """Nano-USD that issues own, and that named buckets hold; together it is all."""

    issues: int
    buckets: int


def owned(connection: Connection, question: Question) -> Owned:
    """How a cut divides between issues and buckets."""
    where, values = where_of(question._replace(by=()))
    columns = {"c.", "a.", *(DIMENSIONS[name] for name in question.filters)}
    rows = connection.execute(
        "SELECT a.issue LIKE 'none:%', sum(cell.cost) "
        f"FROM {source_of(question._replace(by=()), columns)} WHERE {where} GROUP BY 1",
        values,
    )
    sums = dict(rows.fetchall())
    return Owned(sums.get(0, 0), sums.get(1, 0))


def total(connection: Connection, since: int | None, until: int | None) -> Sums:
    """The sum of a span of time, without the sessions; cheap for a short span."""
    question = Question((), since, until, ZoneInfo("UTC"), {})
    where, values = where_of(question)
    (row,) = connection.execute(
        f"SELECT {SUMS.replace(SESSIONS, '0')} "
        f"FROM {source_of(question, set())} WHERE {where}",
        values,
    )
    return Sums() if row[0] is None else Sums(*row)


def session_counts(connection: Connection) -> dict[str, int]:
    """How many sessions each agent has."""
    rows = connection.execute(
        "SELECT s.source, count(*) FROM (SELECT DISTINCT session FROM context) c "
        "JOIN session s ON s.id = c.session GROUP BY 1"
    )
    return dict(rows.fetchall())
