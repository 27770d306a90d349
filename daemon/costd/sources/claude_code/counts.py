"""The counts of a usage record, in costd's disjoint buckets."""

from __future__ import annotations

from costd.sources.claude_code.shapes import CacheCreation, Usage

Counts = tuple[int, int, int, int, int, int, int]
"""Input, output, cache read, writes for 5 minutes and an hour, reasoning, searches."""


def counts(usage: Usage) -> Counts | None:
    """What a line bills; None where it bills nothing.

    A placeholder without any count says nothing yet; thinking alone is part of an
    output that must be there too.
    """
    fresh = usage.input_tokens or 0
    out = usage.output_tokens or 0
    read = usage.cache_read_input_tokens or 0
    short, hour = cache_writes(usage.cache_creation_input_tokens, usage.cache_creation)
    tools = usage.server_tool_use
    searches = 0 if tools is None else tools.web_search_requests or 0
    if not (fresh or out or read or short or hour or searches):
        return None
    details = usage.output_tokens_details
    reasoning = 0 if details is None else details.thinking_tokens or 0
    return fresh, out, read, short, hour, reasoning, searches


def cache_writes(flat: int | None, split: CacheCreation | None) -> tuple[int, int]:
    """Cache writes as (5 minutes, 1 hour); what no lifetime claims is 5 minutes.

    The flat total and the split disagree on some versions; the larger one counts.
    """
    flat = flat or 0
    if split is None:
        return flat, 0
    hour = split.ephemeral_1h_input_tokens or 0
    short = split.ephemeral_5m_input_tokens or 0
    return max(short, flat - hour), hour
