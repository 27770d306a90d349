"""What events say was used: any cut of it, apart from what session logs say too.

Only calls and activities are summed: a report of a run, or the end of a task, repeats
what the calls in it said. An event that names a session (or a run of sessions) of which
the ledger holds responses from that time is in the logs already. Its tokens are shown
apart, so that nothing is counted twice: the log knows better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from costd.core.errors import UsageError
from costd.core.instants import DAY, MINUTE
from costd.core.kpi import DIRECT
from costd.core.periods import KINDS, MAX_PERIODS, Period, periods
from costd.ledger.event_prices import ESTIMATED, REPORTED, UNPRICED

DIMENSIONS: Mapping[str, str] = {
    "agent": "e.agent",
    "model": "e.model",
    "feature": "e.feature",
    "role": "e.role",
    "issue": "e.issue",
    "task": "e.task_id",
    "type": "e.type",
    "session": "e.session_id",
    "run": "e.run_id",
}
"""What can be grouped and filtered by, and the column that says it."""
NEAR_MS = 15 * MINUTE
"""An event is of a session's time if it is not further from it than this."""


class Question(NamedTuple):
    """What is to be summed, and how; instants in milliseconds, ``until`` excluded."""

    by: Sequence[str]
    since: int | None
    until: int | None
    zone: ZoneInfo
    filters: Mapping[str, Sequence[str]]


class Usage(NamedTuple):
    """Sums over events; money in nano-USD. ``logged…`` is in no other field."""

    events: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_5m_tokens: int = 0
    cache_creation_1h_tokens: int = 0
    total_tokens: int = 0
    reported: int = 0
    estimated: int = 0
    priced: int = 0
    unpriced: int = 0
    unpriced_tokens: int = 0
    logged_events: int = 0
    logged_tokens: int = 0
    logged_cost: int = 0


class Row(NamedTuple):
    """One row of a cut."""

    keys: tuple[str, ...]
    usage: Usage


# From when to when the ledger holds responses of the sessions and runs that events name.
_LOGGED = """
DROP TABLE IF EXISTS temp.logged;
CREATE TEMP TABLE logged (name PRIMARY KEY, a, b) WITHOUT ROWID;
INSERT INTO logged
SELECT 's' || s.session_id, min(c.first_at), max(c.last_at)
FROM session s JOIN context c ON c.session = s.id
WHERE EXISTS (SELECT 1 FROM event e WHERE e.session_id = s.session_id AND e.session_id <> '')
GROUP BY 1;
INSERT INTO logged
SELECT 'r' || r.run_id, min(c.first_at), max(c.last_at)
FROM run r JOIN run_session x ON x.run = r.id
JOIN session s ON s.session_id = x.session_id JOIN context c ON c.session = s.id
GROUP BY 1;
"""
_USED = """
WITH used AS (
    SELECT e.*, (s.a <= e.at + :near
                 AND s.b >= e.at - :near - coalesce(e.duration_ms, 0)) IS TRUE
        OR (r.a <= e.at + :near
            AND r.b >= e.at - :near - coalesce(e.duration_ms, 0)) IS TRUE AS is_logged
    FROM event e LEFT JOIN logged s ON s.name = 's' || e.session_id
    LEFT JOIN logged r ON r.name = 'r' || e.run_id
    WHERE e.cost_source <> '' AND e.type IN ({types})
    AND e.at >= :since AND e.at < :until
)
"""
_BUCKETS = Usage._fields[1:7]
_SUMS = ", ".join(
    [
        "sum(NOT is_logged)",
        *(f"sum(iif(is_logged, 0, coalesce(e.{name}, 0)))" for name in _BUCKETS),
        f"sum(iif(is_logged OR cost_source <> '{REPORTED}', 0, e.cost))",
        f"sum(iif(is_logged OR cost_source <> '{ESTIMATED}', 0, e.cost))",
        f"sum(NOT is_logged AND cost_source <> '{UNPRICED}')",
        f"sum(NOT is_logged AND cost_source = '{UNPRICED}')",
        f"sum(iif(is_logged OR cost_source <> '{UNPRICED}', 0, e.total_tokens))",
        "sum(is_logged)",
        "sum(iif(is_logged, coalesce(e.total_tokens, 0), 0))",
        "sum(iif(is_logged, coalesce(e.cost, 0), 0))",
    ]
)


def cut(connection: Connection, question: Question) -> list[Row]:
    """The rows of a cut, in the order of their keys.

    Raises:
        UsageError: an unknown dimension or filter, two kinds of period at once.
    """
    times = [name for name in question.by if name in KINDS]
    others = [name for name in question.by if name not in KINDS]
    if len(times) > 1:
        raise UsageError(
            f"--by takes one of {', '.join(KINDS)} at a time.", "Leave one of them out."
        )
    require_known([*others, *question.filters])
    spans = _spans(connection, question, times[0]) if times else []
    groups = [*(["p.i"] if times else []), *(DIMENSIONS[name] for name in others)]
    where, values = _where(question)
    source = "used e"
    if times:
        source = "event_period p CROSS JOIN used e ON e.at >= p.a AND e.at < p.b"
    order = ", ".join(str(n + 1) for n in range(len(groups)))
    grouped = f" GROUP BY {order} ORDER BY {order}" if groups else ""
    types = ", ".join(f"'{kind}'" for kind in sorted(DIRECT))
    connection.executescript(_LOGGED)
    rows = connection.execute(
        f"{_USED.format(types=types)} SELECT {', '.join([*groups, _SUMS])} "
        f"FROM {source} WHERE {where}{grouped}",
        values,
    )
    return [
        _row(question.by, list(row), spans)
        for row in rows
        if row[len(groups)] is not None
    ]


def require_known(names: Sequence[str]) -> None:
    """Refuse what events cannot be cut by.

    Raises:
        UsageError: one of the names is nothing that they say.
    """
    for name in names:
        if name not in DIMENSIONS:
            raise UsageError(
                f"{name[:40]!r} is nothing that events can be cut by.",
                "Use " + ", ".join([*KINDS, *DIMENSIONS]) + ".",
            )


def _where(question: Question) -> tuple[str, dict[str, Any]]:
    clauses = ["1"]
    values: dict[str, Any] = {
        "near": NEAR_MS,
        "since": -(2**62) if question.since is None else question.since,
        "until": 2**62 if question.until is None else question.until,
    }
    for name, wanted in question.filters.items():
        marks = [f"{name}{number}" for number in range(len(wanted))]
        clauses.append(f"{DIMENSIONS[name]} IN ({', '.join(f':{m}' for m in marks)})")
        values.update(zip(marks, wanted, strict=True))
    return " AND ".join(clauses), values


def _spans(connection: Connection, question: Question, kind: str) -> list[Period]:
    """The periods that the answer may hold, also as a table to join with."""
    low, high = connection.execute(
        "SELECT min(at), max(at) FROM event WHERE cost_source <> ''"
    ).fetchone()
    found: list[Period] = []
    if low is not None:
        first = max(low, question.since or 0)
        last = min(high, (2**62 if question.until is None else question.until) - 1)
        if (last - first) // DAY > MAX_PERIODS:
            raise UsageError(
                "That would be too many rows.", "Narrow it with --since and --until."
            )
        if first <= last:
            found = periods(kind, first, last, question.zone)
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS event_period (i INTEGER PRIMARY KEY, a, b)"
    )
    connection.execute("DELETE FROM event_period")
    connection.executemany(
        "INSERT INTO event_period VALUES (?, ?, ?)",
        ((i, p.start, p.end) for i, p in enumerate(found)),
    )
    return found


def _row(by: Sequence[str], found: list[Any], spans: list[Period]) -> Row:
    period = spans[found.pop(0)].label if any(name in KINDS for name in by) else ""
    keys = tuple(period if name in KINDS else str(found.pop(0)) for name in by)
    return Row(keys, Usage(*(value or 0 for value in found)))
