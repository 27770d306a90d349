"""One log from its checkpoint on: what is refused, and what is read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from costd.core.checkpoint import Checkpoint, Segment
from costd.engine.reading import Reader
from costd.ingest import tail
from loglines import lines

MAX_LINE = 1 << 20


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "project" / "log.jsonl"


def fresh(path: Path) -> Checkpoint:
    return Checkpoint(os.fsencode(path), "claude", os.fsencode(path.parents[1]))


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def read(known: Checkpoint) -> Segment:
    return Reader(MAX_LINE).segment(known)


def read_all(known: Checkpoint) -> list[Segment]:
    found: list[Segment] = []
    Reader(MAX_LINE).segments(known, found.append)
    return found


def responses(*segments: Segment) -> int:
    return sum(len(segment.reading.observations) for segment in segments)


def test_a_log_is_read_on_from_its_checkpoint(log: Path) -> None:
    write(log, lines(1, 2))
    first = read(fresh(log))
    write(log, lines(1, 2, 3))
    second = read(first.checkpoint)
    assert (responses(first), responses(second)) == (2, 1)
    assert second.start == first.checkpoint.offset
    assert second.checkpoint.generation == 0


def test_a_log_that_was_replaced_is_read_from_the_start(log: Path) -> None:
    write(log, lines(1, 2, 3))
    first = read(fresh(log))
    write(log, lines(4, 5, 6, 7))
    second = read(first.checkpoint)
    assert (second.start, responses(second)) == (0, 4)
    assert second.checkpoint.generation == 1


def test_after_a_replacement_reading_goes_on_as_before(log: Path) -> None:
    """The old head once stayed in the checkpoint: each look began at 0 again."""
    write(log, lines(1, 2, 3))
    first = read(fresh(log))
    write(log, lines(4, 5, 6, 7))
    second = read(first.checkpoint)
    write(log, lines(4, 5, 6, 7, 8))
    third = read(second.checkpoint)
    assert responses(third) == 1
    assert third.checkpoint.generation == 1


def test_a_long_log_that_was_replaced_comes_to_an_end(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "BLOCK_BYTES", 500)
    monkeypatch.setattr(tail, "PASS_BYTES", 2_000)
    write(log, lines(*range(1, 11)))
    known = read_all(fresh(log))[-1].checkpoint
    write(log, lines(*range(11, 31)))
    found: list[Segment] = []
    while not found or found[-1].more:
        found.append(read(found[-1].checkpoint if found else known))
        assert len(found) < 100
    assert responses(*found) == 20


def test_a_log_that_shrank_to_nothing_forgets_what_it_was(log: Path) -> None:
    write(log, lines(1, 2))
    known = read(fresh(log)).checkpoint
    write(log, b"")
    emptied = read(known).checkpoint
    assert (emptied.offset, emptied.generation) == (0, 1)
    write(log, lines(3))
    assert responses(read(emptied)) == 1


def test_a_fifo_is_refused_and_never_waited_for(log: Path) -> None:
    log.parent.mkdir()
    os.mkfifo(log)
    assert read(fresh(log)).error == "not a regular file"


def test_a_directory_is_refused(log: Path) -> None:
    log.mkdir(parents=True)
    assert read(fresh(log)).error == "not a regular file"


def test_a_symbolic_link_is_refused(log: Path, tmp_path: Path) -> None:
    write(log, lines(1))
    link = log.with_name("link.jsonl")
    link.symlink_to(log)
    assert read(fresh(link)).error == "a symbolic link"


def test_a_log_that_is_gone_is_an_error_and_keeps_its_checkpoint(log: Path) -> None:
    write(log, lines(1))
    known = read(fresh(log)).checkpoint
    log.unlink()
    segment = read(known)
    assert segment.error
    assert segment.checkpoint == known
    assert not segment.more


def test_the_systems_words_for_an_error_name_no_path(log: Path) -> None:
    assert str(log.parent) not in read(fresh(log)).error


def test_the_checkpoint_is_of_the_file_as_it_was_before_reading(log: Path) -> None:
    """What is appended while reading must show as a change afterwards."""
    write(log, lines(1))
    point = read(fresh(log)).checkpoint
    status = log.stat()
    assert (point.size, point.inode) == (status.st_size, status.st_ino)
    assert point.modified_ns == status.st_mtime_ns
    assert point.changed_ns == status.st_ctime_ns


def test_a_log_that_is_half_read_still_looks_changed(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart the rest of it once waited until it grew again."""
    monkeypatch.setattr(tail, "BLOCK_BYTES", 500)
    monkeypatch.setattr(tail, "PASS_BYTES", 2_000)
    write(log, lines(*range(1, 11)))
    first = read(fresh(log))
    assert first.more
    assert first.checkpoint.changed_ns != log.stat().st_ctime_ns
    assert read_all(fresh(log))[-1].checkpoint.changed_ns == log.stat().st_ctime_ns


def test_a_state_of_an_older_costd_is_no_reason_to_give_up(log: Path) -> None:
    write(log, lines(1, 2, 3))
    known = replace(read(fresh(log)).checkpoint, state=b"\x92\x01\x02")
    write(log, lines(1, 2, 3, 4))
    segment = read(known)
    assert (segment.error, responses(segment)) == ("", 4)
    assert segment.checkpoint.generation == 1
