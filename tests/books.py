"""A real ledger and the real way into it, in one hand, for tests without a daemon."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import places
from costd.core.attribution import Keys
from costd.engine.intake import Intake
from costd.ledger import Ledger
from costd.ledger.compare import Comparison, compare
from costd.prices import load_rate_card

NOW = 1_795_000_000_000
MAX_LINE = 1 << 20
STINT_SUMS = (
    "responses unfinalised unpriced unpriced_tokens input_tokens output_tokens "
    "cache_read_tokens cache_creation_5m_tokens cache_creation_1h_tokens "
    "reasoning_tokens web_searches cost"
).split()
SLICES = 10_000


@dataclass(frozen=True)
class Sum:
    """What a ledger holds in total."""

    responses: int
    input: int
    output: int
    cache_read: int
    cache_creation_5m: int
    cache_creation_1h: int
    cost: Decimal
    unfinalised: int


class Book:
    """A ledger at ``path`` that reads a source's logs under ``root``."""

    def __init__(
        self,
        path: Path,
        root: Path,
        max_line_bytes: int = MAX_LINE,
        source: str = "claude",
    ) -> None:
        self.path = path
        self.root = root
        self.source = source
        self.roots = {source: [str(root)]}
        self._max_line_bytes = max_line_bytes
        self.open()

    def open(self) -> None:
        self.ledger = Ledger(self.path, load_rate_card(), Keys())
        self.intake = Intake(
            self.ledger, self.roots, self._max_line_bytes, lambda _message: None
        )

    def reopen(self) -> None:
        """As after a restart: nothing is known but what the file holds."""
        self.close()
        self.open()

    def close(self) -> None:
        self.intake.close()
        self.ledger.close()

    def catch_up(self) -> None:
        self.intake.sweep(NOW)
        for _ in range(SLICES):
            if not self.intake.is_busy:
                return
            self.intake.advance()
        raise AssertionError("reading does not come to an end")

    def verify(self) -> Comparison:
        """As the engine does it: a second ledger, read anew from what is on disk."""
        with places.memory_dir() as folder:
            fresh = Book(
                folder / "ledger.db", self.root, self._max_line_bytes, self.source
            )
            fresh.catch_up()
            fresh.close()
            return compare(self.ledger.database.connection, fresh.path)

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        return self.ledger.database.connection.execute(sql, values).fetchall()

    def numbers(self, sql: str) -> list[tuple[int, ...]]:
        return [tuple(int(str(v)) for v in row) for row in self.query(sql)]

    def total(self) -> Sum:
        """The sum over the rollup; the rows must say the same."""
        ((*counts, cost, unfinalised),) = self.numbers(
            "SELECT coalesce(sum(responses), 0), coalesce(sum(input_tokens), 0), "
            "coalesce(sum(output_tokens), 0), coalesce(sum(cache_read_tokens), 0), "
            "coalesce(sum(cache_creation_5m_tokens), 0), "
            "coalesce(sum(cache_creation_1h_tokens), 0), coalesce(sum(cost), 0), "
            "coalesce(sum(unfinalised), 0) FROM cell"
        )
        ((rows, spent),) = self.numbers(
            "SELECT coalesce(sum(part = ''), 0), coalesce(sum(cost), 0) FROM response"
        )
        assert (rows, spent) == (counts[0], cost), "the rollup differs from its rows"
        self._hold_stints()
        return Sum(
            responses=counts[0],
            input=counts[1],
            output=counts[2],
            cache_read=counts[3],
            cache_creation_5m=counts[4],
            cache_creation_1h=counts[5],
            cost=Decimal(cost) / 10**9,
            unfinalised=unfinalised,
        )

    def _hold_stints(self) -> None:
        """The sums by day are those of the cells, and lie within their bounds."""
        both = (
            "SELECT context_id, span, day, service_id, {} FROM (SELECT *, "
            "bucket / 96 AS day FROM cell) GROUP BY 1, 2, 3, 4"
        ).format(", ".join(f"sum({name})" for name in STINT_SUMS))
        stints = self.numbers(
            "SELECT context_id, span, day, service_id, "
            f"{', '.join(STINT_SUMS)} FROM stint ORDER BY 1, 2, 3, 4"
        )
        assert stints == sorted(self.numbers(both)), "stints differ from their cells"
        outside = self.query(
            "SELECT 1 FROM cell LEFT JOIN stint d ON d.context_id = cell.context_id "
            "AND d.span = cell.span AND d.service_id = cell.service_id "
            "AND cell.bucket BETWEEN d.first AND d.last AND d.first / 96 = d.day "
            "AND d.last / 96 = d.day WHERE d.day IS NULL"
        )
        assert not outside, "a cell lies outside of its stint"

    def sessions(self) -> dict[str, Decimal]:
        """Cost by session, without those that cost nothing."""
        rows = self.query(
            "SELECT s.session_id, sum(cell.cost) FROM cell "
            "JOIN context c ON c.id = cell.context_id JOIN session s ON s.id = c.session "
            "GROUP BY 1 HAVING sum(cell.cost) > 0"
        )
        return {str(name): Decimal(str(cost)) / 10**9 for name, cost in rows}

    def unpriced(self) -> list[str]:
        rows = self.query(
            "SELECT DISTINCT model FROM response JOIN service s ON s.id = service_id "
            "WHERE cost IS NULL ORDER BY 1"
        )
        return [str(model) for (model,) in rows]
