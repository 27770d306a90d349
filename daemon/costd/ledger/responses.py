"""Single responses: the bottom of every sum."""

from __future__ import annotations

from sqlite3 import Connection
from typing import NamedTuple

_FROM = """
FROM session s JOIN context c ON c.session = s.id
JOIN response r ON r.context_id = c.id
JOIN service sv ON sv.id = r.service_id
JOIN attribution a ON a.context_id = c.id AND a.from_at <= r.at AND r.at < a.until_at
WHERE s.session_id = :session AND r.at >= :since AND r.at < :until
AND (:issue = '' OR a.issue = :issue) AND (:model = '' OR sv.model = :model)
"""
_ROWS = f"""
SELECT r.response_id, r.request_id, r.part, r.at, r.flags, c.agent_id, c.branch,
       sv.model, p.name, a.issue, a.role, r.input_tokens, r.output_tokens,
       r.cache_read_tokens, r.cache_creation_5m_tokens, r.cache_creation_1h_tokens,
       r.cost
{_FROM.replace("WHERE", "JOIN price p ON p.id = r.price_id WHERE", 1)}
ORDER BY {{order}} LIMIT :limit OFFSET :offset
"""
_ORDERS = {"time": "r.at, r.id", "cost": "r.cost DESC, r.at, r.id"}
ORDERS = tuple(_ORDERS)
"""By what responses can be sorted."""

_FOREVER = 2**62


class Wanted(NamedTuple):
    """Which responses: of a session, perhaps of an issue or a model, in a span."""

    session_id: str
    issue: str = ""
    model: str = ""
    since: int | None = None
    until: int | None = None

    def values(self) -> dict[str, object]:
        """As parameters of a query."""
        return {
            "session": self.session_id,
            "issue": self.issue,
            "model": self.model,
            "since": -_FOREVER if self.since is None else self.since,
            "until": _FOREVER if self.until is None else self.until,
        }


class ResponseRow(NamedTuple):
    """One response or a part billed beside it; money in nano-USD, None: unpriced."""

    response_id: str
    request_id: str
    part: str
    at: int
    flags: int
    agent_id: str
    branch: str
    model: str
    price_name: str
    issue: str
    role: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_5m_tokens: int
    cache_creation_1h_tokens: int
    cost: int | None


def responses(
    connection: Connection, wanted: Wanted, order: str, limit: int, offset: int
) -> list[ResponseRow]:
    """``limit`` of the wanted ones after ``offset``, sorted by one of ``ORDERS``."""
    query = _ROWS.format(order=_ORDERS[order])
    values = {**wanted.values(), "limit": limit, "offset": offset}
    return [ResponseRow._make(row) for row in connection.execute(query, values)]


class Extent(NamedTuple):
    """How many responses there are, when the first and the last was, what all cost."""

    found: int
    first_at: int
    last_at: int
    cost: int
    unpriced: int


def extent(connection: Connection, wanted: Wanted) -> Extent:
    """Of the wanted responses."""
    row = connection.execute(
        "SELECT count(*), coalesce(min(r.at), 0), coalesce(max(r.at), 0), "
        f"coalesce(sum(r.cost), 0), coalesce(sum(r.cost IS NULL), 0) {_FROM}",
        wanted.values(),
    ).fetchone()
    return Extent(*row)


class Slot(NamedTuple):
    """What was spent in a part of the time: its number, responses and nano-USD."""

    number: int
    responses: int
    cost: int
    unpriced: int


def slots(connection: Connection, wanted: Wanted, start: int, width: int) -> list[Slot]:
    """The spending in parts of ``width`` milliseconds from ``start`` on."""
    rows = connection.execute(
        "SELECT (r.at - :start) / :width, count(*), coalesce(sum(r.cost), 0), "
        f"sum(r.cost IS NULL) {_FROM} GROUP BY 1 ORDER BY 1",
        {**wanted.values(), "start": start, "width": width},
    )
    return [Slot(*row) for row in rows]
