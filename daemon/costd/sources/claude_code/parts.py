"""What a response bills beside its own usage.

Compactions and advisors within a response, earlier hops of a fallback, and the web
searches that a tool ran in a side call.
"""

from __future__ import annotations

from msgspec.structs import replace

from costd.core.usage import Flag, Observation
from costd.sources.claude_code.counts import cache_writes
from costd.sources.claude_code.shapes import (
    Block,
    Iteration,
    ToolResult,
)
from costd.sources.claude_code.state import Search

_MAX_SEARCHES = 10_000


def billed_parts(
    seen: Observation, model: str, iterations: list[Iteration]
) -> tuple[str, list[tuple[str, Observation]]]:
    """The iterations that ``message.usage`` leaves out.

    ``message`` entries are in the top level, except where a fallback served: then
    the top level is the serving attempt alone, and an earlier hop that put something
    out is billed at its own model. Its tokens were not part of what was answered: a
    ``hop`` is in the cost and not in the token totals.

    Args:
        seen: the response; parts take its place and time.
        model: the model that the line names.
        iterations: ``usage.iterations``.

    Returns:
        The model of the fallback that served (empty: none did), and each part with
        its model.
    """
    served = [it for it in iterations if it.type == "fallback_message"]
    serving = (served[-1].model or model) if served else ""
    parts: list[tuple[str, Observation]] = []
    for number, iteration in enumerate(iterations):
        billed = _billed_at(iteration, serving, model)
        if billed is not None:
            kind = "hop" if iteration.type == "message" else "iteration"
            parts.append((billed, _part(seen, f"{kind}:{number}", iteration)))
    return serving, parts


def _billed_at(iteration: Iteration, serving: str, model: str) -> str | None:
    """The model at which an iteration is billed beside the response, if it is."""
    if iteration.type == "compaction":
        return serving or model
    if iteration.type == "advisor_message":
        return iteration.model or ""
    if (
        iteration.type == "message"
        and serving
        and iteration.model not in (None, serving)
        and iteration.output_tokens
    ):
        return iteration.model
    return None


def _part(seen: Observation, part: str, it: Iteration) -> Observation:
    short, hour = cache_writes(it.cache_creation_input_tokens, it.cache_creation)
    return replace(
        seen,
        part=part,
        flags=seen.flags & ~(Flag.WHOLE | Flag.REFUSED),
        input_tokens=it.input_tokens or 0,
        output_tokens=it.output_tokens or 0,
        cache_read_tokens=it.cache_read_input_tokens or 0,
        cache_creation_5m_tokens=short,
        cache_creation_1h_tokens=hour,
        reasoning_tokens=0,
        web_searches=0,
    )


Content = list[Block] | str | None


def searches_begun(content: Content) -> list[str]:
    """The ids of the WebSearch tool uses in an assistant line's content."""
    if isinstance(content, list):
        for block in content:
            if block.name == "WebSearch":
                return [b.id for b in content if b.name == "WebSearch" and b.id]
    return []


def has_searches(result: object) -> bool:
    """Whether a tool's result counts web searches."""
    return isinstance(result, ToolResult) and result.searchCount is not None


def search_counts(result: object, content: Content) -> list[tuple[str, int]]:
    """For each tool use that a user line answers, how many searches it ran."""
    if not isinstance(result, ToolResult) or not isinstance(content, list):
        return []
    count = result.searchCount
    if type(count) is not int or not 0 < count <= _MAX_SEARCHES:
        return []
    return [(b.tool_use_id, count) for b in content if b.tool_use_id]


def search_part(search: Search, tool_use_id: str, count: int, at: int) -> Observation:
    """The part of a response that its tool's web searches are."""
    return Observation(
        response_id=search.response_id,
        request_id=search.request_id,
        scope=search.scope,
        part=f"search:{tool_use_id}",
        group=0,
        context=0,
        service=0,
        offset=0,
        at=at,
        flags=search.flags,
        input_tokens=0,
        output_tokens=0,
        cache_read_tokens=0,
        cache_creation_5m_tokens=0,
        cache_creation_1h_tokens=0,
        reasoning_tokens=0,
        web_searches=count,
    )
