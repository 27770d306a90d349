"""What has been folded so far: observations, and the lists they point into."""

from __future__ import annotations

from costd.core.dedup import blend, group_of, merge
from costd.core.usage import Context, Observation, Service


class Folds:
    """Observations by what makes them the same response."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[str, ...], int] = {}
        self._service_numbers: dict[tuple[str | None, ...], int] = {}
        self._observations: dict[tuple[str, str, str, str], Observation] = {}
        self.services: list[Service] = []

    @property
    def contexts(self) -> list[Context]:
        """The contexts, in the order of their indexes."""
        return [Context(*place) for place in self._contexts]

    @property
    def observations(self) -> list[Observation]:
        """The observations, in the order in which they began."""
        return list(self._observations.values())

    def context(self, *place: str) -> int:
        """The index of a context: session, subagent, directory, branch."""
        return self._contexts.setdefault(place, len(self._contexts))

    def service(self, model: str | None, speed: str | None, geo: str | None) -> int:
        """The index of what served a response."""
        key = (model, speed, geo)
        index = self._service_numbers.get(key)
        if index is None:
            index = self._service_numbers[key] = len(self.services)
            self.services.append(Service(model or "", speed or "", geo or ""))
        return index

    def fold(self, seen: Observation) -> Observation:
        """Fold ``seen`` into what is known of its response, and return that."""
        kept = self._observations.setdefault(
            (seen.response_id, seen.request_id, seen.scope, seen.part), seen
        )
        if kept is seen:
            seen.group = group_of(seen.response_id, seen.scope)
            return seen
        better = merge(kept, seen)
        if kept.service != seen.service:
            old, new = (self.services[s.service] for s in (kept, seen))
            blended = blend(old, new, better=better)
            kept.service = self.service(blended.model, blended.speed, blended.geo)
        return kept
