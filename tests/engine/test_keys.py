"""Keys from a tracker count at once, for the past too, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costd.core.errors import NotFoundError, UsageError
from owned import Owned, owned

ONE = 0.02505
"""What one response of the work log costs, USD."""
S1 = "11111111-0000-4000-8000-000000000000"


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Owned]:
    with owned(memory_dir) as made:
        work(made)
        yield made


def work(book: Owned) -> None:
    for branch in ("min-12", "ops-3", "PAN-7"):
        book.work.respond(S1, 0, branch=branch)
    book.sync()


def sources(book: Owned) -> dict[str, tuple[str, Any, bool]]:
    rows = book.ask("keys")["rows"]
    return {row["key"]: (row["source"], row["where"], row["counts"]) for row in rows}


def test_an_imported_key_moves_what_was_spent(book: Owned) -> None:
    assert book.costs() == {"none:no-match": 2 * ONE, "PAN-7": ONE}
    answer = book.ask("import_keys", keys=["MIN"], source="issues.csv")
    assert (answer["added"], answer["known"]) == (["MIN"], 0)
    (moved,) = answer["moved"]["rows"]
    assert (moved["from"], moved["to"]) == ("none:no-match", "MIN-12")
    assert (moved["responses"], moved["cost_usd"]) == (1, ONE)
    assert book.costs() == {"none:no-match": ONE, "PAN-7": ONE, "MIN-12": ONE}
    assert sources(book) == {"MIN": ("tracker", "issues.csv", True)}


def test_it_counts_for_what_comes_and_after_a_restart(memory_dir: Path) -> None:
    with owned(memory_dir) as book:
        work(book)
        book.ask("import_keys", keys=["min"])
        book.work.respond(S1, 1, branch="min-13")
        book.sync()
    with owned(memory_dir) as book:
        book.work.respond(S1, 2, branch="min-14")
        book.sync()
        costs = book.costs()
        assert [costs[f"MIN-{n}"] for n in (12, 13, 14)] == [ONE, ONE, ONE]
        assert sources(book) == {"MIN": ("tracker", "api", True)}


def test_a_forgotten_key_gives_back_what_it_moved(book: Owned) -> None:
    before = book.costs()
    book.ask("import_keys", keys=["MIN", "OPS"])
    answer = book.ask("forget_keys", keys=["OPS"])
    assert answer["removed"] == ["OPS"]
    assert answer["moved"]["rows"][0]["from"] == "OPS-3"
    assert book.ask("forget_keys", all=True)["removed"] == ["MIN"]
    assert book.costs() == before
    assert sources(book) == {}


def test_a_dry_run_changes_nothing(book: Owned) -> None:
    before = book.costs()
    answer = book.ask("import_keys", keys=["MIN"], dry_run=True)
    assert (answer["added"], answer["moved"]) == (["MIN"], None)
    assert (book.costs(), sources(book)) == (before, {})
    book.ask("import_keys", keys=["MIN"])
    book.ask("forget_keys", keys=["MIN"], dry_run=True)
    assert "MIN" in sources(book)


def test_a_claim_stays_above_an_imported_key(book: Owned) -> None:
    book.link("PAN-9", branch="min-*")
    book.ask("import_keys", keys=["MIN"])
    assert book.costs()["PAN-9"] == ONE


@pytest.mark.parametrize(
    "keys", [[], ["MIN-1"], ["MIN", ""], ["MIN", "../x"], [7], ["A" * 33], None]
)
def test_one_bad_key_and_none_is_taken(book: Owned, keys: object) -> None:
    with pytest.raises(UsageError):
        book.ask("import_keys", keys=keys)
    assert sources(book) == {}


def test_a_bad_source_is_refused(book: Owned) -> None:
    with pytest.raises(UsageError):
        book.ask("import_keys", keys=["MIN"], source="a\x1b[31m")


def test_what_was_not_imported_cannot_be_forgotten(book: Owned) -> None:
    book.ask("import_keys", keys=["MIN"])
    with pytest.raises(NotFoundError):
        book.ask("forget_keys", keys=["MIN", "PAN"])
    assert "MIN" in sources(book)


def test_a_configured_list_keeps_the_world_closed(memory_dir: Path) -> None:
    with owned(memory_dir, config='[attribution]\nissue_keys = ["OPS"]\n') as book:
        work(book)
        answer = book.ask("import_keys", keys=["MIN"])
        assert (answer["open"], answer["moved"]["responses"]) == (False, 0)
        assert book.costs() == {"none:no-match": 2 * ONE, "OPS-3": ONE}
        assert sources(book) == {
            "OPS": ("config", None, True),
            "MIN": ("tracker", "api", False),
        }


def test_keys_that_branches_prove_are_listed(book: Owned) -> None:
    for number in (3, 4, 40):
        book.work.respond(S1, number, branch=f"abc-{number}")
    book.sync()
    assert sources(book)["ABC"][::2] == ("branches", True)
