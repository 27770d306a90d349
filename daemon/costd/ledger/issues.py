"""What each owner's work was and what it cost: lists of issues, and one in full."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence
from sqlite3 import Connection
from typing import NamedTuple
from zoneinfo import ZoneInfo

from costd.core.summary import Sums, together
from costd.ledger.cells import BUCKET_MS
from costd.ledger.evidence import chunks, marks
from costd.ledger.reports import (
    DIMENSIONS,
    SESSIONS,
    SUMS,
    Cut,
    Question,
    require_known,
    source_of,
    spans,
    where_of,
)

_SEPARATOR = "\x1f"
_ISSUES_AT_ONCE = 240
"""Named twice in one query; every SQLite takes twice as many parameters."""


class OwnerRow(NamedTuple):
    """An issue or a bucket in a list; ``roles`` and ``models`` without the empty one."""

    owner: str
    sums: Sums
    roles: list[str]
    models: list[str]
    last_at: int


def owners(connection: Connection, question: Question) -> list[OwnerRow]:
    """Every issue and bucket in a cut of the ledger, the dearest first.

    Raises:
        UsageError: an unknown filter.
    """
    require_known(list(question.filters))
    where, values = where_of(question._replace(by=()))
    columns = {"a.", "c.", "sv.", *(DIMENSIONS[name] for name in question.filters)}
    # group_concat takes no separator with DISTINCT: commas in a name are quoted.
    rows = connection.execute(
        f"SELECT a.issue, {SUMS}, group_concat(DISTINCT replace(a.role, ',', '{_SEPARATOR}')), "
        f"group_concat(DISTINCT replace(sv.model, ',', '{_SEPARATOR}')), "
        "max(min(c.last_at, a.until_at - 1)) "
        f"FROM {source_of(question._replace(by=()), columns)} WHERE {where} GROUP BY 1 ORDER BY sum(cost) DESC, 1",
        values,
    )
    return [
        OwnerRow(
            owner, Sums(*found[:13]), _names(found[13]), _names(found[14]), found[15]
        )
        for owner, *found in rows
    ]


def _names(joined: str | None) -> list[str]:
    names = (joined or "").split(",")
    return sorted(name.replace(_SEPARATOR, ",") for name in names if name)


class WorkRow(NamedTuple):
    """What one lane of a session did for an owner on a UTC day, in a role, with a model.

    Where a boundary cuts the day, it is a quarter of an hour.
    """

    owner: str
    session_id: str
    source: str
    project: str
    agent_id: str
    agent_type: str
    role: str
    model: str
    first_at: int
    """When the first thing was done there, on whatever day."""
    last_at: int
    piece: tuple[int, int, int, int, int]
    """Context, span, service, and the first and last bucket that it may be in."""
    sums: Sums


_ALL = SUMS.replace(SESSIONS, "0")
_NAMES = ", ".join(re.findall(r"sum\((\w+)\)", SUMS))
_STINTS = "stint d ON d.context_id = a.context_id AND d.span = a.span"
_NAMED = (
    "CROSS JOIN context c ON c.id = a.context_id "
    "CROSS JOIN session s ON s.id = c.session "
    "LEFT JOIN agent g ON c.agent_id <> '' AND g.session = c.session "
    "AND g.agent_id = c.agent_id"
)
_LANE = (
    "a.issue, s.session_id, s.source, c.project, c.agent_id, "
    "coalesce(g.agent_type, ''), a.role, "
    "max(c.first_at, a.from_at), min(c.last_at, a.until_at - 1), "
    "a.context_id, a.span, d.service_id"
)


def _sums_of(table: str) -> str:
    responses, *others = (f"{table}.{name}" for name in _NAMES.split(", "))
    return f"{responses}, 0, {', '.join(others)}"


_WHOLE = (
    f"SELECT {_LANE}, d.first, d.last, {_sums_of('d')} "
    f"FROM attribution a CROSS JOIN {_STINTS} {_NAMED} WHERE a.issue IN ({{marks}})"
)
_WITHIN = (
    f"{_WHOLE} AND d.first >= ? AND d.last < ? UNION ALL "
    f"SELECT {_LANE}, cell.bucket, cell.bucket, {_sums_of('cell')} "
    f"FROM attribution a CROSS JOIN {_STINTS} CROSS JOIN cell INDEXED BY cell_context "
    "ON cell.context_id = d.context_id AND cell.span = d.span "
    f"AND cell.service_id = d.service_id AND cell.bucket BETWEEN d.first AND d.last "
    f"{_NAMED} WHERE a.issue IN ({{marks}}) AND NOT (d.first >= ? AND d.last < ?) "
    "AND cell.bucket >= ? AND cell.bucket < ?"
)
"""The stints in a span of time, and the cells of those that its ends cut."""


def work(
    connection: Connection,
    issues: Collection[str],
    since: int | None = None,
    until: int | None = None,
) -> list[WorkRow]:
    """Everything that was done for some issues or buckets, in a span of time."""
    found = list[WorkRow]()
    new = tuple.__new__  # there are many rows, and each is as long as it must be
    models = dict(connection.execute("SELECT id, model FROM service"))
    is_whole = since is None and until is None
    span = _buckets(since, until)
    for some in chunks(sorted(issues), _ISSUES_AT_ONCE):
        query = (_WHOLE if is_whole else _WITHIN).format(marks=marks(some))
        values = some if is_whole else (*some, *span, *some, *span, *span)
        found += [
            new(
                WorkRow,
                (
                    *row[:7],
                    models[row[11]],
                    *row[7:9],
                    row[9:14],
                    new(Sums, row[14:]),
                ),
            )
            for row in connection.execute(query, values)
        ]
    return found


_PART = (
    f"SELECT {_ALL} FROM cell INDEXED BY cell_context WHERE context_id = ? "
    "AND span = ? AND service_id = ? AND bucket >= ? AND bucket < ?"
)


def days(connection: Connection, rows: Sequence[WorkRow], zone: ZoneInfo) -> list[Cut]:
    """What ``work`` has found, by day of a zone, the earliest first."""
    if not rows:
        return []
    first, last = min(row.piece[3] for row in rows), max(row.piece[4] for row in rows)
    found = spans(connection, "day", first * BUCKET_MS, last * BUCKET_MS, zone)
    begins = [period.start // BUCKET_MS for period in found]
    ends = [period.end // BUCKET_MS for period in found]
    parts: defaultdict[int, list[Sums]] = defaultdict(list)
    for row in rows:
        *_, begin, end = row.piece
        day = bisect_right(begins, begin) - 1
        if end < ends[day]:
            parts[day].append(row.sums)
            continue
        for cut_day in range(day, bisect_right(begins, end)):
            part = connection.execute(
                _PART, (*row.piece[:3], begins[cut_day], ends[cut_day])
            )
            sums = Sums(*(value or 0 for value in part.fetchone()))
            if any(sums):
                parts[cut_day].append(sums)
    return [Cut((found[day].label,), together(parts[day])) for day in sorted(parts)]


def _buckets(since: int | None, until: int | None) -> tuple[int, int]:
    return (
        -(2**62) if since is None else since // BUCKET_MS,
        2**62 if until is None else -(-until // BUCKET_MS),
    )


def every_owner(connection: Connection) -> set[str]:
    """All issues and buckets that own anything."""
    return {
        owner
        for (owner,) in connection.execute("SELECT DISTINCT issue FROM attribution")
    }


def bucket_extent(
    connection: Connection, buckets: Collection[str] | None = None
) -> dict[str, tuple[int, int]]:
    """How many sessions have something in a bucket, and when the latest of it was.

    Args:
        connection: the ledger's.
        buckets: only these; None: all that have anything.
    """
    names = sorted(buckets or ())
    where = "a.issue LIKE 'none:%'"
    if buckets is not None:
        where = f"a.issue IN ({marks(names)})"
    rows = connection.execute(
        "SELECT a.issue, count(DISTINCT c.session), max(min(c.last_at, a.until_at - 1)) "
        "FROM attribution a JOIN context c ON c.id = a.context_id "
        f"WHERE {where} GROUP BY 1",
        names,
    )
    return {bucket: (sessions, last_at) for bucket, sessions, last_at in rows}


class PullLink(NamedTuple):
    """A pull request that a session named, and when it first and last did."""

    session_id: str
    url: str
    number: int
    repository: str
    first_at: int
    last_at: int


def pull_requests(
    connection: Connection, session_ids: Collection[str]
) -> list[PullLink]:
    """The pull requests that sessions named, the earliest first."""
    found: list[PullLink] = []
    for some in chunks(sorted(session_ids)):
        rows = connection.execute(
            "SELECT s.session_id, p.url, p.number, p.repository, p.first_at, p.last_at "
            "FROM session s JOIN pr_link p ON p.session = s.id "
            f"WHERE s.session_id IN ({marks(some)})",
            some,
        )
        found.extend(PullLink(*row) for row in rows)
    return sorted(found, key=lambda link: (link.first_at, link.url, link.session_id))
