"""Between rows of the table ``response`` and values."""

from __future__ import annotations

from typing import NamedTuple

from costd.core.usage import Observation

COLUMNS = (
    "id, grp, response_id, request_id, scope, part, file_id, offset, context_id, "
    "service_id, at, flags, input_tokens, output_tokens, cache_read_tokens, "
    "cache_creation_5m_tokens, cache_creation_1h_tokens, reasoning_tokens, "
    "web_searches, cost, price_id"
)
_INTO = f"INTO response ({COLUMNS}) VALUES ({', '.join('?' * 21)})"
ADD = f"INSERT {_INTO}"
REPLACE = f"REPLACE {_INTO}"


class Row(NamedTuple):
    """A row of ``response``, in the order of ``COLUMNS``."""

    id: int
    grp: int
    response_id: str
    request_id: str
    scope: str
    part: str
    file_id: int
    offset: int
    context_id: int
    service_id: int
    at: int
    flags: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_5m_tokens: int
    cache_creation_1h_tokens: int
    reasoning_tokens: int
    web_searches: int
    cost: int | None
    price_id: int


def to_observation(row: Row) -> Observation:
    """What the log of ``row.file_id`` shows of a response that has no copies."""
    return Observation(
        row.response_id,
        row.request_id,
        row.scope,
        row.part,
        row.grp,
        row.context_id,
        row.service_id,
        row.offset,
        row.at,
        row.flags,
        *row[12:19],
    )


Values = tuple[
    int, int, str, str, str, str, int, int, int, int, int, int,
    int, int, int, int, int, int, int, int | None, int,
]  # fmt: skip
"""A row as a plain tuple: SQLite binds one in two thirds of the time of a named one."""


def to_row(
    number: int, file_id: int, seen: Observation, cost: int | None, price_id: int
) -> Values:
    """The row of a response; ``seen`` holds the ledger's context and service."""
    return (
        number,
        seen.group,
        seen.response_id,
        seen.request_id,
        seen.scope,
        seen.part,
        file_id,
        seen.offset,
        seen.context,
        seen.service,
        seen.at,
        seen.flags,
        seen.input_tokens,
        seen.output_tokens,
        seen.cache_read_tokens,
        seen.cache_creation_5m_tokens,
        seen.cache_creation_1h_tokens,
        seen.reasoning_tokens,
        seen.web_searches,
        cost,
        price_id,
    )
