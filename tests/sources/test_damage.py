"""Damaged lines that no golden case can hold: they are too large for one."""

from __future__ import annotations

import tracemalloc

import pytest

from costd.sources.claude_code.damage import save

MIB = 1 << 20


@pytest.mark.parametrize("part", [b'{"a":[]},', b"[],", b'"a",'])
def test_a_damaged_line_of_many_values_is_not_built(part: bytes) -> None:
    line = b'\0{"type":"user","x":[' + part * (16 * MIB // len(part)) + b"0]}"
    tracemalloc.start()
    try:
        saved = save(line, 7)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (saved.objects, saved.salvaged) == ([], 0)
    assert [(s.offset, s.length) for s in saved.skipped] == [(7, len(line))]
    assert most < 3 * len(line)


def test_a_damaged_line_of_much_text_is_saved() -> None:
    line = b'\0{"type":"user","x":"' + b"text, and {more} " * 30_000 + b'"}'
    saved = save(line, 0)
    assert [found["type"] for found in saved.objects] == ["user"]
    assert saved.salvaged == 1
