"""What each owner's work was and what it cost: lists of issues, and one in full."""

from __future__ import annotations

import re
from collections.abc import Collection
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.summary import Sums
from costd.ledger.cells import BUCKET_MS
from costd.ledger.evidence import chunks, marks
from costd.ledger.reports import (
    DIMENSIONS,
    SESSIONS,
    SUMS,
    Question,
    require_known,
    source_of,
    where_of,
)

_SEPARATOR = "\x1f"


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
        f"FROM {source_of((), columns)} WHERE {where} GROUP BY 1 ORDER BY sum(cost) DESC, 1",
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
    """What one lane of a session did for an owner, in a role, with a model."""

    owner: str
    session_id: str
    source: str
    project: str
    agent_id: str
    agent_type: str
    role: str
    model: str
    first_at: int
    last_at: int
    sums: Sums


_ALL = SUMS.replace(SESSIONS, "0")
_NAMES = re.findall(r"sum\((\w+)\)", SUMS)
_TOGETHER = _ALL.replace("sum(", "sum(part.")
_WORK = f"""
WITH part AS MATERIALIZED (
    SELECT a.issue, a.context_id, a.span, a.role, a.from_at, a.until_at, service_id,
           {", ".join(f"sum({name}) AS {name}" for name in _NAMES)}
    FROM attribution a
    CROSS JOIN cell ON cell.context_id = a.context_id AND cell.span = a.span
    WHERE a.issue IN ({{marks}}) AND cell.bucket >= ? AND cell.bucket < ?
    GROUP BY a.context_id, a.span, service_id
)
SELECT part.issue, s.session_id, s.source, c.project, c.agent_id,
       coalesce(g.agent_type, ''), part.role, sv.model,
       min(max(c.first_at, part.from_at)), max(min(c.last_at, part.until_at - 1)),
       {_TOGETHER}
FROM part JOIN context c ON c.id = part.context_id
JOIN session s ON s.id = c.session JOIN service sv ON sv.id = part.service_id
LEFT JOIN agent g ON g.session = c.session AND g.agent_id = c.agent_id
GROUP BY 1, 2, 3, 5, 7, 8
"""  # the cells first, and only then whose they are: there are far more of them


def work(
    connection: Connection,
    issues: Collection[str],
    since: int | None = None,
    until: int | None = None,
) -> list[WorkRow]:
    """Everything that was done for some issues or buckets, in a span of time."""
    found: list[WorkRow] = []
    span = _buckets(since, until)
    for some in chunks(sorted(issues)):
        rows = connection.execute(_WORK.format(marks=marks(some)), (*some, *span))
        found.extend(WorkRow._make((*row[:10], Sums(*row[10:]))) for row in rows)
    return found


def quarters(
    connection: Connection,
    issue: str,
    since: int | None = None,
    until: int | None = None,
) -> list[tuple[int, Sums]]:
    """The sums of an issue by quarter of an hour: when it begins, and what was in it."""
    rows = connection.execute(
        f"SELECT cell.bucket, {_ALL} FROM attribution a "
        "CROSS JOIN cell ON cell.context_id = a.context_id AND cell.span = a.span "
        "WHERE a.issue = ? AND cell.bucket >= ? AND cell.bucket < ? GROUP BY 1 ORDER BY 1",
        (issue, *_buckets(since, until)),
    )
    return [(bucket * BUCKET_MS, Sums(*sums)) for bucket, *sums in rows]


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


def bucket_extent(connection: Connection) -> dict[str, tuple[int, int]]:
    """How many sessions have something in a bucket, and when the latest of it was."""
    rows = connection.execute(
        "SELECT a.issue, count(DISTINCT c.session), max(min(c.last_at, a.until_at - 1)) "
        "FROM attribution a JOIN context c ON c.id = a.context_id "
        "WHERE a.issue LIKE 'none:%' GROUP BY 1"
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
