"""Money in buckets that could have an owner: what was seen, but not surely enough."""

from __future__ import annotations

from sqlite3 import Connection
from typing import NamedTuple

from costd.ledger.cells import BUCKET_MS

Span = tuple[int, ...]


class Hint(NamedTuple):
    """A place whose name may speak of an issue."""

    cwd: str
    branch: str
    bucket: str
    issue: str
    confidence: int
    evidence: str
    session_id: str
    responses: int
    cost: int
    unpriced: int


class Neighbour(NamedTuple):
    """A session with money in a bucket, and the one thing that it is known to be for."""

    session_id: str
    bucket: str
    responses: int
    cost: int
    unpriced: int
    issue: str
    number: int
    repository: str
    prompted: str


_HINTS = """
SELECT c.cwd, coalesce(nullif(p.worktree_branch, ''), c.branch), a.issue, a.candidate,
       a.candidate_confidence, a.evidence, s.session_id, sum(cell.responses),
       sum(cell.cost), sum(cell.unpriced)
FROM attribution a JOIN context c ON c.id = a.context_id
JOIN place p ON p.context_id = c.id JOIN session s ON s.id = c.session
JOIN {cell} AS cell ON cell.context_id = a.context_id AND cell.span = a.span
WHERE a.rule = 'bucket' AND a.candidate <> '' AND a.candidate_confidence > 0
      AND {within}
GROUP BY a.context_id, a.span
"""
_HELD = """
SELECT c.session, min(a.issue) AS bucket, sum(cell.responses) AS responses,
       sum(cell.cost) AS cost, sum(cell.unpriced) AS unpriced
FROM attribution a JOIN context c ON c.id = a.context_id
JOIN {cell} AS cell ON cell.context_id = a.context_id AND cell.span = a.span
WHERE a.rule = 'bucket' AND a.candidate_confidence = 0
      AND a.issue IN ('none:default-branch', 'none:no-match', 'none:no-repo')
      AND {within}
GROUP BY 1
"""
_NEIGHBOURS = f"""
WITH held AS ({_HELD}),
owned AS (
    SELECT c.session, min(a.issue) AS issue FROM context c
    JOIN attribution a ON a.context_id = c.id
    WHERE a.issue NOT LIKE 'none:%' AND c.session IN (SELECT session FROM held)
    GROUP BY 1 HAVING count(DISTINCT a.issue) = 1
),
linked AS (
    SELECT session, min(number) AS number, min(repository) AS repository FROM pr_link
    WHERE session NOT IN (
        SELECT c.session FROM context c JOIN attribution a ON a.context_id = c.id
        WHERE a.issue NOT LIKE 'none:%'
    ) GROUP BY 1 HAVING count(DISTINCT url) = 1
),
prompted AS (
    SELECT session, issue FROM prompt_issue WHERE session NOT IN (
        SELECT c.session FROM context c JOIN attribution a ON a.context_id = c.id
        WHERE a.issue NOT LIKE 'none:%'
    )
)
SELECT s.session_id, held.bucket, held.responses, held.cost, held.unpriced,
       coalesce(owned.issue, ''), coalesce(linked.number, 0),
       coalesce(linked.repository, ''), coalesce(prompted.issue, '')
FROM held JOIN session s ON s.id = held.session
LEFT JOIN owned ON owned.session = held.session
LEFT JOIN linked ON linked.session = held.session
LEFT JOIN prompted ON prompted.session = held.session
WHERE owned.issue IS NOT NULL OR linked.number > 0 OR prompted.issue IS NOT NULL
"""


def hints(connection: Connection, since: int | None, until: int | None) -> list[Hint]:
    """Each piece of a bucket in which an issue was seen without counting."""
    rows = connection.execute(*_within(_HINTS, since, until))
    return [Hint(*row) for row in rows]


def neighbours(
    connection: Connection, since: int | None, until: int | None
) -> list[Neighbour]:
    """Sessions that are for one issue elsewhere, or that named one thing."""
    rows = connection.execute(*_within(_NEIGHBOURS, since, until))
    return [Neighbour(*row) for row in rows]


def _within(query: str, since: int | None, until: int | None) -> tuple[str, Span]:
    """The query over a span of time; over all of it a tenth of the rows say the same."""
    if since is None and until is None:
        return query.format(cell="stint", within="true"), ()
    low = -(2**62) if since is None else since // BUCKET_MS
    high = 2**62 if until is None else -(-until // BUCKET_MS)
    within = "cell.bucket >= ? AND cell.bucket < ?"
    return query.format(cell="cell", within=within), (low, high)
