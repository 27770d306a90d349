"""Who owns the work of one place, piece by piece over time.

Claims, the parent's owner and the place itself are layers over the same axis; at each
moment the strongest layer owns. The pieces follow one another without gap or overlap,
so no response can have two owners or none.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

from costd.core.attribution.claims import Claim, Claims
from costd.core.attribution.keys import Keys
from costd.core.attribution.model import THRESHOLD, Attribution, Place, shown
from costd.core.attribution.place import attribute_place

INHERITED_LESS = 5
"""Percent by which a parent's owner is surer than its child's."""

_BEGINNING = -(2**63)
_END = 2**63


class Span(Struct, frozen=True, gc=False):
    """One owner from ``from_at`` until before ``until_at``; ``None`` is open."""

    from_at: int | None
    until_at: int | None
    attribution: Attribution


class _Layer(Struct, frozen=True, gc=False):
    from_at: int
    until_at: int
    strength: tuple[int, int]
    attribution: Attribution


def spans(
    place: Place,
    session_id: str,
    claims: Claims,
    keys: Keys,
    *,
    agent_id: str = "",
    pids: Iterable[int] = (),
    parent: Sequence[Span] = (),
    threshold: int = THRESHOLD,
) -> tuple[Span, ...]:
    """The owners of what was done at ``place`` in a session, over all time.

    Args:
        place: where it was done.
        session_id: the session.
        claims: everything that was claimed.
        keys: the tracker keys that are believed.
        agent_id: the subagent, or empty.
        pids: the processes that are known to have run the session.
        parent: the spans of the session or agent that started this one. Subagents,
            teammates, compactions and forks inherit its owner at the same time.
        threshold: percent from which a place's evidence counts.

    Returns:
        At least one span; the first begins and the last ends open.
    """
    own = attribute_place(place, keys, threshold)
    said = claims.about(place, session_id, agent_id=agent_id, pids=pids)
    return layered(own, said, parent)


def layered(
    own: Attribution, said: Sequence[Claim], parent: Sequence[Span] = ()
) -> tuple[Span, ...]:
    """As ``spans``, for a place that has been attributed already.

    Args:
        own: what the place itself shows; claims do not change it, so it can be kept.
        said: the claims about it, the strongest first, as ``Claims.about`` gives them.
        parent: the spans of the session or agent that started this one.
    """
    if not said and not parent:
        return (Span(None, None, own),)
    layers = [_claimed(claim, rank, own) for rank, claim in enumerate(said)]
    layers += [layer for span in parent if (layer := _inherited(span, own))]
    layers.append(_Layer(_BEGINNING, _END, (4 if own.is_bucket else 2, 0), own))
    return tuple(_strongest_first(layers))


def owner_at(spans: Sequence[Span], at: int) -> Attribution:
    """The owner at the moment ``at`` (ms since the epoch) of spans in order."""
    begins = [_edge(span.from_at, _BEGINNING) for span in spans]
    return spans[max(0, bisect_right(begins, at) - 1)].attribution


def _edge(at: int | None, open_end: int) -> int:
    return open_end if at is None else max(_BEGINNING, min(at, _END))


def _claimed(claim: Claim, rank: int, own: Attribution) -> _Layer:
    return _Layer(
        _edge(claim.from_at, _BEGINNING),
        _edge(claim.until_at, _END),
        (0, rank),
        Attribution(
            issue=claim.issue,
            role=claim.role or own.role,
            rule=claim.rule,
            confidence=claim.confidence,
            evidence=f"claim {claim.id}: {claim.selector} {shown(claim.value)}",
        ),
    )


def _inherited(span: Span, own: Attribution) -> _Layer | None:
    """The parent's owner as a layer.

    What somebody said of the parent beats weaker evidence of the child's own place;
    what the parent's place shows fills in only where the child's shows nothing.
    A parent in a bucket has nothing to hand down unless somebody put it there.
    """
    above = span.attribution
    if above.is_bucket and not above.is_explicit:
        return None
    confidence = max(0, above.confidence - INHERITED_LESS)
    surer = above.is_explicit and confidence > own.confidence
    handed = Attribution(
        issue=above.issue,
        role=above.role if above.is_explicit and above.role else own.role or above.role,
        rule="inherit",
        confidence=confidence,
        evidence=f"parent: {above.evidence}",
        via=above.via or above.rule,
    )
    return _Layer(
        _edge(span.from_at, _BEGINNING),
        _edge(span.until_at, _END),
        (1 if surer else 3, 0),
        handed,
    )


def _strongest_first(layers: list[_Layer]) -> list[Span]:
    """Cut the axis at every edge and keep the strongest layer of each piece."""
    waiting = sorted(layers, key=lambda layer: layer.from_at, reverse=True)
    edges = sorted(
        {layer.from_at for layer in layers} | {layer.until_at for layer in layers}
    )
    over: list[tuple[tuple[int, int], int, _Layer]] = []  # the place's own never ends
    pieces: list[Span] = []
    for edge in edges[:-1]:
        while waiting and waiting[-1].from_at <= edge:
            layer = waiting.pop()
            heapq.heappush(over, (layer.strength, len(waiting), layer))
        while over[0][2].until_at <= edge:
            heapq.heappop(over)
        _extend(pieces, edge, over[0][2].attribution)
    return pieces


def _extend(pieces: list[Span], edge: int, owner: Attribution) -> None:
    """Begin a piece at ``edge``, unless the one before has the same owner."""
    if not pieces:
        pieces.append(Span(None, None, owner))
    elif pieces[-1].attribution != owner:
        pieces[-1] = structs.replace(pieces[-1], until_at=edge)
        pieces.append(Span(edge, None, owner))
