"""Which lines are the same response, and what it then holds.

The rules are those of the format notes for Claude Code (key, merge, replays). A log
is folded line by line into observations (``merge``); observations of several logs
that could be the same response form a group (``group_of``), and ``canonical`` says
which responses the group holds. Groups are tiny, so they are derived anew on each
change: in whatever order files are read, the answer is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

from msgspec.structs import replace

from costd.core.usage import Context, Flag, Observation, Service

_PROVIDER_ID = re.compile(r"msg_(?:bdrk_|vrtx_)?[A-Za-z0-9_]{16,}", re.ASCII)
_SHARED = Flag.SIDECHAIN | Flag.FORKED | Flag.UNDATED
"""Flags that hold for a response only if they hold for each of its lines."""
_ANY = Flag.FINAL | Flag.WHOLE | Flag.REFUSED | Flag.CREDITED
"""Flags that hold for a response if they hold for any of its lines."""
_RANK = Flag.FINAL | Flag.WHOLE
"""Whose word counts: a fallback's (the larger bit), then that of a finished line."""


def is_provider_id(response_id: str) -> bool:
    """Whether an id has the provider's own form, and so is unique everywhere."""
    return _PROVIDER_ID.fullmatch(response_id) is not None


def group_of(response_id: str, scope: str) -> int:
    """The number under which the ledger looks for copies of a response.

    32 bits, not unique: whoever finds rows by it compares id and scope as text.
    """
    return crc32(response_id.encode(), crc32(scope.encode()) if scope else 0)


def merge(kept: Observation, other: Observation) -> bool:
    """Fold ``other`` into ``kept``: the same response, seen once more, later.

    Tokens are the maximum per field, cache writes come from the larger write, the
    time and place from the earliest line. Idempotent.

    Returns:
        Whether ``other`` also says what served the response: it finished, or neither
        did and it is the later one. ``kept.service`` is the caller's to ``blend``.
    """
    if other.at < kept.at:
        kept.at, kept.context, kept.offset = other.at, other.context, other.offset
    old, new = kept.flags, other.flags
    better = (new & _RANK) >= (old & _RANK)
    if (old | new) & Flag.WHOLE:
        if better:
            _take_usage(kept, other)
    else:
        _take_maximum(kept, other)
    if better:
        kept.web_searches = other.web_searches or kept.web_searches
    else:
        kept.web_searches = kept.web_searches or other.web_searches
    kept.request_id = kept.request_id or other.request_id
    kept.flags = (old & new & _SHARED) | ((old | new) & _ANY)
    return better


def blend(kept: Service, other: Service, *, better: bool) -> Service:
    """What served a response of which two lines speak; ``better`` as ``merge`` says."""
    if kept == other:
        return kept
    first, second = (other, kept) if better else (kept, other)
    return Service(
        first.model or second.model,
        first.speed or second.speed,
        first.geo or second.geo,
    )


def _take_usage(kept: Observation, other: Observation) -> None:
    kept.input_tokens = other.input_tokens
    kept.output_tokens = other.output_tokens
    kept.cache_read_tokens = other.cache_read_tokens
    kept.cache_creation_5m_tokens = other.cache_creation_5m_tokens
    kept.cache_creation_1h_tokens = other.cache_creation_1h_tokens
    kept.reasoning_tokens = other.reasoning_tokens


def _take_maximum(kept: Observation, other: Observation) -> None:
    kept.input_tokens = max(kept.input_tokens, other.input_tokens)
    kept.output_tokens = max(kept.output_tokens, other.output_tokens)
    kept.cache_read_tokens = max(kept.cache_read_tokens, other.cache_read_tokens)
    kept.reasoning_tokens = max(kept.reasoning_tokens, other.reasoning_tokens)
    old_hour, new_hour = kept.cache_creation_1h_tokens, other.cache_creation_1h_tokens
    old = kept.cache_creation_5m_tokens + old_hour
    new = other.cache_creation_5m_tokens + new_hour
    if (new, new_hour) > (old, old_hour):
        kept.cache_creation_5m_tokens = other.cache_creation_5m_tokens
        kept.cache_creation_1h_tokens = new_hour


class Sighting(NamedTuple):
    """An observation with what decides between copies: the log it stands in."""

    file: int
    first_at: int
    forked: bool
    path: str
    context: Context
    service: Service
    seen: Observation


class Canonical(NamedTuple):
    """One response of a group: its merged observation and whose it is."""

    owner: Sighting
    service: Service
    merged: Observation


def canonical(group: Iterable[Sighting]) -> list[Canonical]:
    """The responses that a group of sightings holds, each exactly once.

    Args:
        group: all sightings with one response id and scope, at most one for each
            file, request id and part. They are not changed.

    Returns:
        One entry for each response and each separately billed part, in a stable order.
    """
    clusters = _drop_replays(_clusters(group))
    return [entry for cluster in clusters for entry in _responses(cluster)]


def _clusters(group: Iterable[Sighting]) -> list[list[Sighting]]:
    """Sightings by request id; one without joins the earliest that has one."""
    by_request: dict[str, list[Sighting]] = {}
    for sighting in sorted(group, key=_originality):
        by_request.setdefault(sighting.seen.request_id, []).append(sighting)
    nameless = by_request.pop("", [])
    if not by_request:
        return [nameless]
    clusters = list(by_request.values())
    clusters[0].extend(nameless)
    return clusters


def _originality(sighting: Sighting) -> tuple[bool, int, bool, str, int]:
    """Sorts the original before its copies, whatever was read first."""
    forked = bool(sighting.seen.flags & Flag.FORKED)
    seen_at = sighting.seen.offset
    return forked, sighting.first_at, sighting.forked, sighting.path, seen_at


def _drop_replays(clusters: list[list[Sighting]]) -> list[list[Sighting]]:
    """Without the copies that a side conversation made under a new request id.

    Only an id of the provider's own can be a replay's; a gateway's constant id would
    make every call of a subagent look like one.
    """
    if len(clusters) == 1 or not is_provider_id(clusters[0][0].seen.response_id):
        return clusters
    mains = [c for c in clusters if not _is_side(c)]
    if not mains:
        first = min(clusters, key=lambda c: (min(s.seen.at for s in c), c[0].path))
        mains = [first]
    files = {s.file for cluster in mains for s in cluster}
    return mains + [
        c
        for c in clusters
        if not any(c is main for main in mains) and any(s.file in files for s in c)
    ]


def _is_side(cluster: list[Sighting]) -> bool:
    return all(s.seen.flags & Flag.SIDECHAIN for s in cluster)


def _responses(cluster: list[Sighting]) -> list[Canonical]:
    parts: dict[str, list[Sighting]] = {}
    for sighting in cluster:
        parts.setdefault(sighting.seen.part, []).append(sighting)
    itself = parts.get("", ())
    reports_searches = any(s.seen.web_searches for s in itself)
    return [
        _merged(sightings)
        for part, sightings in sorted(parts.items())
        if not (reports_searches and part.startswith("search:"))
    ]


def _merged(sightings: list[Sighting]) -> Canonical:
    ordered = sorted(sightings, key=_originality)
    owner = _owner(ordered)
    merged, service = replace(ordered[0].seen), ordered[0].service
    for sighting in ordered[1:]:
        better = merge(merged, sighting.seen)
        service = blend(service, sighting.service, better=better)
    merged.context = owner.seen.context
    merged.offset = owner.seen.offset
    return Canonical(owner, service, merged)


def _owner(ordered: list[Sighting]) -> Sighting:
    """The original's session; within it the subagent that made the call."""
    first = ordered[0]
    session = first.context.session_id
    agents = (
        s for s in ordered if s.context.agent_id and s.context.session_id == session
    )
    return next(agents, first)
