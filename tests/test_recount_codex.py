"""Codex read by costd against the independent recount: cases, and real rollouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from books import Book
from goldens import SHARED, Case, own_cases
from recount_codex import Tokens, recount

REAL = sorted(path.name for path in SHARED.glob("corpus/codex/*"))
FIXTURES = [
    "_fixtures/kenn-io+agentsview/internal/parser/testdata/codex",
    "_fixtures/kenn-io+agentsview/internal/parser/testdata/traex",
    "_fixtures/ryoppippi+ccusage/apps/ccusage/test/fixtures/codex",
]


def counted(folder: Path, root: Path) -> dict[str, Tokens]:
    """What costd's ledger says, by the name of the model."""
    book = Book(folder / "ledger.db", root, 16 << 20, "codex")
    try:
        book.catch_up()
        assert book.intake.unreadable == {}
        rows = book.query(
            "SELECT model, count(*), sum(input_tokens), sum(output_tokens), "
            "sum(cache_read_tokens), sum(cache_creation_5m_tokens) "
            "FROM response JOIN service s ON s.id = service_id GROUP BY 1"
        )
    finally:
        book.close()
    return {str(name): Tokens(*(int(str(n)) for n in row)) for name, *row in rows}


@pytest.mark.parametrize("case", own_cases("codex"), ids=lambda case: case.name)
def test_own_case(memory_dir: Path, case: Case) -> None:
    found = recount(case.root)
    assert (
        sum(tokens.responses for tokens in found.values())
        == (case.expected["responses"])
    )
    assert found == counted(memory_dir, case.root)


@pytest.mark.parametrize("name", REAL)
def test_real_rollouts(memory_dir: Path, shared: Path, name: str) -> None:
    root = shared / "corpus" / "codex" / name
    assert counted(memory_dir, root) == recount(root)


@pytest.mark.parametrize("name", FIXTURES)
def test_rollouts_that_others_test_with(
    memory_dir: Path, shared: Path, name: str
) -> None:
    root = shared / "corpus" / name
    assert counted(memory_dir, root) == recount(root)


def test_the_real_rollouts_hold_what_was_read_by_hand(shared: Path) -> None:
    """The last total of each of three threads without a fork or a reset."""
    found = recount(shared / "corpus" / "codex" / "EntityProcess+agentv")
    assert found["gpt-5.5"] == Tokens(
        responses=90,
        input=(2_786_413 - 2_481_792) + (2_783_170 - 2_386_048),
        output=22_838 + 13_661,
        cache_read=2_481_792 + 2_386_048,
    )
    assert found["gpt-5.3-codex-spark"] == Tokens(
        responses=180,
        input=11_070_182 - 10_637_312,
        output=71_829,
        cache_read=10_637_312,
    )
