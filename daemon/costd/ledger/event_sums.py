"""What events say was used: any cut of it, apart from what session logs say too.

Only calls and activities are summed: a report of a run, or the end of a task, repeats
what the calls in it said. An event that names a session (or a run of sessions) of which
the ledger holds responses from that time is in the logs already. Its tokens are shown
apart, so that nothing is counted twice: the log knows better.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

from costd.core.errors import UsageError
from costd.core.instants import DAY, MINUTE
from costd.core.periods import KINDS, Period, periods, periods_with
from costd.ledger.event_prices import REPORTED, UNPRICED
from costd.ledger.reports import Question
from costd.ledger.usage_cells import NAMED, SUMS, TYPES, Level, levels_for

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


_DENSE_DAYS = 1000
"""In a longer span only the days on which there is an event are looked at."""
_AT_ONCE = 20_000
"""So many events are summed in one step: questions are answered in between."""
_A_SUM = 200
"""As many events take as long as one span that is summed already."""
Label = tuple[str, ...]


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
DROP TABLE IF EXISTS temp.logged_session;
CREATE TEMP TABLE logged_session (name PRIMARY KEY, a, b) WITHOUT ROWID;
INSERT INTO logged_session
SELECT s.session_id, min(c.first_at), max(c.last_at)
FROM session s JOIN context c ON c.session = s.id
WHERE EXISTS (SELECT 1 FROM event e
              WHERE e.session_id = s.session_id AND e.session_id <> '')
GROUP BY 1;
DROP TABLE IF EXISTS temp.logged_run;
CREATE TEMP TABLE logged_run (name PRIMARY KEY, a, b) WITHOUT ROWID;
INSERT INTO logged_run
SELECT r.run_id, min(c.first_at), max(c.last_at)
FROM run r JOIN run_session x ON x.run = r.id
JOIN session s ON s.session_id = x.session_id JOIN context c ON c.session = s.id
GROUP BY 1;
"""
_HAS_LOGGED = (
    "SELECT EXISTS (SELECT 1 FROM logged_session UNION SELECT 1 FROM logged_run)"
)
_FROM = "event e"
_NEAR = (
    "coalesce({a}.a <= e.at + :near "
    "AND {a}.b >= e.at - :near - coalesce(e.duration_ms, 0), 0)"
)
_FROM_LOGGED = (
    "(SELECT e.*, "
    f"{_NEAR.format(a='s')} OR {_NEAR.format(a='r')} AS is_logged "
    "FROM event e LEFT JOIN logged_session s ON s.name = e.session_id "
    "LEFT JOIN logged_run r ON r.name = e.run_id) e"
)
_BUCKETS = Usage._fields[1:7]
_SUMS = ", ".join(f"sum(e.{name})" for name in SUMS)
_EVENTS, _REPORTED, _ESTIMATED, _PRICED, _UNPRICED, _LOGGED_EVENTS = (
    Usage._fields.index(name)
    for name in "events reported estimated priced unpriced logged_events".split()
)


def _take(into: list[int], source: str, sums: Sequence[int | None]) -> None:
    """Add what events of one kind of cost say to a usage; sums as ``_SUMS`` has them."""
    count, cost, *buckets = (value or 0 for value in sums)
    into[_EVENTS] += count
    for place, tokens in enumerate(buckets, 1):
        into[place] += tokens
    if source == UNPRICED:
        into[_UNPRICED] += count
        into[_UNPRICED + 1] += buckets[-1]
    else:
        into[_PRICED] += count
        into[_REPORTED if source == REPORTED else _ESTIMATED] += cost


def _take_logged(into: list[int], sums: Sequence[int | None]) -> None:
    """The same where session logs say it too."""
    into[_LOGGED_EVENTS] += sums[0] or 0
    into[_LOGGED_EVENTS + 1] += sums[-1] or 0
    into[_LOGGED_EVENTS + 2] += sums[1] or 0


class Cut:
    """A cut in the making: a stretch of time in each step, then its rows.

    Args:
        connection: the ledger.
        question: what is asked.

    Raises:
        UsageError: an unknown dimension or filter, two kinds of period at once.
    """

    def __init__(self, connection: Connection, question: Question) -> None:
        self._connection = connection
        self._question = question
        times = [name for name in question.by if name in KINDS]
        self._others = [name for name in question.by if name not in KINDS]
        if len(times) > 1:
            raise UsageError(
                f"--by takes one of {', '.join(KINDS)} at a time.",
                "Leave one of them out.",
            )
        require_known([*self._others, *question.filters])
        self._extent = _extent(connection, question)
        self._spans = self._periods(times[0]) if times else []
        self._found: dict[Label, list[int]] = {}
        self._has_logged = False
        columns = {DIMENSIONS[name][2:] for name in [*self._others, *question.filters]}
        self._levels = levels_for(columns)
        self._work = 0

    def _periods(self, kind: str) -> list[Period]:
        """The periods that the answer may hold."""
        if self._extent is None:
            return []
        first, last = self._extent[0], self._extent[1] - 1
        zone = self._question.zone
        if last - first < _DENSE_DAYS * DAY:
            return periods(kind, first, last, zone)
        days = self._connection.execute(
            f"SELECT DISTINCT at / {DAY} FROM event WHERE cost_source <> '' "
            "AND at BETWEEN ? AND ? ORDER BY 1",
            (first, last),
        ).fetchall()
        return periods_with(kind, (day for (day,) in days), first, last, zone)

    @property
    def rows(self) -> list[Row]:
        """The rows, in the order of their keys."""
        return [Row(keys, Usage(*self._found[keys])) for keys in sorted(self._found)]

    @property
    def total(self) -> Usage:
        """All rows together."""
        return Usage(*map(sum, zip(*self._found.values(), strict=True)))

    def steps(self) -> Iterator[None]:
        """Sum up, in steps that are short."""
        if self._extent is None:
            return
        self._connection.executescript(_LOGGED)
        (self._has_logged,) = self._connection.execute(_HAS_LOGGED).fetchone()
        low, high = self._extent
        if self._spans:
            for period in self._spans:
                yield from self._span(
                    max(low, period.start), min(high, period.end), (period.label,)
                )
        else:
            yield from self._span(low, high, ())

    def _span(
        self, low: int, high: int, label: Label, depth: int = 0
    ) -> Iterator[None]:
        """One row or more: from what is summed already, as far as that goes."""
        if low >= high:
            return
        if depth == len(self._levels):
            yield from self._stretch(low, high, label)
            return
        level = self._levels[depth]
        first = min(-(-low // level.unit) * level.unit, high)
        last = max(first, high // level.unit * level.unit)
        yield from self._span(low, first, label, depth + 1)
        if first < last:
            self._sums(level, first, last, label)
            if self._has_logged:  # of these it must be looked up for each
                yield from self._stretch(first, last, label, only_named=True)
            if self._is_enough(_A_SUM):
                yield
        yield from self._span(last, high, label, depth + 1)

    def _is_enough(self, work: int) -> bool:
        """Whether what was done since the last step was enough for one."""
        self._work = 0 if self._work >= _AT_ONCE else self._work
        self._work += work
        return self._work >= _AT_ONCE

    def _sums(self, level: Level, low: int, high: int, label: Label) -> None:
        query = _query(
            self._question,
            self._others,
            source=f"{level.table} e",
            count="sum(e.events)",
            when=("NOT e.named AND " if self._has_logged else "") + "e.bucket",
        )
        values = _values(self._question, low // level.unit, high // level.unit)
        for row in self._connection.execute(query, values):
            self._add(label, row)

    def _stretch(
        self, low: int, high: int, label: Label, *, only_named: bool = False
    ) -> Iterator[None]:
        """The events themselves, so many at once."""
        which = f"cost_source <> ''{f' AND {NAMED}' if only_named else ''}"
        query = _query(
            self._question,
            self._others,
            # Where no event can be in a log, that need not be looked up for each.
            source=_FROM_LOGGED if self._has_logged else "event e",
            count="count(*)",
            when=f"{which} AND e.type IN ({TYPES}) AND e.at",
            logged="is_logged" if self._has_logged else "0",
        )
        while low < high:
            until, count = _until(self._connection, low, high, which)
            if count:
                values = _values(self._question, low, until)
                for row in self._connection.execute(query, values):
                    self._add(label, row)
            low = until
            if self._is_enough(count):
                yield

    def _add(self, label: Label, row: Sequence[Any]) -> None:
        keys = iter(row[: len(self._others)])
        names = tuple(
            label[0] if name in KINDS else str(next(keys)) for name in self._question.by
        )
        is_logged, source, *sums = row[len(self._others) :]
        found = self._found.setdefault(names, list(Usage()))
        if is_logged:
            _take_logged(found, sums)
        else:
            _take(found, source, sums)


def _query(
    question: Question,
    others: Sequence[str],
    *,
    source: str,
    count: str,
    when: str,
    logged: str = "0",
) -> str:
    """A query for keys, whether it is logged, where the cost is from, and the sums.

    Args:
        question: its filters are in it.
        others: the keys that are no times.
        source: what rows come from, by the name ``e``.
        count: what counts the events.
        when: what rows must be, ending with what ``:since`` and ``:until`` are of.
        logged: what says whether an event is in a log too.
    """
    groups = ", ".join([*(DIMENSIONS[name] for name in others), logged, "cost_source"])
    clauses = [f"{when} >= :since", f"{when.rpartition(' ')[2]} < :until"]
    for name, wanted in question.filters.items():
        marks = ", ".join(f":{name}{number}" for number in range(len(wanted)))
        clauses.append(f"{DIMENSIONS[name]} IN ({marks})")
    order = ", ".join(str(number + 1) for number in range(len(others) + 2))
    return (
        f"SELECT {groups}, {count}, {_SUMS} FROM {source} "
        f"WHERE {' AND '.join(clauses)} GROUP BY {order}"
    )


def _values(question: Question, since: int, until: int) -> dict[str, Any]:
    found: dict[str, Any] = {"near": NEAR_MS, "since": since, "until": until}
    for name, wanted in question.filters.items():
        found.update({f"{name}{number}": one for number, one in enumerate(wanted)})
    return found


def _until(connection: Connection, low: int, high: int, which: str) -> tuple[int, int]:
    """The end of a stretch that is not too long, and about how many are in it."""
    rows = connection.execute(
        f"SELECT at FROM event WHERE {which} AND at >= ? AND at < ? "
        f"ORDER BY at LIMIT 2 OFFSET {_AT_ONCE - 1}",
        (low, high),
    ).fetchall()
    if len(rows) > 1:
        return max(int(rows[1][0]), low + 1), _AT_ONCE
    (count,) = connection.execute(
        f"SELECT count(*) FROM event WHERE {which} AND at >= ? AND at < ?", (low, high)
    ).fetchone()
    return high, int(count)


def _extent(connection: Connection, question: Question) -> tuple[int, int] | None:
    """From the first instant to past the last one that a sum may be of."""
    # Each by itself: together they would be looked for among all events.
    low, high = connection.execute(
        "SELECT (SELECT min(at) FROM event WHERE cost_source <> ''), "
        "(SELECT max(at) FROM event WHERE cost_source <> '')"
    ).fetchone()
    if low is None:
        return None
    first = low if question.since is None else max(low, question.since)
    last = high + 1 if question.until is None else min(high + 1, question.until)
    return (first, last) if first < last else None


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
