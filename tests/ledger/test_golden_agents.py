"""Every golden case of Codex and Droid, read in every way that logs come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from books import Book, Sum
from goldens import Case, own_cases
from ways import WAYS, Way

CASES = [
    pytest.param(agent, case, id=f"{agent}-{case.name}")
    for agent in ("codex", "droid")
    for case in own_cases(agent)
]


@contextmanager
def opened(folder: Path, agent: str) -> Iterator[Book]:
    book = Book(folder / "ledger.db", folder / "logs", source=agent)
    try:
        yield book
    finally:
        book.close()


def files_of(case: Case) -> dict[str, bytes]:
    return {
        str(path.relative_to(case.root)): path.read_bytes()
        for path in sorted(case.root.rglob("*"))
        if path.is_file() and path.name != "expected.json"
    }


def costs(book: Book, column: str) -> dict[str, Decimal]:
    """Cost by a column of where and with what responses were made."""
    rows = book.query(
        f"SELECT {column}, coalesce(sum(r.cost), 0) FROM response r "
        "JOIN context c ON c.id = r.context_id JOIN service s ON s.id = r.service_id "
        "GROUP BY 1"
    )
    return {str(name): Decimal(str(cost)) / 10**9 for name, cost in rows}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize(("agent", "case"), CASES)
def test_case(memory_dir: Path, agent: str, case: Case, way: Way) -> None:
    expected = case.expected
    with opened(memory_dir, agent) as book:
        way(book, files_of(case))
        assert book.total() == Sum(
            responses=expected["responses"],
            cost=case.cost,
            unfinalised=expected.get("unfinalised", 0),
            **expected["tokens"],
        )
        assert book.sessions() == {k: v for k, v in case.sessions.items() if v}
        assert book.unpriced() == expected["unpriced"]
        for key, column in COLUMNS.items():
            if key in expected:
                said = {name: Decimal(cost) for name, cost in expected[key].items()}
                assert costs(book, column) == said
        if "agent_types" in expected:
            kinds = book.query("SELECT agent_id, agent_type FROM agent ORDER BY 1")
            assert kinds == sorted(expected["agent_types"].items())
        assert book.intake.unreadable == {}


COLUMNS = {"agents": "c.agent_id", "models": "s.model", "branches": "c.branch"}


@pytest.mark.parametrize(("agent", "case"), CASES)
def test_what_is_damaged_is_counted(memory_dir: Path, agent: str, case: Case) -> None:
    with opened(memory_dir, agent) as book:
        WAYS[0](book, files_of(case))
        ((salvaged,),) = book.numbers("SELECT coalesce(sum(salvaged), 0) FROM log_file")
        ((skipped,),) = book.numbers("SELECT count(*) FROM skipped_line")
    assert salvaged == case.expected.get("salvaged_lines", 0)
    assert skipped == case.expected.get("skipped_lines", 0)


def test_there_are_cases() -> None:
    assert len(own_cases("codex")) >= 30
    assert len(own_cases("droid")) >= 5
