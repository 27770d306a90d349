"""New prices for what is recorded: all of it, in one transaction, or only to look."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from books import Book
from costd.core.attribution import Keys
from costd.ledger import Ledger
from costd.ledger.reprice import ModelChange, Repriced
from costd.prices import load_rate_card
from loglines import Line, encode, lines
from rollup import assert_rollup_is_its_rows

OPUS, UNKNOWN = "claude-opus-5", "glm-5.2"
RATES = {"input": "1", "output": "2", "cache_read": "0.1"}
DOUBLE = {OPUS: {"input": "10", "output": "50"}}


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Book]:
    made = Book(memory_dir / "ledger.db", memory_dir / "projects")
    made.root.mkdir()
    (made.root / "a.jsonl").write_bytes(
        lines(1, 2, 3) + lines(4, 5, model=UNKNOWN) + lines(6, model="claude-sonnet-5")
    )
    made.catch_up()
    yield made
    made.close()


def with_card(book: Book, overrides: dict[str, object]) -> None:
    """As after an edit of the configuration and a restart."""
    book.ledger.close()
    book.ledger = Ledger(book.path, load_rate_card(overrides), Keys())


def test_the_same_card_changes_nothing(book: Book) -> None:
    before = book.query("SELECT * FROM response ORDER BY id")
    done = book.ledger.reprice(dry_run=False)
    cost = int(book.total().cost * 10**9)
    assert done == Repriced(0, cost, cost, 2, 2, [])
    assert book.query("SELECT * FROM response ORDER BY id") == before


def test_a_price_for_what_had_none(book: Book) -> None:
    before = book.total()
    with_card(book, {UNKNOWN: RATES})
    done = book.ledger.reprice(dry_run=False)
    added = 2 * (10 * 1_000 + 100 * 2_000)
    assert (done.changed, done.unpriced_before, done.unpriced_after) == (2, 2, 0)
    assert done.models == [ModelChange(UNKNOWN, 0, added, 2)]
    assert done.after - done.before == added
    assert book.total().cost == before.cost + Decimal(added) / 10**9
    assert book.unpriced() == []
    assert_rollup_is_its_rows(book)


def test_a_price_that_changed(book: Book) -> None:
    with_card(book, {**DOUBLE})
    done = book.ledger.reprice(dry_run=False)
    assert [(c.model, c.responses) for c in done.models] == [(OPUS, 3)]
    assert done.models[0].after == 2 * done.models[0].before
    assert_rollup_is_its_rows(book)
    names = book.query(
        "SELECT DISTINCT p.name FROM response r JOIN price p ON p.id = r.price_id "
        "JOIN service s ON s.id = r.service_id WHERE s.model = ?",
        OPUS,
    )
    assert len(names) == 1


def test_a_price_that_was_taken_back_is_no_price_again(book: Book) -> None:
    with_card(book, {UNKNOWN: RATES})
    book.ledger.reprice(dry_run=False)
    with_card(book, {})
    done = book.ledger.reprice(dry_run=False)
    assert (done.changed, done.unpriced_after) == (2, 2)
    assert book.unpriced() == [UNKNOWN]
    assert_rollup_is_its_rows(book)


def test_only_to_look_changes_nothing(book: Book) -> None:
    with_card(book, {UNKNOWN: RATES, **DOUBLE})
    before = [book.query(f"SELECT * FROM {t}") for t in ("response", "cell", "price")]
    looked = book.ledger.reprice(dry_run=True)
    after = [book.query(f"SELECT * FROM {t}") for t in ("response", "cell", "price")]
    assert after == before
    assert looked == book.ledger.reprice(dry_run=False)
    assert looked.changed == 5


def test_what_costs_the_same_keeps_its_first_price(book: Book) -> None:
    """An answer about the past names the card that it was given with."""
    book.query("UPDATE price SET card_version = 'of last year'")
    book.ledger.reprice(dry_run=False)
    versions = book.query(
        "SELECT DISTINCT p.card_version FROM response r JOIN price p ON p.id = price_id"
    )
    assert versions == [("of last year",)]


def test_a_model_at_two_speeds_is_one_line(book: Book) -> None:
    fast = Line(7).value()
    fast["message"]["usage"]["speed"] = "fast"
    with (book.root / "a.jsonl").open("ab") as file:
        file.write(encode(fast))
    book.catch_up()
    with_card(book, {**DOUBLE})
    done = book.ledger.reprice(dry_run=True)
    assert [change.model for change in done.models] == [OPUS]


def test_parts_are_priced_with_their_response(book: Book) -> None:
    line = Line(8).value()
    line["message"]["usage"]["iterations"] = [
        {"type": "compaction", "input_tokens": 1_000, "output_tokens": 10},
        {"type": "advisor_message", "model": UNKNOWN, "output_tokens": 10},
    ]
    with (book.root / "a.jsonl").open("ab") as file:
        file.write(encode(line))
    book.catch_up()
    before = book.total().cost
    with_card(book, {UNKNOWN: RATES})
    done = book.ledger.reprice(dry_run=False)
    assert done.unpriced_before == 3
    assert book.total().cost > before
    assert_rollup_is_its_rows(book)


def test_more_rows_than_are_looked_at_at_once(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costd.ledger.reprice._AT_ONCE", 2)
    with_card(book, {UNKNOWN: RATES, **DOUBLE})
    assert book.ledger.reprice(dry_run=False).changed == 5
    assert_rollup_is_its_rows(book)
