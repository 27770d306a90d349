"""What an independent recount saw at any time: no response of it may ever be lost.

A ledger outlives its logs, so a recount of what is on disk now is not enough to hold
it against. This remembers each response with the largest count of each field.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from books import Sum
from loglines import GATEWAY_ID
from oracle.fold import Response
from oracle.prices import Prices
from recount import default_rates, recount

REPLAY = "replay_"
"""How the request ids begin under which a side conversation repeats a response."""

Key = tuple[str, str]


class EverSeen:
    """The union of all recounts of ``root`` so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sessions: dict[str, object] = {}
        self._prices = Prices(default_rates())
        self._known: dict[Key, Response] = {}

    def look(self) -> None:
        """Recount what is on disk now."""
        found = recount(self.root)
        self.sessions = {k: t.cost for k, t in found.by_session.items() if t.cost}
        for response in found.responses:
            key = _key(response)
            before = self._known.get(key)
            self._known[key] = _both(before, response) if before else response

    def total(self) -> Sum:
        """What a ledger that was told of everything must hold."""
        counted = self._counted()
        return Sum(
            responses=len(counted),
            input=sum(r.input_tokens for r in counted),
            output=sum(r.output_tokens for r in counted),
            cache_read=sum(r.cache_read_tokens for r in counted),
            cache_creation_5m=sum(r.cache_creation_5m_tokens for r in counted),
            cache_creation_1h=sum(r.cache_creation_1h_tokens for r in counted),
            cost=sum(map(self._cost, counted), start=Decimal(0)),
            unfinalised=sum(r.unfinalised for r in counted),
        )

    def _counted(self) -> list[Response]:
        """One entry for each response: replays and nameless copies are not counted."""
        found: dict[Key, Response] = {}
        for key in sorted(self._known, key=lambda key: (not key[1], key)):
            response_id, request_id = key
            named = [k for k in found if k[0] == response_id]
            if request_id.startswith(REPLAY) and any(
                not request.startswith(REPLAY) for _, request in self._known_as(key)
            ):
                continue
            if not request_id and named:
                found[named[0]] = _both(found[named[0]], self._known[key])
            else:
                found[key] = self._known[key]
        return list(found.values())

    def _known_as(self, key: Key) -> list[Key]:
        return [other for other in self._known if other[0] == key[0]]

    def _cost(self, r: Response) -> Decimal:
        cost = self._prices.cost(r.model, r.usage, r.at, backend=r.response_id)
        return cost or Decimal(0)


def _key(response: Response) -> Key:
    """A gateway's constant id is no key; its responses differ in what they read."""
    request = response.request_id or ""
    if response.response_id == GATEWAY_ID:
        return f"{GATEWAY_ID} {response.input_tokens}", request
    return response.response_id, request


def _both(one: Response, other: Response) -> Response:
    writes = max(
        (one, other),
        key=lambda r: r.cache_creation_5m_tokens + r.cache_creation_1h_tokens,
    )
    return replace(
        one,
        at=min(one.at or 0, other.at or 0),
        input_tokens=max(one.input_tokens, other.input_tokens),
        output_tokens=max(one.output_tokens, other.output_tokens),
        cache_read_tokens=max(one.cache_read_tokens, other.cache_read_tokens),
        cache_creation_5m_tokens=writes.cache_creation_5m_tokens,
        cache_creation_1h_tokens=writes.cache_creation_1h_tokens,
        unfinalised=one.unfinalised and other.unfinalised,
    )
