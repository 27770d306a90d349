"""What has been found so far: observations, and the lists they point into."""

from __future__ import annotations

from costd.core.dedup import blend, group_of, merge
from costd.core.usage import Context, Observation, Service
from costd.sources.codex.counter import Moment
from costd.sources.codex.shapes import Usage


class Folds:
    """Observations by what makes them the same response."""

    def __init__(self) -> None:
        self._contexts: dict[Context, int] = {}
        self._services: dict[Service, int] = {}
        self._observations: dict[str, Observation] = {}

    @property
    def contexts(self) -> list[Context]:
        """The contexts, in the order of their indexes."""
        return list(self._contexts)

    @property
    def services(self) -> list[Service]:
        """What served the responses, in the order of their indexes."""
        return list(self._services)

    @property
    def observations(self) -> list[Observation]:
        """The observations, in the order in which they began."""
        return list(self._observations.values())

    def add(
        self,
        name: str,
        used: Usage,
        moment: Moment,
        *,
        context: Context,
        service: Service,
        flags: int,
    ) -> None:
        """One response; Codex's input holds what was cached and what was written."""
        cached = min(used.cached, used.input)
        written = min(used.written, used.input - cached)
        self._fold(
            Observation(
                name,
                "",
                "",
                "",
                group_of(name, ""),
                self._contexts.setdefault(context, len(self._contexts)),
                self._services.setdefault(service, len(self._services)),
                moment.offset,
                moment.at,
                flags,
                used.input - cached - written,
                used.output,
                cached,
                written,
                0,
                min(used.reasoning, used.output),
                0,
            )
        )

    def _fold(self, seen: Observation) -> None:
        """As the ledger does it when two readings show one response."""
        kept = self._observations.setdefault(seen.response_id, seen)
        if kept is seen:
            return
        better = merge(kept, seen)
        if kept.service != seen.service:
            services = self.services
            old, new = services[kept.service], services[seen.service]
            blended = blend(old, new, better=better)
            kept.service = self._services.setdefault(blended, len(services))
