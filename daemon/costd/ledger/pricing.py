"""From an observation to its cost and the number of the price that was used."""

from __future__ import annotations

from sqlite3 import Connection

from costd.core.models import backend_of
from costd.core.rates import RateCard, Resolved
from costd.core.usage import Flag, Observation

NOT_BILLED = "not-billed: refused before any output"


class Pricer:
    """Prices within one transaction."""

    def __init__(self, connection: Connection, card: RateCard) -> None:
        self._connection = connection
        self._card = card
        self._resolved: dict[tuple[int, str], Resolved] = {}
        self._numbers: dict[str, int] = {}

    def price(self, seen: Observation) -> tuple[int | None, int]:
        """Cost in nano-USD, None if unpriced, and the price row's number."""
        if seen.flags & Flag.REFUSED and not seen.output_tokens:
            return 0, self._number(NOT_BILLED)
        key = (seen.service, seen.response_id[4:5])
        resolved = self._resolved.get(key)
        if resolved is None:
            resolved = self._resolve(seen.service, seen.response_id)
            self._resolved[key] = resolved
        cost, name = resolved.charge(
            seen.at,
            seen.input_tokens,
            seen.output_tokens,
            seen.cache_read_tokens,
            seen.cache_creation_5m_tokens,
            seen.cache_creation_1h_tokens,
            seen.web_searches,
        )
        number = self._numbers.get(name)
        return cost, self._number(name) if number is None else number

    def _resolve(self, service: int, response_id: str) -> Resolved:
        model, speed, geo = self._connection.execute(
            "SELECT model, speed, geo FROM service WHERE id = ?", (service,)
        ).fetchone()
        return self._card.resolve(model, speed, geo, backend_of(response_id))

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            key = (name, self._card.version)
            self._connection.execute(
                "INSERT OR IGNORE INTO price (name, card_version) VALUES (?, ?)", key
            )
            (self._numbers[name],) = self._connection.execute(
                "SELECT id FROM price WHERE name = ? AND card_version = ?", key
            ).fetchone()
        return self._numbers[name]
