"""The reading process that is started before anybody knows that it is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from costd.core.checkpoint import Checkpoint
from costd.engine import headstart
from costd.engine.importer import Importer

LONGEST = 16 << 20


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    headstart.end()


def test_what_was_begun_is_taken_once() -> None:
    headstart.begin(LONGEST)
    first, second = headstart.take(LONGEST), headstart.take(LONGEST)
    assert first.pid != second.pid
    for process in (first, second):
        process.communicate()  # its input ends, and so does it
        assert process.returncode == 0


def test_one_with_another_limit_is_of_no_use() -> None:
    headstart.begin(1)
    taken = headstart.take(LONGEST)
    assert isinstance(taken.args, list)
    assert taken.args[-1] == str(LONGEST)
    taken.communicate()


def test_what_nobody_took_is_ended() -> None:
    headstart.begin(LONGEST)
    (process,) = headstart._early.values()
    headstart.end()
    assert process.returncode is not None


def test_an_importer_takes_it() -> None:
    headstart.begin(LONGEST)
    (process,) = headstart._early.values()
    importer = Importer(LONGEST, lambda _message: None)
    assert importer._process is process
    importer.close()
    assert process.returncode is not None


def test_what_it_has_read_is_not_ahead_any_more(memory_dir: Path) -> None:
    log = memory_dir / "p" / "s.jsonl"
    log.parent.mkdir()
    log.write_bytes(b"{}\n")
    said: SimpleQueue[bytes | None] = SimpleQueue()
    importer = Importer(LONGEST, said.put)
    try:
        point = Checkpoint(os.fsencode(log), "claude", os.fsencode(memory_dir))
        importer.add(point, 1 << 30)
        assert not importer.wants_more(1 << 40, 0)
        assert importer.give()
        message = said.get(timeout=60)
        assert message is not None
        assert importer.wants_more(1 << 40, 0)
        assert not importer.wants_more(1 << 40, 24)
        (segment,) = importer.unpack(message)
        assert segment.checkpoint.offset == 3
    finally:
        importer.close()
