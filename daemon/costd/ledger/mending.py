"""A new ledger out of what a damaged one and its newest snapshot still hold.

What the logs on disk say is not taken over: they are read again, and say it better than
a file with damaged pages. Taken over is what nobody else knows: responses whose logs
are gone or were rewritten, what was claimed, what was found out about places. Rows keep
their numbers, since a ledger and its snapshots share them.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import islice
from sqlite3 import Connection
from typing import NamedTuple

import msgspec

from costd.core.checkpoint import Checkpoint
from costd.core.rates import RateCard
from costd.core.usage import Observation
from costd.ledger import events, logs, stand_ins
from costd.ledger.cells import fill
from costd.ledger.pricing import Pricer
from costd.ledger.rows import ADD, COLUMNS, Row, to_observation
from costd.ledger.salvage import Table, Values, tables

_BY_HAND = frozenset(
    # The first seven follow from the others and are made anew; files of events are read
    # again, which adds only what is lost.
    "cell stint attribution task task_cell usage_cell usage_day event_log log_file skipped_line response"
    " observation meta".split()
)
SNAPSHOT = "snapshot"
"""The name of that source."""
_AT_ONCE = 2_000
_MOST = 10**10
"""No count of tokens is higher: whatever says so has lost its bytes."""


class Log(Enum):
    """What has become of a log since the ledger read it."""

    SAME = "same"
    """It is there and goes on as it was: it is read again and says everything."""
    CHANGED = "changed"
    """It is there, but rewritten: it is read again, and the ledger knows more."""
    GONE = "gone"
    """Only the ledger knows what it said."""


State = Callable[[Checkpoint], Log]


class Source(NamedTuple):
    """Where rows come from."""

    name: str
    connection: Connection


class Mended(NamedTuple):
    """What was taken over.

    ``doubtful`` counts responses for which nobody can vouch; ``damaged`` names tables
    with rows that could not be read, ``lost`` counts by table rows that could be read
    and not be used.
    """

    responses: int
    from_snapshot: int
    doubtful: int
    logs_again: int
    logs_gone: int
    damaged: list[str]
    lost: dict[str, int]


class Expected(NamedTuple):
    """What a ledger said of itself; None where that cannot be read. Nano-USD."""

    responses: int | None
    cost: int | None


def mend(
    target: Connection,
    sources: Sequence[Source],
    state: State,
    card: RateCard,
    progress: Callable[[], None] = lambda: None,
) -> Mended:
    """Fill a new ledger, within the caller's transaction.

    Args:
        target: has its tables, and nothing in them.
        sources: the damaged ledger, then a snapshot; what the first has wins.
        state: says of a log how it is now.
        card: with which the costs of responses are checked.
        progress: called now and then.
    """
    mender = _Mender(target, state, card, progress)
    for number, source in enumerate(sources):
        mender.take(source, is_first=number == 0)
    found = mender.report(mender.finish())
    if sources and sources[0].name == SNAPSHOT:
        found = found._replace(from_snapshot=found.responses)
    return found


def expected(connection: Connection) -> Expected:
    """What a ledger, damaged or not, says it holds."""
    return Expected(
        _one(connection, "SELECT sum(responses) FROM cell"),
        _one(connection, "SELECT sum(cost) FROM cell"),
    )


def _one(connection: Connection, query: str) -> int | None:
    try:
        (found,) = connection.execute(query).fetchone()
    except sqlite3.Error:
        return None
    return int(found) if found is not None else None


class _Mender:
    def __init__(
        self,
        target: Connection,
        state: State,
        card: RateCard,
        progress: Callable[[], None],
    ) -> None:
        self._progress = progress
        self._target = target
        self._state = state
        self._card = card
        self._pricer = Pricer(target, card)
        self._columns = tables(target)
        self._known: dict[int, Log] = {}
        self._groups: set[int] = set()
        self._current: set[int] = set()
        self._contexts: set[int] = set()
        self._services: set[int] = set()
        self._suspects: dict[int, Row] = {}
        self._own: Table | None = None
        self._damaged: list[str] = []
        self._lost: Counter[str] = Counter()
        self._from_snapshot = 0

    def take(self, source: Source, *, is_first: bool) -> None:
        """Take over what one source has and those before it had not."""
        have = tables(source.connection)
        for name, columns in self._columns.items():
            if name not in _BY_HAND and name in have:
                shared = [column for column in columns if column in have[name]]
                self._copy(source, name, shared)
        if "log_file" in have:
            self._take_logs(source, have["log_file"])
        if "meta" in have:
            self._take_meta(source)
        if "observation" in have:
            self._take_evidence(source)
        if "response" in have:
            self._take_responses(source, is_first=is_first)
        if "skipped_line" in have:
            self._take_skipped(source)

    def finish(self) -> int:
        """Take what only the damaged ledger has, doubtful or not; how many that are."""
        for row in self._suspects.values():
            self._put("response", ADD, row)
        stand_ins.put(self._target, self._contexts, self._services)
        fill(self._target)
        events.refold(self._target)
        return len(self._suspects)

    def report(self, doubtful: int) -> Mended:
        """What was taken over."""
        run = self._target.execute
        (responses,) = run("SELECT count(*) FROM response WHERE part = ''").fetchone()
        return Mended(
            responses,
            self._from_snapshot,
            doubtful,
            sum(log is not Log.GONE for log in self._known.values()),
            sum(log is Log.GONE for log in self._known.values()),
            list(dict.fromkeys(self._damaged)),
            dict(self._lost),
        )

    def _rows(self, source: Source, name: str, columns: Sequence[str]) -> _Reading:
        table = Table(source.connection, name, list(columns))
        return _Reading(table, self._noted(table, source.name, name))

    def _noted(self, table: Table, source: str, name: str) -> Iterator[Values]:
        for number, values in enumerate(table.rows()):
            if number % _AT_ONCE == 0:
                self._progress()
            yield values
        if not table.is_whole:
            self._damaged.append(f"{name} ({source})")

    def _put(self, name: str, sql: str, values: Sequence[object]) -> bool:
        """One row; what does not fit its table any more is counted as lost."""
        try:
            return self._target.execute(sql, values).rowcount == 1
        except (sqlite3.Error, OverflowError):
            self._lost[name] += 1
            return False

    def _put_all(self, name: str, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Many rows; where one of them does not fit, one by one."""
        waiting = iter(rows)
        while some := list(islice(waiting, _AT_ONCE)):
            self._target.execute("SAVEPOINT some")
            try:
                self._target.executemany(sql, some)
            except (sqlite3.Error, OverflowError):
                self._target.execute("ROLLBACK TO some")
                for row in some:
                    self._put(name, sql, row)
            self._target.execute("RELEASE some")

    def _copy(self, source: Source, name: str, columns: list[str]) -> None:
        rows = self._rows(source, name, columns).rows
        self._put_all(name, _insert(name, columns), rows)

    def _take_logs(self, source: Source, have: list[str]) -> None:
        columns = [c for c in self._columns["log_file"] if c in have]
        sql = _insert("log_file", columns)
        for values in self._rows(source, "log_file", columns).rows:
            row = dict(zip(columns, values, strict=True))
            number = row["id"]
            if number in self._known or not isinstance(row["path"], bytes):
                continue
            found = self._state(logs.to_checkpoint(row))
            if found is not Log.GONE:
                row |= logs.UNREAD
            if self._put("log_file", sql, [row[column] for column in columns]):
                self._known[number] = found
                if found is Log.SAME:
                    self._current.add(number)

    def _take_meta(self, source: Source) -> None:
        for key, value in self._rows(source, "meta", ("key", "value")).rows:
            if key == "lineage":
                sql = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
                self._put("meta", sql, (key, value))
            elif key != "owners":  # they are worked out anew
                self._put("meta", _insert("meta", ("key", "value")), (key, value))

    def _take_evidence(self, source: Source) -> None:
        """Sightings of groups in which a log that is not as it was has a part."""
        pairs = self._rows(source, "observation", ("grp", "file_id")).rows
        self._groups |= {group for group, log in pairs if log not in self._current}
        columns = ("grp", "file_id", "key", "seen")
        sql = _insert("observation", columns)
        for values in self._rows(source, "observation", columns).rows:
            if values[0] not in self._groups:
                continue
            seen = _observation(values[3])
            if seen is None:
                self._lost["observation"] += 1
            elif self._put("observation", sql, values):
                self._contexts.add(seen.context)
                self._services.add(seen.service)

    def _take_responses(self, source: Source, *, is_first: bool) -> None:
        reading = self._rows(source, "response", COLUMNS.split(", "))
        versions = dict(self._target.execute("SELECT id, card_version FROM price"))
        if is_first:
            self._put_all("response", _ADD_ONCE, self._own_rows(reading, versions))
            self._own = reading.table
            return
        for row in self._history(reading):
            self._take_older(row, is_sound=self._is_sound(row, versions))

    def _history(self, reading: _Reading) -> Iterator[Row]:
        """Responses but those whose logs are read again."""
        for values in reading.rows:
            row = Row(*values)
            if row.file_id not in self._current or row.grp in self._groups:
                yield row

    def _own_rows(
        self, reading: _Reading, versions: Mapping[int, str]
    ) -> Iterator[Row]:
        """Those of the damaged ledger that can be believed."""
        for row in self._history(reading):
            if self._is_sound(row, versions):
                yield row
            else:
                self._suspects[row.id] = row

    def _take_older(self, row: Row, *, is_sound: bool) -> None:
        """A row of a snapshot, where the damaged ledger has lost it.

        Rows go for good reasons too: what turned out to be a copy must not come back.
        """
        suspect = self._suspects.get(row.id)
        if suspect is not None and is_sound:
            del self._suspects[row.id]
        elif suspect is None and not self._is_missing(row):
            return
        if self._put("response", _ADD_ONCE, row) or self._put(
            "response", ADD, (None, *row[1:])
        ):
            self._from_snapshot += 1

    def _is_missing(self, row: Row) -> bool:
        same = self._target.execute(
            "SELECT request_id, part FROM response "
            "WHERE grp = ? AND response_id = ? AND scope = ?",
            (row.grp, row.response_id, row.scope),
        ).fetchall()
        if (row.request_id, row.part) in same:
            return False
        return not same or (self._own is not None and self._own.may_have_held(row.id))

    def _is_sound(self, row: Row, versions: Mapping[int, str]) -> bool:
        """Whether the counts are such as costd writes, and the cost follows from them."""
        if not all(0 <= count <= _MOST for count in row[12:19]):
            return False
        if versions.get(row.price_id) != self._card.version:
            return row.cost is None or row.cost >= 0
        try:
            cost, _ = self._pricer.price(to_observation(row))
        except (TypeError, OverflowError):  # its service is lost
            return True
        return cost == row.cost

    def _take_skipped(self, source: Source) -> None:
        columns = ("file_id", "offset", "length", "reason")
        for values in self._rows(source, "skipped_line", columns).rows:
            if self._known.get(values[0]) is Log.GONE:
                self._put("skipped_line", _insert("skipped_line", columns), values)


class _Reading(NamedTuple):
    table: Table
    rows: Iterator[Values]


_ADD_ONCE = ADD.replace("INSERT", "INSERT OR IGNORE", 1)


def _insert(name: str, columns: Sequence[str]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT OR IGNORE INTO {name} ({', '.join(columns)}) VALUES ({marks})"


def _observation(packed: object) -> Observation | None:
    if not isinstance(packed, bytes):
        return None
    try:
        return msgspec.msgpack.decode(packed, type=Observation)
    except msgspec.MsgspecError:
        return None
