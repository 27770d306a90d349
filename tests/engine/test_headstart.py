"""The reading process that is started before anybody knows that it is needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
