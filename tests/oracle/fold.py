"""What a response is, from all of its lines: section 3.3 of the format page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from oracle.dedup import Group
from oracle.lines import Line, Seen
from oracle.prices import Prices
from oracle.usage import Iteration, Usage

T = TypeVar("T")


@dataclass(frozen=True)
class Response:
    """One billable response, folded over all its lines."""

    response_id: str
    request_id: str | None
    session_id: str
    model: str
    at: int | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_5m_tokens: int
    cache_creation_1h_tokens: int
    web_searches: int
    cost: Decimal | None
    unfinalised: bool
    refused: bool
    branch: str | None
    cwd: str | None
    agent_id: str | None

    @property
    def usage(self) -> Usage:
        """The five buckets as one value."""
        return Usage(
            self.input_tokens,
            self.output_tokens,
            self.cache_read_tokens,
            self.cache_creation_5m_tokens,
            self.cache_creation_1h_tokens,
        )


def original(group: Group, seen: Seen) -> Line:
    """The line that says whose response it is; scan order has no say."""

    def rank(line: Line) -> tuple[bool, bool, bool, bool, int, bool, str, int]:
        path = line.path.removesuffix("#progress")
        return (
            line.forked,
            line.sidechain,  # a parent's own line before any replay of it
            line.nested,
            line.sidechain and not line.in_agent_file,
            seen.first_at.get(path, 0),
            path in seen.forks,
            path,
            line.number,
        )

    return min(group, key=rank)


def in_time(group: Group) -> Group:
    """The lines as they were written, whatever files they are in."""
    return sorted(group, key=lambda line: (line.at or 0, line.path, line.number))


def final_line(group: Group) -> Line:
    """The line with the stop reason, else the last one."""
    ordered = in_time(group)
    stopped = [line for line in ordered if line.stop_reason is not None]
    return (stopped or ordered)[-1]


def said(group: Group, value: Callable[[Line], T | None]) -> T | None:
    """What the final line says, else the last line that says anything."""
    lines = [*in_time(group), final_line(group)]
    return next((v for line in reversed(lines) if (v := value(line)) is not None), None)


def usage_of(group: Group) -> Usage:
    """The largest of each field; the cache split from the largest write."""
    if fallback_of(group) is not None:
        return final_line(group).usage
    writes = max(
        (line.usage for line in group),
        key=lambda usage: (usage.written, usage.cache_creation_1h_tokens),
    )
    return Usage(
        input_tokens=max(line.usage.input_tokens for line in group),
        output_tokens=max(line.usage.output_tokens for line in group),
        cache_read_tokens=max(line.usage.cache_read_tokens for line in group),
        cache_creation_5m_tokens=writes.cache_creation_5m_tokens,
        cache_creation_1h_tokens=writes.cache_creation_1h_tokens,
    )


def iterations_of(group: Group) -> tuple[Iteration, ...]:
    """The iterations of the response, empty when no line has them."""
    return said(group, lambda line: line.iterations) or ()


def fallback_of(group: Group) -> Iteration | None:
    """The attempt that served, when another one was tried before."""
    found = [e for e in iterations_of(group) if e.kind == "fallback_message"]
    return found[-1] if found else None


def response_of(group: Group, seen: Seen, prices: Prices) -> Response:
    """Folds the lines of one response."""
    owner, fallback, usage = original(group, seen), fallback_of(group), usage_of(group)
    model = (fallback.model if fallback else None) or said(group, lambda ln: ln.model)
    refused = final_line(group).stop_reason == "refusal" and usage.output_tokens == 0
    searches = said(group, lambda line: line.searches) or 0
    moments = [line.at for line in group if line.at is not None]
    at = min(moments) if moments else None
    message_id = owner.message_id or ""
    cost: Decimal | None = Decimal(0)
    if not refused:
        cost = prices.cost(
            model or "",
            usage,
            at,
            searches=searches,
            speed=said(group, lambda line: line.speed),
            geo=said(group, lambda line: line.geo),
            backend=message_id,
        )
    return Response(
        response_id=message_id or owner.request_id or owner.uuid or "",
        request_id=next(
            (ln.request_id for ln in in_time(group) if ln.request_id), None
        ),
        session_id=owner.session_id,
        model=model or "unknown",
        at=at,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_creation_5m_tokens=usage.cache_creation_5m_tokens,
        cache_creation_1h_tokens=usage.cache_creation_1h_tokens,
        web_searches=searches,
        cost=cost,
        unfinalised=all(line.stop_reason is None for line in group),
        refused=refused,
        branch=owner.branch,
        cwd=owner.cwd,
        agent_id=owner.agent_id,
    )
