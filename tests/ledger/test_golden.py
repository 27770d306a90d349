"""Every golden case, read in every way that logs come: the numbers do not move."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from books import Book, Sum
from goldens import SHARED, Case, own_cases, shared_cases, shared_totals, write_files
from recount import recount
from ways import WAYS, Way


def tokens_of(total: Sum) -> int:
    return (
        total.input
        + total.output
        + total.cache_read
        + total.cache_creation_5m
        + total.cache_creation_1h
    )


def hop_tokens(book: Book) -> int:
    """Tokens of hops that did not answer: in the cost, in no token total."""
    ((tokens,),) = book.query(
        "SELECT coalesce(sum(input_tokens + output_tokens + cache_read_tokens + "
        "cache_creation_5m_tokens + cache_creation_1h_tokens), 0) FROM response "
        "WHERE part LIKE 'hop:%'"
    )
    return int(str(tokens))


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Book]:
    made = Book(memory_dir / "ledger.db", memory_dir / "projects")
    yield made
    made.close()


def files_of(case: Case) -> dict[str, bytes]:
    root = case.root / "projects"
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("case", own_cases(), ids=lambda case: case.name)
def test_own_case(book: Book, case: Case, way: Way) -> None:
    way(book, files_of(case))
    total, tokens = book.total(), case.expected["tokens"]
    assert total.cost == case.cost
    assert total.responses == case.expected["responses"]
    if "part_tokens" in case.expected:
        counted = sum(tokens.values()) + case.expected["part_tokens"]
        assert tokens_of(total) + hop_tokens(book) == counted
    else:
        assert total == Sum(
            responses=case.expected["responses"],
            cost=case.cost,
            unfinalised=total.unfinalised,
            **tokens,
        )
    assert book.sessions() == {k: v for k, v in case.sessions.items() if v}
    assert book.unpriced() == case.expected["unpriced"]
    assert ("unfinalised" in case.expected["flags"]) == (total.unfinalised > 0)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize(
    "case", shared_cases(), ids=lambda case: f"{case['id']}-{case['name']}"
)
def test_shared_case(book: Book, case: dict[str, object], way: Way) -> None:
    files: dict[str, str] = case["files"]  # type: ignore[assignment]  # JSON holds anything
    way(book, {n: t.encode("utf-8", "surrogatepass") for n, t in files.items()})
    total = book.total()
    assert total.cost == Decimal(str(case["expected_usd"]))
    assert total.responses == case["expected_responses"]
    if "expected_unpriced" in case:
        assert book.unpriced() == case["expected_unpriced"]
    if "expected_sessions" in case:
        sessions: dict[str, str] = case["expected_sessions"]  # type: ignore[assignment]  # JSON holds anything
        assert book.sessions() == {k: Decimal(v) for k, v in sessions.items()}


@pytest.mark.parametrize("name", sorted(shared_totals()))
def test_shared_logs(memory_dir: Path, shared: Path, name: str) -> None:
    expected = shared_totals()[name]
    book = Book(memory_dir / "ledger.db", shared / "corpus" / "claude" / name, 16 << 20)
    try:
        book.catch_up()
        total = book.total()
    finally:
        book.close()
    tokens = {"in": 0, "out": 0, "w5": 0, "w1h": 0, "rd": 0, **expected["tokens"]}
    assert total.cost == Decimal(expected["cost"])
    assert total.responses == expected["responses"]
    assert total.unfinalised == expected["unfinalised"]
    assert tokens == {
        "in": total.input,
        "out": total.output,
        "w5": total.cache_creation_5m,
        "w1h": total.cache_creation_1h,
        "rd": total.cache_read,
    }


STRANGE = [
    root
    for corpus in ("claude-weird", "claude-growth", "claude-streamjson")
    for root in sorted((SHARED / "corpus" / corpus).glob("*"))
]


@pytest.mark.parametrize("root", STRANGE, ids=lambda root: str(root.name))
def test_strange_logs_are_survived_and_their_good_lines_counted(
    memory_dir: Path, root: Path
) -> None:
    expected = recount(root)
    book = Book(memory_dir / "ledger.db", root, 16 << 20)
    try:
        book.catch_up()
        total = book.total()
        ((skipped,),) = book.numbers("SELECT count(*) FROM skipped_line")
    finally:
        book.close()
    assert (total.responses, total.cost) == (
        len(expected.responses),
        expected.total.cost,
    )
    assert skipped == expected.skipped_lines


def test_case_files_are_written_as_they_are(tmp_path: Path) -> None:
    write_files(tmp_path, {"a/b.jsonl": "\ud83d\n"})
    assert (tmp_path / "a/b.jsonl").read_bytes() == b"\xed\xa0\xbd\n"


def test_what_is_billed_beside_a_response_is_no_new_response(book: Book) -> None:
    name = "an-earlier-hop-with-output-is-billed-at-its-model"
    case = next(case for case in own_cases() if case.name == name)
    WAYS[0](book, files_of(case))
    assert book.intake.progress.new_responses == case.expected["responses"]
    assert book.query("SELECT count(*) FROM response") > [(case.expected["responses"],)]
