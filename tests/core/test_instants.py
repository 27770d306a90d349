"""Times from logs and back: any form of RFC 3339, nothing that no log can mean."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.instants import (
    DAY,
    LAST,
    SECOND,
    format_instant,
    parse_instant,
    to_datetime,
)

TEN = 1_795_082_400_000
"""2026-11-19T10:00:00Z."""


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-19T10:00:00Z",
        "2026-11-19T10:00:00.000Z",
        "2026-11-19T10:00:00+00:00",
        "2026-11-19T11:00:00+01:00",
        "2026-11-19T04:30:00-05:30",
        "2026-11-19 10:00:00Z",
        "2026-11-19T10:00:00",
        "20261119T100000Z",
    ],
)
def test_every_form_of_a_time_is_the_same_instant(text: str) -> None:
    assert parse_instant(text) == TEN


@pytest.mark.parametrize(
    ("fraction", "milliseconds"),
    [(".1", 100), (".12", 120), (".123", 123), (".1236", 124), (".999999", 1_000)],
)
def test_fractions_of_a_second(fraction: str, milliseconds: int) -> None:
    assert parse_instant(f"2026-11-19T10:00:00{fraction}Z") == TEN + milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-19T25:00:00Z",
        "1795082400000",
        "0001-01-01T00:00:00+10:00",
        "x" * 100_000,
        "２０２６-11-19T10:00:00Z",  # noqa: RUF001 - digits of another script
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_instant(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "1969-12-31T23:59:59.999Z",
        "1000-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_time_at_which_nothing_can_be_logged_is_none(text: str) -> None:
    """One such line once made every report by day too long, or overflow."""
    assert parse_instant(text) is None


def test_the_first_and_the_last_instant() -> None:
    assert parse_instant("1970-01-01T00:00:00Z") == 0
    assert parse_instant("9998-12-31T23:59:59.999Z") == LAST - 1


@given(st.integers(DAY, LAST - DAY), st.integers(-14 * 60, 14 * 60))
def test_the_zone_it_is_written_in_does_not_matter(at: int, minutes: int) -> None:
    moment = datetime.fromtimestamp(at // SECOND, tz=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_instant(elsewhere.isoformat()) == at // SECOND * SECOND
    assert to_datetime(at // SECOND * SECOND) == moment


@given(st.integers(0, LAST - 1))
def test_what_is_written_is_read_again(at: int) -> None:
    text = format_instant(at)
    assert text.endswith("Z")
    assert parse_instant(text) == at


def test_milliseconds_only_where_there_are_any() -> None:
    assert format_instant(TEN) == "2026-11-19T10:00:00Z"
    assert format_instant(TEN + 5) == "2026-11-19T10:00:00.005Z"


@pytest.mark.parametrize("at", [-1, -DAY, LAST + 1, 10**20])
def test_no_instant_is_beyond_a_calendar(at: int) -> None:
    assert to_datetime(at).year in {1970, 9999}
    assert to_datetime(at) + timedelta(days=1) > to_datetime(at)


def test_the_machines_own_zone_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert parse_instant("2026-11-19T10:00:00") == TEN
        assert format_instant(TEN) == "2026-11-19T10:00:00Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_second_is_a_thousand() -> None:
    assert parse_instant("1970-01-01T00:00:01Z") == SECOND
