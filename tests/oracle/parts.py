"""Spend that belongs to a response but is priced apart from it (2.5 and 3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from oracle.dedup import Group
from oracle.fold import Response, fallback_of, iterations_of, said
from oracle.lines import SearchResult, Seen
from oracle.prices import Prices
from oracle.usage import Iteration, Usage


@dataclass(frozen=True)
class Part:
    """Spend that belongs to a response but is priced apart from it.

    ``kind`` is ``compaction``, ``advisor_message``, ``earlier_hop`` or ``web_search``.
    """

    kind: str
    response: tuple[str, str | None] | None  # response and request id
    session_id: str
    model: str  # of the response
    own_model: str  # that this part is priced at
    at: int | None
    usage: Usage
    web_searches: int
    cost: Decimal | None
    branch: str | None
    cwd: str | None
    agent_id: str | None


def parts_of(group: Group, response: Response, prices: Prices) -> list[Part]:
    """Compactions, advisor calls and earlier hops of one response (page 2.5)."""
    hops = fallback_of(group) is not None
    found = []
    for entry in iterations_of(group):
        model = entry.model or response.model
        hop = hops and entry.kind == "message" and model != response.model
        if hop and entry.usage.output_tokens == 0:
            continue  # reported, not billed
        own_call = entry.kind in ("compaction", "advisor_message") or hop
        if own_call and entry.usage.total:
            kind = "earlier_hop" if hop else entry.kind
            found.append(part(kind, entry, group, response, prices))
    return found


def part(
    kind: str, entry: Iteration, group: Group, response: Response, prices: Prices
) -> Part:
    """One part; only a compaction runs at the model and speed of its response."""
    compaction = kind == "compaction"
    model = response.model if compaction else entry.model or response.model
    cost = prices.cost(
        model,
        entry.usage,
        response.at,
        speed=said(group, lambda line: line.speed) if compaction else None,
        geo=said(group, lambda line: line.geo),
        backend=response.response_id,
    )
    return Part(
        kind=kind,
        response=(response.response_id, response.request_id),
        session_id=response.session_id,
        model=response.model,
        own_model=model,
        at=response.at,
        usage=entry.usage,
        web_searches=0,
        cost=cost,
        branch=response.branch,
        cwd=response.cwd,
        agent_id=response.agent_id,
    )


def side_searches(
    seen: Seen, groups: list[Group], responses: list[Response], prices: Prices
) -> list[Part]:
    """Searches of side calls that the response itself does not report (page 3.5)."""
    by_line = {
        (line.path, line.number): response
        for group, response in zip(groups, responses, strict=True)
        for line in group
    }
    results = sorted(seen.searches, key=lambda result: (result.at or 0, result.path))
    best: dict[str, SearchResult] = {}
    for result in results:
        known = best.setdefault(result.tool_use_id, result)
        if result.count > known.count:
            best[result.tool_use_id] = result
    found = []
    for key, result in best.items():
        uses = sorted(seen.tools.get(key, set()))
        asking = [r for use in uses if (r := by_line.get((use[1], use[2])))]
        named = any(name == "WebSearch" for name, _, _ in uses)
        if named and not any(response.web_searches for response in asking):
            found.append(search_part(result, asking[0] if asking else None, prices))
    return found


def search_part(result: SearchResult, asking: Response | None, prices: Prices) -> Part:
    """Side searches, owned by the response that asked for them."""
    owner = asking or result
    priced = asking is None or asking.cost is not None
    return Part(
        kind="web_search",
        response=(asking.response_id, asking.request_id) if asking else None,
        session_id=owner.session_id,
        model=asking.model if asking else "unknown",
        own_model=asking.model if asking else "unknown",
        at=owner.at,
        usage=Usage(),
        web_searches=result.count,
        cost=result.count * prices.search if priced else None,
        branch=owner.branch,
        cwd=owner.cwd,
        agent_id=owner.agent_id,
    )
