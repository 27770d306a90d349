"""Rows 1 to 25 of the fault table: what happens to logs and what is in them."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from books import Book
from costd.core.checkpoint import Checkpoint
from costd.engine.reading import Reader
from costd.ingest import tail
from e2e.daemons import until
from faults.homes import Home, Total, without_privileges
from loglines import Line, encode, lines, session, user
from recount import recount

ODD_COUNTS = [
    -1,
    1.5,
    1e30,
    True,
    "12",
    [],
    10**10 + 1,
    2**63,
    2**64,
    10**400,
]


def stored(home: Home, column: str) -> list[object]:
    """A column of the ledger's logs, while nobody has it open."""
    connection = sqlite3.connect(home.top / "state" / "ledger.db")
    try:
        return [v for (v,) in connection.execute(f"SELECT {column} FROM log_file")]
    finally:
        connection.close()


def total_of(path: Path, *data: bytes) -> Total:
    """What an independent recount makes of such logs."""
    other = Home(path)
    for number, text in enumerate(data, 1):
        other.append(text, number)
    return other.on_disk()


@pytest.fixture
def ever(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ever")


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "ledger.db", tmp_path / "projects")


def log_in(book: Book, data: bytes, number: int = 1) -> Path:
    path = book.root / "-w-app" / f"{session(number)}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)
    return path


def test_01_half_a_last_line_waits_and_is_counted_once(home: Home) -> None:
    begun = home.respond(1).stat().st_size
    text = Line(2).text()
    home.append(text[:200])
    home.start()
    home.sync()
    assert home.responses == 1
    home.kill()
    assert stored(home, "offset") == [begun]
    home.append(text[200:300])
    home.start()
    home.sync()
    assert home.responses == 1
    home.append(text[300:])
    home.until_counted(2)
    home.assert_exact()


def test_02_every_split_also_inside_a_character(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "BLOCK_BYTES", 7)
    text = Line(1).text() + user(1, "ß世🙂" * 20) + Line(2, out=7).text()
    log = tmp_path / f"{session(1)}.jsonl"
    log.write_bytes(text)
    begin = Checkpoint(os.fsencode(log), "claude", os.fsencode(tmp_path))
    reader = Reader(1 << 20)

    def seen(*cuts: int) -> list[tuple[object, ...]]:
        known, found = begin, {}
        for cut in (*cuts, len(text)):
            log.write_bytes(text[:cut])
            segment = reader.segment(known)
            known = segment.checkpoint
            for o in segment.reading.observations:
                found[o.response_id] = (o.request_id, o.offset, o.output_tokens, o.at)
        assert known.offset == len(text)
        return sorted(found.items())

    at_once = seen()
    assert len(at_once) == 2
    for cut in range(len(text)):
        assert seen(cut) == at_once, cut


def test_03_truncated_to_nothing_and_shorter_after_it(home: Home, ever: Path) -> None:
    log = home.respond(1, 2, 3, 4)
    home.start()
    home.until_counted(4)
    os.truncate(log, 0)
    home.sync()
    home.append(lines(2, 9))
    home.until_counted(5)
    home.sync()
    assert home.total() == total_of(ever, lines(1, 2, 3, 4, 9))
    assert home.source()["rewrites"] >= 1


def test_04_truncate_and_regrow_past_the_offset(home: Home, ever: Path) -> None:
    """While it is stopped: afterwards the file is longer, its inode and head the same."""
    log = home.respond(1, 2, 3, 4, 5)
    before = log.stat().st_size
    home.start()
    home.until_counted(5)
    home.signal(signal.SIGSTOP)
    os.truncate(log, len(lines(1, 2)))
    home.append(lines(*range(11, 21)))
    assert log.stat().st_size > before
    home.signal(signal.SIGCONT)
    home.until_counted(15)
    home.sync()
    assert home.total() == total_of(ever, lines(*range(1, 6), *range(11, 21)))


def test_05_a_tombstone_keeps_what_was_spent(home: Home, ever: Path) -> None:
    log = home.respond(1, 2, 3, 4)
    home.start()
    home.until_counted(4)
    gone, rest = len(lines(1)), lines(3, 4)
    with log.open("r+b") as file:
        file.seek(gone)
        file.truncate()
        file.write(rest)
    home.append(lines(5))
    home.until_counted(5)
    home.sync()
    assert home.total() == total_of(ever, lines(1, 2, 3, 4, 5))
    assert home.source()["rewrites"] == 1
    verified = home.ask("/api/verify", "POST")
    assert verified["ok"]
    assert verified["responses_only_in_ledger"] == 1


def shapes() -> dict[str, tuple[bytes, int, int, int]]:
    """Damage: the line, its whole records, then skipped and salvaged lines."""
    one, two = Line(1).text(), Line(2).text()
    return {
        "cut, then the next record": (one[:250] + two, 1, 1, 1),
        "cut inside a text, then the next": (one[:-60] + two, 1, 1, 1),
        "two without a newline": (one[:-1] + two, 2, 0, 2),
        "three with blanks between": (
            one[:-1] + b"  " + two[:-1] + b" " + Line(3).text(),
            3,
            0,
            3,
        ),
        "NUL bytes before a record": (b"\0" * 500 + one, 1, 0, 1),
        "a record, then rubbish": (one[:-1] + b"}}garbage\n", 1, 1, 1),
    }


@pytest.mark.parametrize("shape", shapes())
def test_06_spliced_and_glued_records(book: Book, shape: str) -> None:
    line, responses, skipped, salvaged = shapes()[shape]
    log_in(book, Line(8).text() + line + Line(9).text())
    book.catch_up()
    assert book.total().responses == responses + 2
    found = recount(book.root)
    assert book.total().cost == found.total.cost
    assert book.query("SELECT count(*) FROM skipped_line") == [(skipped,)]
    assert book.query("SELECT salvaged FROM log_file") == [(salvaged,)]
    book.close()


def test_07_a_run_of_nul_bytes(home: Home) -> None:
    home.append(lines(1) + b"\0" * 65_536 + lines(2, 3))
    home.start()
    home.until_counted(3)
    home.assert_exact()
    assert home.source()["salvaged_lines"] == 1
    assert home.source()["skipped_lines"] == 0


def test_08_a_malformed_line_blocks_nothing(home: Home) -> None:
    home.append(lines(1) + b'{"type":"assistant", no JSON}\n' + lines(2))
    home.start()
    home.until_counted(2)
    assert home.source()["skipped_lines"] == 1
    assert "skipped_lines" in home.problems()
    home.kill()
    assert stored(home, "offset = size") == [1]


def test_09_an_oversize_line_is_never_held(home: Home) -> None:
    """A sparse line of 300 MB, and then as much again while it is being written."""
    log = home.respond(1)
    size = 300 << 20
    os.truncate(log, log.stat().st_size + size)
    home.start()
    home.sync()
    assert home.responses == 1
    os.truncate(log, log.stat().st_size + size)
    home.append(b"\n" + lines(2))
    home.until_counted(2)
    assert home.rss("VmHWM") < 200 << 20
    assert home.source()["skipped_lines"] == 1
    home.kill()
    assert stored(home, "offset = size") == [1]


def test_10_a_million_small_objects_in_a_line(home: Home) -> None:
    limit = 16 << 20
    small = b'{"a":[]},' * (limit // 9 - 9)
    wide = b'{"type":"user","message":{"content":[' + small[:-1] + b"]}}\n"
    assert len(wide) < limit
    long = b"[" + b'{"a":[]},' * (20_000_000 // 9) + b"0]\n"
    home.append(lines(1) + wide + long + lines(2))
    home.start()
    home.until_counted(2)
    assert home.rss("VmHWM") < 200 << 20
    assert home.source()["skipped_lines"] == 1


def test_11_a_depth_bomb(book: Book) -> None:
    deep = [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"type":"assistant","message":' + b'{"content":' * 50_000,
        b'{"message":{"usage":' + b"[" * 900 + b"]" * 900 + b"}}",
    ]
    log_in(book, lines(1) + b"\n".join(deep) + b"\n" + lines(2))
    book.catch_up()
    assert book.total().responses == 2
    ((skipped,),) = book.numbers("SELECT count(*) FROM skipped_line")
    assert skipped >= 3
    book.close()


@pytest.mark.parametrize("count", ODD_COUNTS, ids=lambda count: str(count)[:8])
@pytest.mark.parametrize("field", ["input_tokens", "cache_read_input_tokens"])
def test_12_counts_that_are_none(book: Book, count: object, field: str) -> None:
    value = Line(2).value()
    value["message"]["usage"][field] = count
    log_in(book, lines(1) + encode(value) + lines(3))
    book.catch_up()
    assert book.total().responses == 2
    assert book.query("SELECT count(*) FROM skipped_line") == [(1,)]
    book.close()


def odd_lines() -> dict[str, tuple[bytes, int]]:
    """Odd JSON, and the tokens that come out."""
    text = Line(1, out=50, fresh=7).text()
    twice = text.replace(
        b'"output_tokens": 50', b'"output_tokens": 9, "output_tokens": 50'
    )
    lone = text.replace("Grüße".encode(), b"\\ud83d alone")
    return {
        "of duplicate keys the last counts": (twice, 57),
        "a lone surrogate": (lone, 57),
        "a byte-order mark": (b"\xef\xbb\xbf" + text, 57),
        "carriage returns": (text[:-1] + b"\r\n", 57),
        "bytes that are no UTF-8": (text.replace("ß".encode(), b"\xff\xfe"), 57),
    }


@pytest.mark.parametrize("name", odd_lines())
def test_13_odd_json_has_one_outcome(book: Book, name: str) -> None:
    line, tokens = odd_lines()[name]
    assert line != Line(1, out=50, fresh=7).text()
    log_in(book, line + lines(2, out=3, fresh=4))
    book.catch_up()
    total = book.total()
    assert (total.responses, total.input + total.output) == (2, tokens + 7)
    assert book.query("SELECT count(*) FROM skipped_line") == [(0,)]
    book.close()


def test_14_the_same_messages_in_three_logs_in_any_order(tmp_path: Path) -> None:
    """A resume copies them, a fork marks them, and each adds a turn of its own."""

    def copies(number: int, *, forked: bool) -> bytes:
        found = []
        for n in (1, 2, 3):
            value = Line(n, session_id=session(number)).value()
            if forked:
                value["forkedFrom"] = {"sessionId": session(1)}
            found.append(encode(value))
        return b"".join(found) + Line(10 + number, session_id=session(number)).text()

    data = {1: lines(1, 2, 3), 2: copies(2, forked=True), 3: copies(3, forked=False)}
    found = set()
    for order in itertools.permutations(data):
        folder = tmp_path / "".join(map(str, order))
        folder.mkdir()
        made = Book(folder / "ledger.db", folder / "projects")
        for number in order:
            log_in(made, data[number], number)
            made.catch_up()
        assert made.total().responses == 5
        found.add((made.total(), tuple(sorted(made.sessions().items()))))
        made.close()
    assert len(found) == 1


def test_15_fragments_of_one_response_are_charged_once(home: Home) -> None:
    grown = [1, 1, 8, 200]
    home.start()
    for block, out in enumerate(grown):
        stop = "end_turn" if block == 3 else None
        home.append(Line(1, out=out, stop=stop, block=block, read=900).text())
        home.sync()
        assert home.responses == 1
    assert home.total().tokens == 10 + 200 + 900
    home.assert_exact()


def test_16_equal_heads_of_different_logs(home: Home) -> None:
    head = user(1, "the same words " * 400)
    assert len(head) > 4096
    home.append(head + lines(1, 2), 1)
    home.append(head + lines(3, 4, session_id=session(2)), 2)
    home.start()
    home.until_counted(4)
    home.append(lines(5, session_id=session(2)), 2)
    home.until_counted(5)
    home.assert_exact()


def test_17_an_inode_that_is_used_again(home: Home, ever: Path) -> None:
    log = home.respond(1, 2)
    home.start()
    home.until_counted(2)
    home.signal(signal.SIGSTOP)
    inode = log.stat().st_ino
    log.unlink()
    for number in range(2, 200):
        new = home.respond(number * 10, number * 10 + 1, log=number)
        if new.stat().st_ino == inode:
            break
        new.unlink()
    else:  # a file system that never does: rename gives the number to another name
        log.write_bytes(b"")
        new = log.rename(home.log(200))
        new.write_bytes(b"")
        number = 200
        home.respond(2_000, 2_001, log=200)
    home.signal(signal.SIGCONT)
    home.until_counted(4)
    home.sync()
    told = lines(number * 10, number * 10 + 1, session_id=session(number))
    assert home.total() == total_of(ever, lines(1, 2), told)
    assert home.source()["vanished_files"] == 1


@pytest.mark.parametrize("content", ["a superset", "something else"])
def test_18_another_file_takes_the_name(home: Home, ever: Path, content: str) -> None:
    log = home.respond(1, 2)
    home.start()
    home.until_counted(2)
    new = lines(1, 2, 3) if content == "a superset" else lines(3, 4, 5)
    temporary = log.with_suffix(".tmp")
    temporary.write_bytes(new)
    temporary.replace(log)
    home.until_counted(3 if content == "a superset" else 5)
    home.append(lines(6))
    home.sync()
    expected = total_of(ever, lines(1, 2) + new + lines(6))
    assert home.total() == expected


@pytest.mark.parametrize("is_running", [True, False])
def test_19_a_project_directory_is_renamed(home: Home, is_running: bool) -> None:
    home.respond(1, 2)
    home.start()
    home.until_counted(2)
    if not is_running:
        home.stop()
    (home.root / "-w-app").rename(home.root / "-w-new")
    if not is_running:
        home.start()
    with home.log(1, "-w-new").open("ab") as file:
        file.write(lines(3))
    home.until_counted(3)
    home.assert_exact()
    source = home.source()
    assert (source["files"], source["vanished_files"]) == (1, 0)
    assert source["rewrites"] == 0  # it was known again and not read again


def test_20_a_log_is_deleted_before_and_after_it_is_read(home: Home) -> None:
    """The first one goes between the look and the reading; it is no error."""
    unlink = (
        "import os\n"
        "real = os.open\n"
        "def late(path, *more, **named):\n"
        "    if b'000000000002.jsonl' in os.fsencode(path) and os.path.exists(path):\n"
        "        os.unlink(path)\n"
        "    return real(path, *more, **named)\n"
        "os.open = late\n"
    )
    home.respond(1, 2)
    home.respond(3, log=2)
    home.start(hook=unlink)
    home.until_counted(2)
    home.sync()
    home.log(1).unlink()
    until(lambda: home.source()["vanished_files"], "that a log is gone")
    for _ in range(3):
        home.sync()
    assert home.responses == 2
    assert home.problems() == set()
    assert home.source()["last_error"] is None
    assert "error" not in home.words.read_text()


def test_21_unreadable_now_and_readable_later(home: Home) -> None:
    prefix = without_privileges()
    home.respond(1)
    home.respond(2, log=2).chmod(0)
    home.start(*prefix)
    home.until_counted(1)
    until(lambda: "unreadable_logs" in home.problems(), "the warning")
    for _ in range(3):
        home.sync()
    home.log(2).chmod(0o600)
    home.until_counted(2)
    assert home.problems() == set()
    folder = home.log(3, "-w-locked").parent
    home.log(3, "-w-locked").write_bytes(lines(3, session_id=session(3)))
    folder.chmod(0)
    until(lambda: "unreadable_directory" in home.problems(), "the second warning")
    folder.chmod(0o700)
    home.until_counted(3)
    assert home.words.read_text().count("unreadable") <= 1


def test_22_what_is_no_file_is_skipped_and_never_waited_for(home: Home) -> None:
    folder = home.respond(1).parent
    os.mkfifo(folder / f"{session(2)}.jsonl")
    (folder / f"{session(3)}.jsonl").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(folder)  # the whole path is too long for a socket
        try:
            listener.bind(f"{session(4)}.jsonl")
        finally:
            os.chdir(here)
        home.start()
        home.until_counted(1)
        home.respond(5, log=5)
        home.until_counted(2)
        home.sync()
    assert home.source()["files"] == 2


def test_23_links_are_followed_inside_and_once(home: Home, tmp_path: Path) -> None:
    home.respond(1)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / f"{session(9)}.jsonl").write_bytes(lines(9, session_id=session(9)))
    (home.root / "-loop").symlink_to(home.root)
    (home.root / "-w-app" / "up").symlink_to("..")
    (home.root / "-outside").symlink_to(outside)
    (home.root / "-etc").symlink_to("/etc")
    (home.root / "-w-app" / f"{session(8)}.jsonl").symlink_to(
        outside / f"{session(9)}.jsonl"
    )
    home.start()
    home.until_counted(1)
    home.respond(2, log=2)
    home.until_counted(2)
    home.sync()
    assert home.responses == 2
    assert home.source()["files"] == 2


def test_24_a_name_that_is_not_utf8(home: Home) -> None:
    folder = os.fsencode(home.log().parent)
    (home.root / "-w-app").mkdir(exist_ok=True)
    for name in (b"/\xff.jsonl", b"/\xfe/subagents/agent-\xff.jsonl"):
        path = folder + name
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - a Path cannot be made of these bytes
        with open(path, "wb") as file:  # noqa: PTH123 - the same bytes
            file.write(lines(len(name)) + b"damaged\n")
    home.start()
    home.until_counted(2)
    told = home.ask("/api/doctor")["skipped_lines"]
    assert len(told) == 2
    for words in (["doctor"], ["sessions"], ["status"], ["report", "--by", "session"]):
        done = home.run(*words, "--json")
        assert json.loads(done.stdout), done.stderr
        assert "internal error" not in done.stderr
        assert "internal error" not in home.run(*words).stderr


def test_25_files_written_at_once_in_new_directories(home: Home) -> None:
    home.respond(5_000)
    home.start()
    home.until_counted(1)
    program = (
        "import sys, pathlib\n"
        "line = sys.stdin.buffer.read()\n"
        "for n in range(2000):\n"
        "    folder = pathlib.Path(sys.argv[1], f'p{n % 40}', f's{n}', 'subagents')\n"
        "    folder.mkdir(parents=True)\n"
        "    text = line.replace(b'0' * 18 + b'9999', b'%022d' % n)\n"
        "    (folder / f'agent-{n:x}.jsonl').write_bytes(text)\n"
    )
    line = Line(9999, request_id=None).text()
    subprocess.run(
        [sys.executable, "-c", program, str(home.root)], input=line, check=True
    )
    home.until_counted(2001)
    shutil.rmtree(home.root / "p1")
    home.sync()
    assert home.responses == 2001
