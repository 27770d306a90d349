"""Sums over responses and their parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from oracle.dedup import Group
from oracle.fold import Response
from oracle.lines import Seen
from oracle.parts import Part


@dataclass
class Total:
    """Sums over responses.

    ``cost`` and ``web_searches`` have the parts in them. The five token fields are
    the responses' own and ``part_tokens`` is what the parts add to them: so counts
    the shared table of expected totals, too.
    """

    responses: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_5m_tokens: int = 0
    cache_creation_1h_tokens: int = 0
    part_tokens: int = 0
    web_searches: int = 0
    cost: Decimal = Decimal(0)
    unfinalised: int = 0
    unpriced_responses: int = 0
    unpriced_tokens: int = 0


def total_of(responses: Iterable[Response], parts: Iterable[Part]) -> Total:
    """Sums of some responses and some parts."""
    total = Total()
    for response in responses:
        total.responses += 1
        total.unfinalised += response.unfinalised
        total.unpriced_responses += response.cost is None
        total.input_tokens += response.input_tokens
        total.output_tokens += response.output_tokens
        total.cache_read_tokens += response.cache_read_tokens
        total.cache_creation_5m_tokens += response.cache_creation_5m_tokens
        total.cache_creation_1h_tokens += response.cache_creation_1h_tokens
        add(total, response.usage.total, response.web_searches, response.cost)
    for part in parts:
        total.part_tokens += part.usage.total
        add(total, part.usage.total, part.web_searches, part.cost)
    return total


def add(total: Total, tokens: int, searches: int, cost: Decimal | None) -> None:
    """Adds the price of one thing to a total; null is not 0."""
    total.web_searches += searches
    total.cost += cost or Decimal(0)
    total.unpriced_tokens += tokens if cost is None else 0


def cut(
    responses: list[Response],
    parts: list[Part],
    key: Callable[[Response | Part], str],
) -> dict[str, Total]:
    """Sums by one dimension."""
    items: list[Response | Part] = [*responses, *parts]
    return {
        name: total_of(
            [r for r in responses if key(r) == name],
            [p for p in parts if key(p) == name],
        )
        for name in sorted({key(item) for item in items})
    }


def unattributed(
    seen: Seen, groups: list[Group], responses: list[Response], parts: list[Part]
) -> dict[str, Decimal]:
    """What each session's agent had counted beyond the lines, at its last report.

    A fork's report starts with the spend of the history it copied, so a session is
    credited with every response its own lines show, copies included.
    """
    last = {state.session_id: state for state in seen.cost_states}
    found = {}
    for session, state in last.items():
        known = known_costs(session, state.at, groups, responses, parts)
        found[session] = max(Decimal(0), Decimal(state.total) - sum(known))
    return found


def known_costs(
    session: str,
    at: int | None,
    groups: list[Group],
    responses: list[Response],
    parts: list[Part],
) -> Iterator[Decimal]:
    """Costs shown by lines of one session up to a moment."""
    shown = [
        response
        for group, response in zip(groups, responses, strict=True)
        if any(line.session_id == session for line in group)
        and (at is None or (response.at or 0) <= at)
    ]
    keys = {(r.response_id, r.request_id) for r in shown}
    yield from (r.cost or Decimal(0) for r in shown)
    yield from (p.cost or Decimal(0) for p in parts if p.response in keys)
