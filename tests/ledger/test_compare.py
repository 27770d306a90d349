"""``verify`` finds what is wrong, and takes history for no fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from books import Book
from costd.ledger.compare import Comparison, Difference
from loglines import GATEWAY_ID, Line, lines, session

ID = Line(2).ids[0]


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Book]:
    made = Book(memory_dir / "ledger.db", memory_dir / "projects")
    made.root.mkdir()
    yield made
    made.close()


def write(book: Book, name: str, data: bytes) -> Path:
    path = book.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    book.catch_up()
    return path


def test_a_ledger_that_is_right(book: Book) -> None:
    write(book, "a.jsonl", lines(1, 2, 3))
    write(book, "b.jsonl", lines(1, 2, 3, 4, session_id=session(2)))
    assert book.verify() == Comparison(4, 0, 0, 0, [])


def test_an_empty_ledger_and_no_logs(book: Book) -> None:
    assert book.verify() == Comparison(0, 0, 0, 0, [])


@pytest.mark.parametrize(
    "field",
    "input_tokens output_tokens cache_read_tokens cache_creation_5m_tokens "
    "cache_creation_1h_tokens web_searches at cost".split(),
)
@pytest.mark.parametrize("by", [1, -1])
def test_a_number_that_is_not_what_the_logs_say(
    book: Book, field: str, by: int
) -> None:
    write(book, "a.jsonl", lines(1, 2, 3, read=5, short=6, hour=7))
    book.query(
        f"UPDATE response SET {field} = {field} + ? WHERE response_id = ?", by, ID
    )
    found = book.verify()
    assert (found.checked, found.different) == (3, 1)
    (difference,) = found.differences
    assert (difference.response_id, difference.field) == (ID, field)
    assert difference.ledger == (difference.logs or 0) + by


def test_a_response_that_the_ledger_lacks(book: Book) -> None:
    write(book, "a.jsonl", lines(1, 2, 3))
    book.query("DELETE FROM response WHERE response_id = ?", ID)
    found = book.verify()
    assert (found.different, found.only_in_ledger) == (1, 0)
    assert found.differences == [Difference(str(ID), "response", None, 1)]


def test_a_price_that_is_gone(book: Book) -> None:
    write(book, "a.jsonl", lines(1, 2))
    book.query("UPDATE response SET cost = NULL WHERE response_id = ?", ID)
    assert book.verify().differences == [Difference(str(ID), "cost", None, 2_550_000)]


def test_so_many_differences_are_counted_and_some_are_shown(book: Book) -> None:
    write(book, "a.jsonl", lines(*range(1, 301)))
    book.query("UPDATE response SET output_tokens = 1")
    found = book.verify()
    assert found.different == 300
    assert len(found.differences) == 100


def test_what_only_the_ledger_has_is_history(book: Book) -> None:
    path = write(book, "a.jsonl", lines(1, 2))
    write(book, "b.jsonl", lines(3))
    path.unlink()
    book.catch_up()
    assert book.verify() == Comparison(1, 0, 2, 0, [])


def test_a_line_that_was_removed_again_is_history(book: Book) -> None:
    """The tombstone of a final line leaves the placeholder; what was spent stays."""
    first = Line(2, out=1, stop=None)
    write(book, "a.jsonl", lines(1) + first.text() + Line(2, block=1, out=800).text())
    write(book, "a.jsonl", lines(1) + first.text())
    assert book.total().output == 900
    assert book.verify() == Comparison(2, 0, 0, 0, [])


def test_a_copy_that_holds_less_than_the_vanished_original(book: Book) -> None:
    copy = Line(2, out=1, stop=None, session_id=session(2))
    path = write(book, "a.jsonl", lines(2))
    write(book, "b.jsonl", copy.text())
    path.unlink()
    book.catch_up()
    assert book.verify() == Comparison(1, 0, 0, 0, [])


def test_a_replay_whose_original_has_vanished(book: Book) -> None:
    """The logs that are left would count the replay; the ledger knows better."""
    agent = "aside_question-1"
    replay = Line(2, agent_id=agent, request_id="req_replay", read=7)
    path = write(book, "p/a.jsonl", lines(2))
    write(book, f"p/{session(1)}/subagents/agent-{agent}.jsonl", replay.text())
    path.unlink()
    book.catch_up()
    assert book.total().responses == 1
    assert book.verify() == Comparison(1, 0, 1, 0, [])


def test_history_hides_no_loss(book: Book) -> None:
    """What the logs still say must be in the ledger, also of a rewritten log."""
    write(book, "a.jsonl", lines(1, 2, 3))
    write(book, "a.jsonl", lines(2, 3))
    book.query("UPDATE response SET output_tokens = 1 WHERE response_id = ?", ID)
    assert [d.field for d in book.verify().differences] == ["output_tokens"]
    book.query("UPDATE response SET output_tokens = 100, cost = 7")
    assert {d.field for d in book.verify().differences} == {"cost"}
    book.query("DELETE FROM response WHERE response_id = ?", ID)
    assert "response" in {d.field for d in book.verify().differences}


def test_responses_of_a_gateway_are_told_apart(book: Book) -> None:
    gateway = Line(1, message_id=GATEWAY_ID, request_id=None)
    text = gateway.text() + gateway.having(number=2, fresh=11).text()
    write(book, "a.jsonl", text)
    assert book.verify().different == 0
    book.query("UPDATE response SET input_tokens = 12 WHERE input_tokens = 11")
    assert book.verify().different == 1


def test_a_log_that_grows_meanwhile_is_counted_and_left_out(book: Book) -> None:
    path = write(book, "a.jsonl", lines(1, 2))
    with path.open("ab") as file:
        file.write(lines(3))
    found = book.verify()
    assert (found.growing, found.different) == (1, 0)


def test_the_ledger_can_be_used_afterwards(book: Book) -> None:
    write(book, "a.jsonl", lines(1))
    for _ in range(3):
        book.verify()
    write(book, "a.jsonl", lines(1, 2))
    assert book.total().responses == 2
