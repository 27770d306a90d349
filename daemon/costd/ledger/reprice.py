"""Pricing everything again: after a rate card or an override has changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import islice
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.rates import RateCard
from costd.ledger import event_reprice
from costd.ledger.cells import Deltas
from costd.ledger.pieces import Split
from costd.ledger.pricing import Pricer
from costd.ledger.rows import COLUMNS, Row, to_observation

_AT_ONCE = 20_000


class ModelChange(NamedTuple):
    """What became different for one model; money in nano-USD."""

    model: str
    before: int
    after: int
    responses: int


class Repriced(NamedTuple):
    """What became different in all."""

    changed: int
    before: int
    after: int
    unpriced_before: int
    unpriced_after: int
    models: list[ModelChange]
    events: int = 0
    """Events that have another estimate."""
    contexts: Collection[int] = frozenset()
    """Where something has another cost now."""


def reprice(connection: Connection, card: RateCard, split: Split) -> Repriced:
    """Give every response the price of the card; within the caller's transaction.

    A response whose cost stays the same keeps the price row that it was given first.
    """
    pricer, deltas = Pricer(connection, card), Deltas(split)
    models = dict(connection.execute("SELECT id, model FROM service").fetchall())
    by_model: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    unpriced_before = unpriced_after = 0
    for rows in _batches(connection):
        updates = []
        for row in rows:
            cost, price_id = pricer.price(to_observation(row))
            unpriced_before += row.cost is None
            unpriced_after += cost is None
            sums = by_model[models[row.service_id]]
            sums[0] += row.cost or 0
            sums[1] += cost or 0
            if cost == row.cost:
                continue
            sums[2] += 1
            updates.append((cost, price_id, row.id))
            deltas.add(row, -1)
            deltas.add(row._replace(cost=cost, price_id=price_id))
        connection.executemany(
            "UPDATE response SET cost = ?, price_id = ? WHERE id = ?", updates
        )
    deltas.write(connection)
    changes = [ModelChange(model, *sums) for model, sums in sorted(by_model.items())]
    return Repriced(
        sum(change.responses for change in changes),
        sum(change.before for change in changes),
        sum(change.after for change in changes),
        unpriced_before,
        unpriced_after,
        [change for change in changes if change.responses],
        event_reprice.reprice(connection, card),
        deltas.contexts,
    )


def _batches(connection: Connection) -> Iterator[list[Row]]:
    """All rows, in the order of their numbers, so many at a time."""
    last = 0
    query = f"SELECT {COLUMNS} FROM response WHERE id > ? ORDER BY id LIMIT ?"
    while True:
        cursor = connection.execute(query, (last, _AT_ONCE))
        rows = [Row(*values) for values in islice(cursor, _AT_ONCE)]
        if not rows:
            return
        last = rows[-1].id
        yield rows
