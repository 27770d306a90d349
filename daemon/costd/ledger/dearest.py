"""The dearest parts of a sum: the first rows of a cut by cost, and how many there are."""

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
    require_known,
    source_of,
    where_of,
)
from costd.ledger.stints import SUMS as NAMES

_SHORT = 4 * DAY
_WHOLE = "stint AS cell"
_NAMES = ", ".join(NAMES)
# The stints in a span of time, and the cells of those that its ends cut.
_WITHIN = f"""(
SELECT context_id, span, service_id, {_NAMES} FROM stint
WHERE first >= {{low}} AND last < {{high}}
UNION ALL
SELECT cell.context_id, cell.span, cell.service_id,
       {", ".join(f"cell.{name}" for name in NAMES)}
FROM stint d CROSS JOIN cell INDEXED BY cell_context
  ON cell.context_id = d.context_id AND cell.span = d.span
  AND cell.service_id = d.service_id AND cell.bucket BETWEEN d.first AND d.last
WHERE NOT (d.first >= {{low}} AND d.last < {{high}})
  AND d.last >= {{low}} AND d.first < {{high}}
  AND cell.bucket >= {{low}} AND cell.bucket < {{high}}
) AS cell"""
_SUMS = SUMS.replace(SESSIONS, "0")


def dearest(
    connection: Connection, question: Question, most: int
) -> tuple[int, list[Cut]]:
    """How many rows a cut by one dimension has, and the ``most`` dearest of them.

    Sums are without their sessions. A long span is read from days, not from quarters
    of an hour.

    Raises:
        UsageError: an unknown dimension.
    """
    (name,) = question.by
    require_known([name, *question.filters])
    column = DIMENSIONS[name]
    columns = {column, "c.", *(DIMENSIONS[other] for other in question.filters)}
    plain, timeless = question._replace(by=()), question._replace(by=(), since=None)
    timeless = timeless._replace(until=None)
    source = source_of(plain, columns)
    where, values = where_of(plain)
    if _is_long(question):
        low, high = _buckets(question)
        within = _WITHIN.format(low=low, high=high)
        source = source_of(timeless, columns).replace(_WHOLE, within)
        where, values = where_of(timeless)
    rows = connection.execute(
        f"SELECT {column}, count(*) OVER (), {_SUMS} FROM {source} WHERE {where} "
        "GROUP BY 1 ORDER BY sum(cell.cost) DESC, 1 LIMIT ?",
        (*values, most),
    ).fetchall()
    count = rows[0][1] if rows else 0
    return count, [Cut((str(row[0]),), Sums(*row[2:])) for row in rows]


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
