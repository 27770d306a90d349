"""Sums over attempts: runs, and calls that are in no run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.capabilities import runtime_of
from costd.core.efforts import Effort
from costd.ledger.cells import BUCKET_MS

_KNOWN = "status IN ('completed', 'failed', 'blocked')"
_OF_RUNS = (
    "count(*), sum(status = 'completed'), sum(status = 'failed'), "
    "sum(status = 'blocked'), count(duration_ms), coalesce(sum(duration_ms), 0), "
    "min(duration_ms), max(duration_ms), count(cost), coalesce(sum(cost), 0), "
    f"sum({_KNOWN} AND cost IS NOT NULL), coalesce(sum(iif({_KNOWN}, cost, 0)), 0), "
    "coalesce(sum(tokens), 0), 0, 0"
)
_OF_CALLS = (
    "sum(tasks), sum(succeeded), sum(failed), sum(blocked), sum(timed), "
    "sum(duration_ms), min(shortest_ms), max(longest_ms), sum(costed), sum(cost), "
    "sum(judged), sum(judged_cost), sum(tokens), sum(responses), sum(response_ms)"
)


class Kind(NamedTuple):
    """Attempts of one agent at one kind of work."""

    agent: str
    capability: str
    is_inferred: bool
    effort: Effort


class Moment(NamedTuple):
    """Attempts of one agent that ended in one quarter of an hour, or at one instant."""

    agent: str
    at: int
    effort: Effort


Span = tuple[int, int]
"""From when to when, whole quarters of an hour; what ends in it is in it."""
_EVER = (-(2**53), 2**53)


def by_kind(connection: Connection, span: Span = _EVER) -> list[Kind]:
    """What ended in a span, by agent and kind of work."""
    is_ever = span == _EVER  # then those count too of which nobody knows when they did
    first, last = span[0] // BUCKET_MS, -(-span[1] // BUCKET_MS)
    runs = connection.execute(
        f"SELECT agent, capability, is_inferred, {_OF_RUNS} FROM run "
        "WHERE ? OR (ended_at >= ? AND ended_at < ?) GROUP BY 1, 2, 3",
        (is_ever, first * BUCKET_MS, last * BUCKET_MS),
    )
    calls = connection.execute(
        f"SELECT agent, capability, 0, {_OF_CALLS} FROM call_cell "
        "WHERE bucket >= ? AND bucket < ? GROUP BY 1, 2",
        (first, last),
    )
    return [
        Kind(agent, capability, bool(inferred), Effort(*sums))
        for rows in (runs, calls)
        for agent, capability, inferred, *sums in rows
    ]


def moments(connection: Connection, since: int, until: int) -> Iterator[Moment]:
    """Attempts that ended in a span of whole quarters of an hour, in some order."""
    first, last = since // BUCKET_MS, -(-until // BUCKET_MS)
    runs = connection.execute(
        f"SELECT agent, ended_at / {BUCKET_MS} * {BUCKET_MS}, {_OF_RUNS} FROM run "
        "WHERE ended_at >= ? AND ended_at < ? GROUP BY 1, 2",
        (first * BUCKET_MS, last * BUCKET_MS),
    )
    calls = connection.execute(
        f"SELECT agent, bucket * {BUCKET_MS}, {_OF_CALLS} FROM call_cell "
        "WHERE bucket >= ? AND bucket < ? GROUP BY 1, 2",
        (first, last),
    )
    for rows in (runs, calls):
        for agent, at, *sums in rows:
            yield Moment(agent, at, Effort(*sums))


def covered(connection: Connection) -> dict[str, int]:
    """How many of each agent's sessions are a part of a run or of a call."""
    rows = connection.execute(
        "SELECT s.source, count(*) FROM session s WHERE s.session_id IN "
        "(SELECT session_id FROM run_session UNION SELECT session_id FROM called_session)"
        " AND EXISTS (SELECT 1 FROM context c WHERE c.session = s.id) GROUP BY 1"
    )
    return dict(rows.fetchall())


def sessions_by_kind(
    connection: Connection, span: Span = _EVER
) -> dict[tuple[str, str], int]:
    """Sessions that are in no run and no call, by agent and kind of work."""
    worked = (
        " AND EXISTS (SELECT 1 FROM context c JOIN cell INDEXED BY cell_context "
        "ON cell.context_id = c.id WHERE c.session = k.session "
        "AND cell.bucket >= ? AND cell.bucket < ?)"
    )
    is_ever = span == _EVER
    rows = connection.execute(
        "SELECT s.source, k.capability, count(*) FROM session_kind k "
        "JOIN session s ON s.id = k.session WHERE s.session_id NOT IN "
        "(SELECT session_id FROM run_session UNION SELECT session_id FROM called_session)"
        f"{'' if is_ever else worked} GROUP BY 1, 2",
        () if is_ever else (span[0] // BUCKET_MS, -(-span[1] // BUCKET_MS)),
    )
    return {(agent, capability): count for agent, capability, count in rows}


def covered_buckets(
    connection: Connection, since: int, until: int, *, is_short: bool
) -> list[tuple[str, int, int]]:
    """Agent, session and instant of each quarter in which a covered session worked.

    Args:
        connection: the ledger's.
        since: beginning of the span.
        until: its end.
        is_short: whether few cells are in the span, so that those are looked through
            and not all that the sessions ever did.
    """
    join = "CROSS JOIN" if is_short else "JOIN"
    cells = f"cell {join} context c ON c.id = cell.context_id {join} session s"
    return connection.execute(
        f"SELECT DISTINCT s.source, s.id, cell.bucket * {BUCKET_MS} FROM {cells} "
        "ON s.id = c.session WHERE s.session_id IN (SELECT session_id FROM run_session "
        "UNION SELECT session_id FROM called_session) "
        f"AND {'' if is_short else '+'}cell.bucket >= ? AND +cell.bucket < ?",
        (since // BUCKET_MS, -(-until // BUCKET_MS)),
    ).fetchall()


class Failures(NamedTuple):
    """How often something of one kind went wrong, and when it did last."""

    kind: str
    source: str
    times: int
    last_at: int


def failures(
    connection: Connection,
    since: int,
    until: int,
    most: int,
    agents: Collection[str] = (),
) -> list[Failures]:
    """What went wrong in a span, the most frequent first; ``run`` are failed runs."""
    span = (since // BUCKET_MS, -(-until // BUCKET_MS))
    names = sorted(agents)
    rows = connection.execute(
        "SELECT kind, source, sum(count), max(last_at) FROM failure "
        f"WHERE bucket >= ? AND bucket < ?{_among(names)} GROUP BY 1, 2 "
        "ORDER BY 3 DESC, 4 DESC, 1 LIMIT ?",
        (*span, *names, most),
    )
    return [Failures(*row) for row in rows]


def failure_buckets(
    connection: Connection, since: int, until: int
) -> list[tuple[int, str, str, int]]:
    """Instant, source, agent and count of what went wrong, by quarter of an hour."""
    return connection.execute(
        f"SELECT bucket * {BUCKET_MS}, source, agent, sum(count) FROM failure "
        "WHERE bucket >= ? AND bucket < ? GROUP BY 1, 2, 3",
        (since // BUCKET_MS, -(-until // BUCKET_MS)),
    ).fetchall()


def failed_runs(
    connection: Connection, since: int, until: int
) -> list[tuple[int, str, bytes]]:
    """End, agent and report of runs that failed, but for those that events made."""
    return connection.execute(
        "SELECT ended_at, agent, coalesce(report, told) FROM run WHERE status = 'failed' "
        "AND made_of = '' AND said_status = '' AND cleaned_at IS NULL "
        "AND ended_at >= ? AND ended_at < ?",
        (since, until),
    ).fetchall()


class Slow(NamedTuple):
    """A task that took long; times in milliseconds."""

    title: str
    issue: str
    agent: str
    status: str
    run_id: str
    duration_ms: int
    at: int


def _among(names: Sequence[str]) -> str:
    """That it is of one of some agents; of whichever where none is named."""
    return f" AND agent IN ({', '.join('?' * len(names))})" if names else ""


def _told_as(connection: Connection, agents: Collection[str]) -> list[str]:
    """The names that events have for some runtimes."""
    told = connection.execute("SELECT DISTINCT agent FROM event").fetchall()
    return sorted({name for (name,) in told if runtime_of(name) in agents} | {*agents})


def slowest(
    connection: Connection,
    since: int,
    until: int,
    most: int,
    agents: Collection[str] = (),
) -> list[Slow]:
    """The tasks that ended in a span and took longest."""
    names, told = sorted(agents), _told_as(connection, agents) if agents else []
    runs = connection.execute(
        "SELECT coalesce(nullif(task, ''), nullif(issue, ''), run_id), issue, agent, "
        "status, run_id, duration_ms, ended_at FROM run WHERE duration_ms IS NOT NULL "
        f"AND ended_at >= ? AND ended_at < ?{_among(names)} "
        "ORDER BY duration_ms DESC LIMIT ?",
        (since, until, *names, most),
    ).fetchall()
    calls = connection.execute(
        "SELECT coalesce(nullif(task_id, ''), json_extract(details, '$.title'), "
        "json_extract(details, '$.action'), nullif(issue, ''), nullif(agent, ''), "
        "type), issue, agent, "
        "status, '', duration_ms, at FROM event WHERE at >= ? AND at < ? "
        "AND duration_ms IS NOT NULL AND run_id = '' "
        "AND type IN ('execution', 'activity') AND (type = 'execution' OR task_id || issue || session_id = '') "
        f"{_among(told)} ORDER BY duration_ms DESC LIMIT ?",
        (since, until, *told, most),
    ).fetchall()
    found = [Slow(*row) for row in (*runs, *calls)]
    return sorted(found, key=lambda slow: (-slow.duration_ms, -slow.at))[:most]
