"""However a log is cut into reads, and wherever costd restarts, the ledger is the same.

The log is one that holds everything: blocks of responses, ids of a gateway, searches
that are answered later, notes, damage, lines that are too long, lines without a time.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import places
from books import Book
from costd.ingest import tail
from loglines import GATEWAY_ID, Line, encode, session, user
from rollup import assert_rollup_is_its_rows

MAX_LINE = 2_000
NAME = f"-home-dev-project/{session(1)}.jsonl"


def undated(line: Line) -> bytes:
    value = line.value()
    del value["timestamp"]
    return encode(value)


def asks_for_a_search(line: Line, tool_use_id: str) -> bytes:
    value = line.value()
    value["message"]["content"] = [
        {"type": "tool_use", "id": tool_use_id, "name": "WebSearch", "input": {}}
    ]
    return encode(value)


def answers_a_search(number: int, tool_use_id: str) -> bytes:
    value = json.loads(user(number))
    value["message"]["content"] = [{"type": "tool_result", "tool_use_id": tool_use_id}]
    value["toolUseResult"] = {"searchCount": 3}
    return encode(value)


def everything() -> list[bytes]:
    """The lines of a log in which every rule is needed."""
    gateway = Line(20, message_id=GATEWAY_ID, request_id=None)
    one, two = Line(40).text(), Line(41).text()
    return [
        user(1),
        Line(1, out=1, stop=None).text(),
        Line(1, out=3, stop=None, block=1).text(),
        Line(2).text(),
        Line(1, out=300, block=2).text(),
        gateway.having(stop=None, out=1).text(),
        gateway.having(block=1).text(),
        gateway.having(number=21).text(),
        undated(Line(22)),
        asks_for_a_search(Line(23), "toolu_1"),
        encode({"type": "a kind of next year", "sessionId": session(1)}),
        answers_a_search(2, "toolu_1"),
        encode({"type": "cost-state", "sessionId": session(1), "totalCostUSD": 9.5}),
        b"\n",
        one[:-1] + two,
        b"\0" * 300 + Line(42).text(),
        Line(43).text()[:350] + Line(44).text(),
        b"x" * (2 * MAX_LINE) + b"\n",
        b"\xff\xfe no text\n",
        b"\xef\xbb\xbf" + Line(45).text()[:-1] + b"\r\n",
        b'{"type": "assistant", "message": {"usage": {"input_tokens": -1}}}\n',
        Line(3, branch="feature/min-7").text(),
        Line(46, model="glm-5.2", stop=None).text(),
        Line(47).text()[:-1],
    ]


WHOLE = b"".join(everything())


def facts(book: Book) -> dict[str, object]:
    """All that a ledger holds, but for when and how often it was looked at."""
    return {
        "responses": book.query(
            "SELECT response_id, request_id, scope, part, offset, at, flags, "
            "input_tokens, output_tokens, cache_read_tokens, web_searches, cost, "
            "cwd, branch, agent_id FROM response r JOIN context c "
            "ON c.id = r.context_id ORDER BY offset, part, response_id"
        ),
        "skipped": book.query("SELECT offset, length, reason FROM skipped_line"),
        "log": book.query(
            "SELECT offset, scan_from, first_at, last_at, lines, salvaged, forked, "
            "generation, head, head_length, marker FROM log_file"
        ),
        "sessions": book.query("SELECT session_id, reported_cost FROM session"),
        "total": book.total(),
    }


def read_by(cuts: list[tuple[int, str]], block: int, pass_bytes: int) -> object:
    """What a ledger holds when the log grew like that and costd looked each time."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(tail, "BLOCK_BYTES", block)
        patch.setattr(tail, "PASS_BYTES", pass_bytes)
        folder = stack.enter_context(places.memory_dir())
        book = Book(folder / "ledger.db", folder / "projects", MAX_LINE)
        stack.callback(book.close)
        path = book.root / NAME
        path.parent.mkdir(parents=True)
        for end, what in [*cuts, (len(WHOLE), "poll")]:
            grow(path, end)
            if what == "restart":
                book.reopen()
            elif what == "die":
                book.intake.sweep(0)
                book.intake._read_slice()
                book.ledger.database.connection.close()
                book.open()
            book.catch_up()
        assert_rollup_is_its_rows(book)
        return facts(book)


def grow(path: Path, end: int) -> None:
    written = path.stat().st_size if path.exists() else 0
    with path.open("ab") as file:
        file.write(WHOLE[written:end])


AT_ONCE = read_by([], 1 << 19, 32 << 20)
CUTS = st.lists(
    st.tuples(
        st.integers(0, len(WHOLE)), st.sampled_from(["poll", "poll", "restart", "die"])
    ),
    max_size=12,
).map(sorted)


@given(CUTS, st.sampled_from([7, 100, 900, 1 << 19]), st.integers(1, 20_000))
def test_any_cut_gives_the_same_ledger(
    cuts: list[tuple[int, str]], block: int, pass_bytes: int
) -> None:
    assert read_by(cuts, block, pass_bytes) == AT_ONCE
