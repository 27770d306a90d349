"""Droid's usage logs: local times, and what makes a call the same one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from costd.core.usage import Flag, Observation
from costd.engine.sources import DROID

LINE = b'{"timestamp": "%b", "session_id": "s", "input_tokens": 10}\n'
OSLO_SUMMER = 1_790_676_000_000
"""2026-09-29 12:00 in Oslo, which is 10:00 UTC."""


@contextmanager
def zone(patch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    with patch.context() as inner:
        inner.setenv("TZ", name)
        time.tzset()
        yield
    time.tzset()


def read(*lines: bytes, fallback_at: int = 7) -> list[Observation]:
    parser = DROID.parser("/home/dev/app", "scripts/x.jsonl", b"", fallback_at)
    data = bytearray(b"".join(lines))
    parser.take(data, 0, len(data), 0)
    return parser.finish().observations


@pytest.mark.parametrize(
    ("name", "text", "at"),
    [
        ("Europe/Oslo", b"2026-09-29T12:00:00", OSLO_SUMMER),
        ("UTC", b"2026-09-29T10:00:00.000000", OSLO_SUMMER),
        ("Europe/Oslo", b"2026-09-29T10:00:00Z", OSLO_SUMMER),
        ("America/New_York", b"2026-12-01T12:00:00", 1_796_144_400_000),
        ("Europe/Oslo", b"2026-10-25T01:30:00", 1_792_884_600_000),
        ("Europe/Oslo", b"2026-10-25T03:30:00", 1_792_895_400_000),
    ],
)
def test_a_time_is_that_of_a_clock_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, name: str, text: bytes, at: int
) -> None:
    with zone(monkeypatch, name):
        (seen,) = read(LINE % text)
    assert (seen.at, seen.flags) == (at, 0)


def test_a_line_without_a_time_is_dated_by_the_one_before_or_the_file() -> None:
    dated, undated = LINE % b"2026-09-29T10:00:00", LINE % b"soon"
    first, second = read(dated, undated)
    assert (second.at, second.flags) == (first.at, Flag.UNDATED)
    (alone,) = read(undated)
    assert (alone.at, alone.flags) == (7, Flag.UNDATED)


def test_the_same_line_twice_is_one_call() -> None:
    line = LINE % b"2026-09-29T10:00:00"
    assert len(read(line, line)) == 1


def test_the_project_is_the_directory_around_scripts() -> None:
    parser = DROID.parser("/home/dev/app/scripts", ".droid.jsonl", b"", 0)
    line = LINE % b"2026-09-29T10:00:00"
    parser.take(bytearray(line), 0, len(line), 0)
    (context,) = parser.finish().contexts
    assert context.cwd == "/home/dev/app"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (".droid_token_usage.jsonl", True),
        ("scripts/.droid_token_usage.jsonl", True),
        ("droid_token_usage.jsonl", False),
        (".droid_token_usage.jsonl.bak", False),
        (".droid_sessions.json", False),
    ],
)
def test_only_that_file_is_read(path: str, wanted: bool) -> None:
    assert DROID.is_log(path) is wanted
