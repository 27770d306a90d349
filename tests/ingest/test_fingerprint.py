"""Whether a log was continued or is another one now, whatever its name and inode say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from costd.core.checkpoint import Checkpoint
from costd.ingest.fingerprint import (
    HEAD_BYTES,
    MARKER_BYTES,
    head,
    is_continued,
    marker,
)

LONG = b"".join(b"line %06d\n" % n for n in range(2_000))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def checkpoint(path: Path, offset: int) -> Checkpoint:
    """As the reader makes one after reading up to ``offset``."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        first, length = head(descriptor, offset)
        return Checkpoint(
            os.fsencode(path),
            "claude",
            offset=offset,
            head=first,
            head_length=length,
            marker=marker(descriptor, offset),
        )
    finally:
        os.close(descriptor)


def continued(path: Path, known: Checkpoint) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return is_continued(descriptor, os.fstat(descriptor), known)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("offset", [1, 12, HEAD_BYTES, MARKER_BYTES, 15_000, len(LONG)])
def test_a_log_that_grows_is_continued(log: Path, offset: int) -> None:
    log.write_bytes(LONG)
    known = checkpoint(log, offset)
    assert continued(log, known)
    log.write_bytes(LONG + b"more\n")
    assert continued(log, known)


def test_nothing_read_is_continued_by_anything(log: Path) -> None:
    log.write_bytes(b"one\n")
    known = checkpoint(log, 0)
    log.write_bytes(b"quite another\n")
    assert continued(log, known)


@pytest.mark.parametrize("size", [0, 1, 14_999])
def test_a_log_that_became_shorter_is_not(log: Path, size: int) -> None:
    log.write_bytes(LONG)
    known = checkpoint(log, 15_000)
    log.write_bytes(LONG[:size])
    assert not continued(log, known)


@pytest.mark.parametrize("at", [0, HEAD_BYTES - 1, 15_000 - MARKER_BYTES, 14_999])
def test_one_changed_byte_in_head_or_marker_is_noticed(log: Path, at: int) -> None:
    log.write_bytes(LONG)
    known = checkpoint(log, 15_000)
    log.write_bytes(LONG[:at] + b"#" + LONG[at + 1 :])
    assert not continued(log, known)


@pytest.mark.parametrize("cut", [0, 10, 5_000, 12_000, 14_000])
def test_truncated_and_grown_again_beyond_the_offset(log: Path, cut: int) -> None:
    """Neither size nor inode shows it; the bytes before the offset do."""
    log.write_bytes(LONG)
    known = checkpoint(log, 15_000)
    inode = log.stat().st_ino
    with log.open("r+b") as file:
        file.truncate(cut)
        file.seek(cut)
        file.write(b"another line\n" * 2_000)
    assert log.stat().st_ino == inode
    assert log.stat().st_size > 15_000
    assert not continued(log, known)


def test_a_record_removed_from_the_middle_is_noticed(log: Path) -> None:
    log.write_bytes(LONG)
    known = checkpoint(log, len(LONG) - 12 * 10)
    log.write_bytes(LONG[:9_996] + LONG[10_008:])
    assert not continued(log, known)


def test_a_replacement_with_the_same_lines_and_more_is_continued(log: Path) -> None:
    log.write_bytes(LONG)
    known = checkpoint(log, len(LONG))
    new = log.with_suffix(".new")
    new.write_bytes(LONG + b"more\n")
    new.replace(log)
    assert continued(log, known)


def test_two_logs_with_equal_beginnings_are_told_apart(log: Path) -> None:
    log.write_bytes(LONG + b"mine\n")
    known = checkpoint(log, len(LONG) + 5)
    log.write_bytes(LONG + b"hers\n")
    assert not continued(log, known)
