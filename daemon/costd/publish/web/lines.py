"""Rates over days as lines, from 0 to 100: only days of which something is known count.

Geometry, as in ``charts``. Each known day has a dot, so that one alone is seen too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costd.publish.web.charts import COLOURS


class Dot(NamedTuple):
    """A day: where it is, and what to say of it."""

    x: float
    y: float
    day: str
    rate: float
    known: int


class Line(NamedTuple):
    """The rate of one thing over the days."""

    name: str
    colour: int
    dots: list[Dot]

    @property
    def points(self) -> str:
        """For ``polyline``."""
        return " ".join(f"{dot.x:g},{dot.y:g}" for dot in self.dots)


def rates(days: Sequence[Mapping[str, Any]], dates: Sequence[str]) -> Line:
    """The line of ``successRate`` in percent."""
    return _line("", 0, days, dates, 1.0)


def beside(runtimes: Sequence[Mapping[str, Any]], dates: Sequence[str]) -> list[Line]:
    """A line for each runtime of which any outcome is known, in the colour it has.

    Their ``successRate`` is a share of 1.
    """
    found = [
        _line(row["runtime"], min(number, COLOURS), row["dailyStats"], dates, 100.0)
        for number, row in enumerate(runtimes)
    ]
    return [line for line in found if line.dots]


def _line(
    name: str,
    colour: int,
    days: Sequence[Mapping[str, Any]],
    dates: Sequence[str],
    percent: float,
) -> Line:
    places = {date: number for number, date in enumerate(dates)}
    width = max(len(dates), 1)
    dots = [
        Dot(
            round((places[day["date"]] + 0.5) * 100 / width, 2),
            round(100 - day["successRate"] * percent, 2),
            day["date"],
            day["successRate"] * percent,
            (day["successfulTasks"] or 0) + (day["failedTasks"] or 0),
        )
        for day in days
        if day.get("successRate") is not None and day["date"] in places
    ]
    return Line(name, colour, dots)
