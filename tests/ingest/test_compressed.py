"""Compressed logs: whole or not at all, in bounded memory, and never in silence."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import squeezed
from costd.ingest import compressed
from costd.ingest.compressed import CompressedError

MAX_LINE = 1 << 20


class Taken:
    """Who takes the lines, and where each of them began."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, bytes]] = []
        self.skipped: list[tuple[int, int]] = []
        self.last = b""

    def take(self, data: bytearray, start: int, stop: int, base: int) -> None:
        assert data[stop - 1 : stop] == b"\n"
        for line in bytes(data[start:stop]).splitlines(keepends=True):
            self.lines.append((base + start, line))
            start += len(line)

    def take_unterminated(self, data: bytes, base: int) -> bool:
        self.last = data
        self.lines.append((base, data))
        return True

    def skip(self, offset: int, length: int, reason: str) -> None:
        self.skipped.append((offset, length))

    def state(self) -> bytes:
        return b""


@contextmanager
def opened(path: Path, data: bytes) -> Iterator[int]:
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read(path: Path, data: bytes, longest: int = MAX_LINE) -> Taken:
    found = Taken()
    with opened(path, data) as descriptor:
        compressed.read(descriptor, found, longest)
    return found


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 19])
def test_every_line_is_handed_over_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(compressed, "BLOCK_BYTES", block)
    text = b"".join(b"%d:%s\n" % (n, b"x" * (n % 90)) for n in range(300))
    text += b"and a last one without an end"
    found = read(tmp_path / "a.zst", squeezed.compress(text))
    assert b"".join(line for _, line in found.lines) == text
    assert all(text[at:].startswith(line) for at, line in found.lines)
    assert found.last == b"and a last one without an end"


@pytest.mark.parametrize("block", [1, 100, 1 << 19])
def test_too_long_a_line_is_skipped_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(compressed, "BLOCK_BYTES", block)
    long = b"y" * 1_000 + b"\n"
    text = b"one\n" + long + b"two\n" + long + b"three"
    found = read(tmp_path / "a.zst", squeezed.compress(text), 100)
    assert [line for _, line in found.lines] == [b"one\n", b"two\n", b"three"]
    assert all(text[at:].startswith(line) for at, line in found.lines)
    assert found.skipped == [(4, 1_001), (1_009, 1_001)]


def test_frames_one_after_the_other_are_one_text(tmp_path: Path) -> None:
    data = squeezed.compress(b"one\n") + squeezed.compress(b"two\n")
    assert [line for _, line in read(tmp_path / "a.zst", data).lines] == [
        b"one\n",
        b"two\n",
    ]


@pytest.mark.parametrize("kept", [1, 10, -1])
def test_a_file_that_is_cut_short_is_damaged(tmp_path: Path, kept: int) -> None:
    whole = squeezed.compress(os.urandom(5_000) + b"\n")
    with pytest.raises(CompressedError, match="damaged"):
        read(tmp_path / "a.zst", whole[:kept])


def test_what_is_not_compressed_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(CompressedError, match="damaged"):
        read(tmp_path / "a.zst", b"plain text, and longer than any header\n")


def test_what_is_larger_than_any_log_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "LARGEST_BYTES", 1_000_000)
    with pytest.raises(CompressedError, match="larger"):
        read(tmp_path / "a.zst", squeezed.compress(b"\n" * 1_000_001))


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Sixty megabytes without a newline, out of a few kilobytes."""
    data = squeezed.compress(b"z" * (60 << 20) + b"\nend\n")
    tracemalloc.start()
    try:
        found = read(tmp_path / "a.zst", data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [line for _, line in found.lines] == [b"end\n"]
    assert peak < 12 << 20


def test_without_the_package_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(compressed, "import_module", missing)
    with pytest.raises(CompressedError) as caught:
        read(tmp_path / "a.zst", squeezed.compress(b"one\n"))
    assert str(caught.value) == compressed.MISSING
