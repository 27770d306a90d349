"""Long spans of time, read from days and not from quarters of an hour.

A stint holds a day of a piece (``ledger.stints``). Those that lie in a span, and in one
of its days, are taken as they are; only of those that a boundary cuts the cells are read.
"""

from __future__ import annotations

from sqlite3 import Connection

from costd.core.instants import DAY
from costd.core.summary import Sums
from costd.ledger.cells import BUCKET_MS
from costd.ledger.reports import (
    DIMENSIONS,
    SESSIONS,
    SUMS,
    Cut,
    Question,
    cut,
    laid_periods,
    require_known,
    source_of,
    where_of,
)
from costd.ledger.stints import SUMS as NAMES

_SHORT = 4 * DAY
_ALL = -1
"""A limit that SQLite reads as none."""
_WHOLE = "stint AS cell"
_NAMES = ", ".join(NAMES)
_READ = f"""(
SELECT context_id, span, service_id, first AS bucket, {_NAMES} FROM stint d
WHERE {{whole}}
UNION ALL
SELECT cell.context_id, cell.span, cell.service_id, cell.bucket,
       {", ".join(f"cell.{name}" for name in NAMES)}
FROM stint d CROSS JOIN cell INDEXED BY cell_context
  ON cell.context_id = d.context_id AND cell.span = d.span
  AND cell.service_id = d.service_id AND cell.bucket BETWEEN d.first AND d.last
WHERE NOT ({{whole}}) AND d.last >= {{low}} AND d.first < {{high}}
  AND cell.bucket >= {{low}} AND cell.bucket < {{high}}
) AS cell"""
_INSIDE = "d.first >= {low} AND d.last < {high}"
_DAY_OF = (
    "(SELECT {column} FROM temp.period WHERE a <= {bucket} ORDER BY a DESC LIMIT 1)"
)
_ONE_DAY = f"{_INSIDE} AND d.last < {_DAY_OF.format(column='b', bucket='d.first')}"
_SUMS = SUMS.replace(SESSIONS, "0")


def dearest(
    connection: Connection, question: Question, most: int = _ALL
) -> tuple[int, list[Cut]]:
    """How many rows a cut by one dimension has, and the ``most`` dearest of them.

    Sums are without their sessions.

    Raises:
        UsageError: an unknown dimension.
    """
    (name,) = question.by
    require_known([name, *question.filters])
    column = DIMENSIONS[name]
    source, where, values = _read(question, {column, "c."}, _INSIDE)
    rows = connection.execute(
        f"SELECT {column}, count(*) OVER (), {_SUMS} FROM {source} WHERE {where} "
        "GROUP BY 1 ORDER BY sum(cell.cost) DESC, 1 LIMIT ?",
        (*values, most),
    ).fetchall()
    count = rows[0][1] if rows else 0
    return count, [Cut((str(row[0]),), Sums(*row[2:])) for row in rows]


def count_sessions(connection: Connection, question: Question) -> int:
    """How many sessions have something in a question's span and filters."""
    require_known(list(question.filters))
    source, where, values = _read(question, {"c."}, _INSIDE)
    row = connection.execute(
        f"SELECT count(DISTINCT c.session) FROM {source} WHERE {where}", values
    ).fetchone()
    return int(row[0])


def days(
    connection: Connection, question: Question, *, with_sessions: bool = False
) -> list[Cut]:
    """A cut by day and one dimension, in the order of its keys.

    Args:
        connection: the ledger's.
        question: what is to be cut.
        with_sessions: whether the sessions of each day are counted too.

    Raises:
        UsageError: an unknown dimension.
    """
    _, name = question.by
    require_known([name, *question.filters])
    if not _is_long(question):
        return cut(connection, question)
    found = laid_periods(connection, question, "day")
    if not found:
        return []
    connection.execute("CREATE UNIQUE INDEX IF NOT EXISTS temp.period_a ON period (a)")
    column = DIMENSIONS[name]
    source, where, values = _read(question, {column, "c."}, _ONE_DAY)
    rows = connection.execute(
        f"SELECT {_DAY_OF.format(column='i', bucket='cell.bucket')}, {column}, "
        f"{SUMS if with_sessions else _SUMS} "
        f"FROM {source} WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2",
        values,
    )
    return [Cut((found[row[0]].label, str(row[1])), Sums(*row[2:])) for row in rows]


def _read(
    question: Question, columns: set[str], whole: str
) -> tuple[str, str, list[object]]:
    """The tables, the condition and its values."""
    needed = columns | {DIMENSIONS[other] for other in question.filters}
    plain = question._replace(by=())
    if not _is_long(question):
        return (source_of(plain, needed), *where_of(plain))
    low, high = _buckets(question)
    condition = whole.format(low=low, high=high)
    timeless = plain._replace(since=None, until=None)
    read = _READ.format(whole=condition, low=low, high=high)
    source = source_of(timeless, needed).replace(_WHOLE, read)
    return (source, *where_of(timeless))


def _is_long(question: Question) -> bool:
    since, until = question.since, question.until
    if since is None and until is None:
        return False  # then the whole is read from days anyway
    return since is None or until is None or until - since > _SHORT


def _buckets(question: Question) -> tuple[int, int]:
    since, until = question.since, question.until
    return (
        -(2**62) if since is None else since // BUCKET_MS,
        2**62 if until is None else -(-until // BUCKET_MS),
    )
