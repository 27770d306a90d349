"""Billing cycles: their days, short months, and days of 23 and 25 hours."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from costd.core.cycles import cycles
from costd.core.instants import HOUR
from pricing import instant

OSLO, NEW_YORK = ZoneInfo("Europe/Oslo"), ZoneInfo("America/New_York")


def labels(first: str, last: str, day: int, zone: ZoneInfo = OSLO) -> list[str]:
    return [p.label for p in cycles(instant(first), instant(last), day, zone)]


@pytest.mark.parametrize(
    ("first", "last", "day", "expected"),
    [
        ("2026-11-15T12:00:00Z", "2026-11-15T12:00:00Z", 1, ["2026-11-01"]),
        ("2026-11-15T12:00:00Z", "2026-11-15T12:00:00Z", 15, ["2026-11-15"]),
        ("2026-11-15T12:00:00Z", "2026-11-15T12:00:00Z", 16, ["2026-10-16"]),
        ("2026-01-02T12:00:00Z", "2026-01-02T12:00:00Z", 20, ["2025-12-20"]),
        (
            "2026-01-31T12:00:00Z",
            "2026-04-30T12:00:00Z",
            31,
            ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
        ),
        ("2028-02-29T12:00:00Z", "2028-02-29T12:00:00Z", 30, ["2028-02-29"]),
        (
            "2026-12-10T12:00:00Z",
            "2027-01-20T12:00:00Z",
            15,
            ["2026-11-15", "2026-12-15", "2027-01-15"],
        ),
        # 23:30 UTC is the next day in Oslo already.
        ("2026-11-14T23:30:00Z", "2026-11-14T23:30:00Z", 15, ["2026-11-15"]),
    ],
)
def test_a_cycle_begins_on_its_day(
    first: str, last: str, day: int, expected: list[str]
) -> None:
    assert labels(first, last, day) == expected


@pytest.mark.parametrize("day", range(1, 32))
def test_cycles_follow_one_another_without_a_gap(day: int) -> None:
    first, last = instant("2026-01-01T00:00:00Z"), instant("2028-12-31T00:00:00Z")
    found = cycles(first, last, day, NEW_YORK)
    assert found[0].start <= first < found[0].end
    assert found[-1].start <= last < found[-1].end
    for one, following in pairwise(found):
        assert one.end == following.start
    assert len(found) in (36, 37)


@pytest.mark.parametrize(
    ("at", "zone", "hours"),
    [
        # Oslo: 29 March has 23 hours, 25 October 25. New York: 8 March, 1 November.
        ("2026-03-29T12:00:00Z", OSLO, 31 * 24 - 1),
        ("2026-10-25T12:00:00Z", OSLO, 31 * 24 + 1),
        ("2026-03-08T12:00:00Z", NEW_YORK, 31 * 24 - 1),
        ("2026-11-01T12:00:00Z", NEW_YORK, 30 * 24 + 1),
    ],
)
def test_a_cycle_has_the_hours_that_the_zone_gives_it(
    at: str, zone: ZoneInfo, hours: int
) -> None:
    (found,) = cycles(instant(at), instant(at), 1, zone)
    assert found.end - found.start == hours * HOUR
    local = datetime.fromtimestamp(found.start / 1000, zone)
    assert (local.hour, local.minute, local.day) == (0, 0, 1)
