"""Days are cut in a named zone: they have 23 or 25 hours where it says so."""

from __future__ import annotations

import itertools
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.errors import UsageError
from costd.core.instants import DAY, HOUR, SECOND
from costd.core.periods import (
    KINDS,
    day_of,
    is_dense,
    parse_when,
    periods,
    periods_with,
    start_of_day,
    starts,
    zone,
)

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
KATHMANDU = ZoneInfo("Asia/Kathmandu")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("tz", "day", "hours"),
    [
        (BERLIN, "2026-03-29", 23),
        (BERLIN, "2026-10-25", 25),
        (BERLIN, "2026-10-26", 24),
        (NEW_YORK, "2026-03-08", 23),
        (NEW_YORK, "2026-11-01", 25),
        (KATHMANDU, "2026-11-01", 24),
    ],
)
def test_a_day_has_the_hours_that_its_zone_gives_it(
    tz: ZoneInfo, day: str, hours: int
) -> None:
    noon = at(f"{day}T12:00:00Z")
    (found,) = periods("day", noon, noon, tz)
    assert found.label == day
    assert found.end - found.start == hours * HOUR


def test_weeks_begin_on_monday_and_months_on_their_first() -> None:
    first, last = at("2026-10-30T23:30:00Z"), at("2026-11-02T12:00:00Z")
    assert [p.label for p in periods("week", first, last, BERLIN)] == [
        "2026-10-26",
        "2026-11-02",
    ]
    assert [p.label for p in periods("month", first, last, BERLIN)] == [
        "2026-10",
        "2026-11",
    ]


def test_an_hour_begins_when_the_clock_on_the_wall_shows_one() -> None:
    moment = at("2026-11-20T10:10:00Z")
    (hour,) = periods("hour", moment, moment, KATHMANDU)
    assert hour.label == "2026-11-20T15:00+05:45"
    assert hour.start == at("2026-11-20T09:15:00Z")


@given(
    st.sampled_from(KINDS),
    st.integers(0, 4_000_000_000_000),
    st.integers(0, 90 * DAY),
    st.sampled_from([BERLIN, NEW_YORK, KATHMANDU, ZoneInfo("UTC")]),
)
def test_periods_hold_their_span_without_a_gap(
    kind: str, first: int, length: int, tz: ZoneInfo
) -> None:
    found = periods(kind, first, first + length, tz)
    assert found[0].start <= first < found[0].end
    assert found[-1].start <= first + length < found[-1].end
    pairs = itertools.pairwise(found)
    assert all(a.end == b.start for a, b in pairs)


def test_too_many_rows_are_refused_with_a_way_out() -> None:
    with pytest.raises(UsageError, match="too many rows") as failure:
        periods("hour", 0, 100_000 * HOUR, BERLIN)
    assert "--since" in failure.value.fix


def test_today_this_week_and_this_month_begin_in_the_zone() -> None:
    now = at("2026-11-18T23:30:00Z")  # Thursday already in Berlin
    assert starts(now, BERLIN) == (
        at("2026-11-19T00:00:00+01:00"),
        at("2026-11-16T00:00:00+01:00"),
        at("2026-11-01T00:00:00+01:00"),
    )
    assert str(day_of(now, NEW_YORK)) == "2026-11-18"
    assert start_of_day(day_of(now, NEW_YORK), NEW_YORK) == at("2026-11-18T05:00:00Z")


NOW = at("2026-11-22T10:00:00Z")


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [
        ("2026-11-21", False, "2026-11-21T00:00:00+01:00"),
        ("2026-11-21", True, "2026-11-22T00:00:00+01:00"),
        ("2026-11-21T10:00:00Z", True, "2026-11-21T10:00:00Z"),
        ("2026-11-21T10:00", False, "2026-11-21T10:00:00+01:00"),
        ("7d", False, "2026-11-15T10:00:00Z"),
        ("2w", False, "2026-11-08T10:00:00Z"),
        ("90m", False, "2026-11-22T08:30:00Z"),
        ("3h", False, "2026-11-22T07:00:00Z"),
    ],
)
def test_what_a_person_means_by_a_time(text: str, end: bool, expected: str) -> None:
    assert parse_when(text, NOW, BERLIN, end=end) == at(expected)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "7 d", "-3d", "7y"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="is no time") as failure:
        parse_when(text, NOW, BERLIN)
    assert "7d" in failure.value.fix


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="no time zone 'Mars/Olympus'"):
        zone("Mars/Olympus")


def test_a_span_with_few_days_in_it_has_few_periods() -> None:
    """One line dated 2250 once made every report by day too long."""
    first, last = at("2026-11-01T10:00:00Z"), at("2250-01-01T10:00:00Z")
    days = [first // DAY, last // DAY]
    assert not is_dense("day", first, last)
    found = periods_with("day", days, first, last, BERLIN)
    assert {"2026-11-01", "2250-01-01"} <= {p.label for p in found}
    assert len(found) <= 4
    found = periods_with("hour", days, first, last, BERLIN)
    assert len(found) < 50
    assert [p.start for p in found] == sorted(p.start for p in found)


@given(
    st.sampled_from(KINDS),
    st.integers(0, 400),
    st.integers(0, 400),
    st.sampled_from([BERLIN, NEW_YORK, KATHMANDU]),
)
def test_both_ways_give_the_same_periods_where_every_day_counts(
    kind: str, begin: int, hours: int, tz: ZoneInfo
) -> None:
    first = at("2026-10-20T00:00:00Z") + begin * HOUR
    last = first + hours * HOUR
    days = range(first // DAY, last // DAY + 1)
    assert periods_with(kind, days, first, last, tz) == periods(kind, first, last, tz)
