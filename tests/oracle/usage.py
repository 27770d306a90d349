"""Token counts: one usage object as disjoint buckets (format page 2.4, 2.5)."""

from __future__ import annotations

from dataclasses import dataclass

from oracle.records import Json, mapping, text, whole


@dataclass(frozen=True)
class Usage:
    """Tokens of one request in disjoint buckets."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_5m_tokens: int = 0
    cache_creation_1h_tokens: int = 0

    @property
    def prompt(self) -> int:
        """What the long-context threshold looks at."""
        return self.input_tokens + self.cache_read_tokens + self.written

    @property
    def written(self) -> int:
        """Tokens written to the cache, both lifetimes."""
        return self.cache_creation_5m_tokens + self.cache_creation_1h_tokens

    @property
    def total(self) -> int:
        """Every token once."""
        return self.prompt + self.output_tokens


@dataclass(frozen=True)
class Iteration:
    """One entry of ``usage.iterations``."""

    kind: str
    model: str | None
    usage: Usage


def usage_of(reported: Json) -> Usage:
    """The five buckets of one usage object (format page 2.4)."""
    split = mapping(reported.get("cache_creation"))
    five = whole(split.get("ephemeral_5m_input_tokens"))
    hour = whole(split.get("ephemeral_1h_input_tokens"))
    flat = whole(reported.get("cache_creation_input_tokens"))
    return Usage(
        input_tokens=whole(reported.get("input_tokens")),
        output_tokens=whole(reported.get("output_tokens")),
        cache_read_tokens=whole(reported.get("cache_read_input_tokens")),
        cache_creation_5m_tokens=max(flat, five + hour) - hour,
        cache_creation_1h_tokens=hour,
    )


def iterations_of(reported: Json) -> tuple[Iteration, ...] | None:
    """The entries of ``iterations``; None when the line has none."""
    entries = reported.get("iterations")
    if not isinstance(entries, list) or not entries:
        return None
    return tuple(
        Iteration(text(entry.get("type")) or "", text(entry.get("model")), usage)
        for entry in map(mapping, entries)
        for usage in [usage_of(entry)]
    )


def any_tokens(iterations: tuple[Iteration, ...] | None) -> bool:
    return any(entry.usage.total for entry in iterations or ())


def searches_of(reported: Json) -> int | None:
    """Web searches the response reports; None when it does not say."""
    tools = reported.get("server_tool_use")
    if not isinstance(tools, dict):
        return None
    return whole(tools.get("web_search_requests"))
