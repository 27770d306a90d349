"""Complete lines from an offset on, whatever the log holds and however it grows."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from costd.ingest import tail
from costd.ingest.tail import Tail, Tailed

MIB = 1 << 20


@dataclass
class Taken:
    """Takes lines and keeps them."""

    lines: list[tuple[int, bytes]] = field(default_factory=list)
    unterminated: list[tuple[int, bytes]] = field(default_factory=list)
    skipped: list[tuple[int, int, str]] = field(default_factory=list)

    def take(self, data: bytearray, start: int, stop: int, base: int) -> None:
        assert data[stop - 1 : stop] == b"\n"
        while start < stop:
            end = data.index(b"\n", start)
            self.lines.append((base + start, bytes(data[start:end])))
            start = end + 1

    def take_unterminated(self, data: bytes, base: int) -> bool:
        self.unterminated.append((base, data))
        return False

    def skip(self, offset: int, length: int, reason: str) -> None:
        self.skipped.append((offset, length, reason))

    def state(self) -> bytes:
        return b"%d" % len(self.lines)


@dataclass
class Follower:
    """Polls one log as the engine does: to its end, then again later."""

    path: Path
    max_line_bytes: int = MIB
    offset: int = 0
    scan_from: int = 0
    taken: Taken = field(default_factory=Taken)

    def poll(self) -> int:
        """Read to the end; how many passes that took."""
        passes, more = 0, True
        while more:
            more = self.one_pass().more
            passes += 1
            assert passes < 10_000, "it never ends"
        return passes

    def one_pass(self) -> Tailed:
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            reader = Tail(self.max_line_bytes)
            done = reader.read(descriptor, self.offset, self.scan_from, self.taken)
        finally:
            os.close(descriptor)
        self.offset, self.scan_from = done.offset, done.scan_from
        return done

    @property
    def texts(self) -> list[bytes]:
        return [text for _, text in self.taken.lines]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.touch()
    return path


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_half_a_line_waits_and_the_offset_stands_before_it(log: Path) -> None:
    follower = Follower(log)
    append(log, b"one\ntwo\nthr")
    follower.poll()
    assert follower.texts == [b"one", b"two"]
    assert follower.offset == follower.scan_from == 8
    append(log, b"ee\n")
    follower.poll()
    assert follower.taken.lines == [(0, b"one"), (4, b"two"), (8, b"three")]


def test_the_unterminated_rest_is_shown_each_time(log: Path) -> None:
    follower = Follower(log)
    append(log, b"one\n{}")
    follower.poll()
    follower.poll()
    assert follower.taken.unterminated == [(4, b"{}"), (4, b"{}")]
    assert follower.offset == 4


def test_the_state_is_that_of_the_last_complete_line(log: Path) -> None:
    append(log, b"one\ntwo")
    assert Follower(log).one_pass().state == b"1"


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_lines_longer_than_a_block(
    log: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(tail, "BLOCK_BYTES", block)
    texts = [b"\xf0\x9f\x99\x82" * n for n in range(20)]
    append(log, b"".join(text + b"\n" for text in texts))
    follower = Follower(log)
    follower.poll()
    assert follower.texts == texts


def test_a_pass_ends_so_that_other_logs_get_their_turn(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "BLOCK_BYTES", 8)
    monkeypatch.setattr(tail, "PASS_BYTES", 40)
    append(log, b"0123456\n" * 20)
    follower = Follower(log)
    first = follower.one_pass()
    assert first.more
    assert 0 < first.offset <= 48
    assert follower.poll() >= 3
    assert len(follower.texts) == 20


def test_a_line_longer_than_a_pass_is_taken_all_the_same(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit for lines above the pass's own once made the daemon spin for ever."""
    monkeypatch.setattr(tail, "BLOCK_BYTES", 64)
    monkeypatch.setattr(tail, "PASS_BYTES", 100)
    append(log, b"x" * 1_000 + b"\nnext\n" + b"y" * 500)
    follower = Follower(log, max_line_bytes=2_000)
    assert follower.poll() < 5
    assert follower.texts == [b"x" * 1_000, b"next"]
    assert follower.offset == 1_006


def test_an_oversize_line_is_skipped_and_named(log: Path) -> None:
    append(log, b"one\n" + b"x" * (3 * MIB) + b"\ntwo\n")
    follower = Follower(log)
    follower.poll()
    assert follower.texts == [b"one", b"two"]
    assert follower.taken.skipped == [(4, 3 * MIB + 1, "longer than the limit")]


@pytest.mark.parametrize("pass_bytes", [700_000, 1_500_000, 32 * MIB])
def test_an_oversize_line_may_grow_over_many_polls(
    log: Path, monkeypatch: pytest.MonkeyPatch, pass_bytes: int
) -> None:
    """Each poll is by a new reader, as after a restart: only two numbers are kept."""
    monkeypatch.setattr(tail, "PASS_BYTES", pass_bytes)
    append(log, b"one\n")
    follower = Follower(log)
    for _ in range(8):
        append(log, b"x" * 600_000)
        follower.poll()
        assert follower.offset == 4
    assert follower.scan_from == log.stat().st_size
    append(log, b"\ntwo\n")
    follower.poll()
    assert follower.texts == [b"one", b"two"]
    assert follower.taken.skipped == [(4, 4_800_001, "longer than the limit")]


def test_what_was_looked_through_is_not_looked_through_again(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, b"x" * (4 * MIB))
    follower = Follower(log)
    follower.poll()
    read, plain = [], os.preadv

    def preadv(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        read.append(plain(descriptor, buffers, offset))
        return read[-1]

    monkeypatch.setattr(os, "preadv", preadv)
    append(log, b"x" * 10)
    follower.poll()
    assert sum(read) == 10


@pytest.mark.parametrize("before", [0, 1, 30, 99, 100, 101])
@pytest.mark.parametrize("block", [1, 64, 99, 100, 1_000])
def test_the_limit_is_the_same_wherever_reads_begin_and_end(
    log: Path, monkeypatch: pytest.MonkeyPatch, block: int, before: int
) -> None:
    monkeypatch.setattr(tail, "BLOCK_BYTES", block)
    append(log, b"a\n" * before)
    append(log, b"x" * 99 + b"\n" + b"y" * 100 + b"\n" + b"z" * 99 + b"\n")
    follower = Follower(log, max_line_bytes=100)
    follower.poll()
    assert follower.texts == [b"a"] * before + [b"x" * 99, b"z" * 99]
    assert follower.taken.skipped == [(2 * before + 100, 101, "longer than the limit")]


def test_an_empty_log_and_empty_lines(log: Path) -> None:
    follower = Follower(log)
    assert follower.poll() == 1
    append(log, b"\n\n\n")
    follower.poll()
    assert follower.texts == [b"", b"", b""]
    assert follower.offset == 3
