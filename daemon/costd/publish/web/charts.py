"""From numbers to pictures: where each bar of a chart begins and how tall it is.

Only geometry: the templates draw it as SVG, whose classes the style sheet colours, so
that light and dark are the same picture. A picture is as wide as its place: nothing in
it is text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from costd.core import amounts
from costd.core.instants import format_instant, parse_instant
from costd.core.plain import one_line

COLOURS = 7
"""Models with a colour of their own; the others share the last one."""
HEIGHT = 160.0
_GAP = 0.22
_STEPS = (1, 2, 2.5, 5, 10)
_MOST_BARS = 400
_LEVELS = 4


class Piece(NamedTuple):
    """A part of a bar: from ``y`` down by ``height``, in the colour ``colour``."""

    y: float
    height: float
    colour: int
    name: str
    value: float


class Bar(NamedTuple):
    """One bar: its label, where it stands, its parts from the bottom, its sum."""

    label: str
    x: float
    width: float
    pieces: list[Piece]
    total: float
    is_known: bool
    lower_bound: bool


class Chart(NamedTuple):
    """Bars over a scale; ``ticks`` are values with their distance from the top."""

    bars: list[Bar]
    width: float
    height: float
    ticks: list[tuple[float, float]]
    legend: list[tuple[int, str]]


def scale(highest: float, steps: int = 4) -> list[float]:
    """Round numbers from 0 to at least ``highest``."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / steps
    power = 10.0
    while power > rough:
        power /= 10
    while power * 10 <= rough:
        power *= 10
    step = next(power * s for s in _STEPS if power * s >= rough * 0.999)
    found = [0.0]
    while found[-1] < highest * 0.999:
        found.append(round(step * len(found), 10))
    return found


def colours(names: Sequence[str]) -> dict[str, int]:
    """A colour for each name, in their order; the last one for all that come later."""
    return {name: min(n, COLOURS) for n, name in enumerate(names)}


def stacked(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], label: str = "date"
) -> Chart:
    """Bars of ``rows`` whose ``byModel`` has an amount for each of ``names``."""
    shown = rows[-_MOST_BARS:]
    colour = colours(names)
    ticks = scale(max((row.get("cost") or 0 for row in shown), default=0))
    top = ticks[-1]
    bars = []
    for number, row in enumerate(shown):
        parts = row.get("byModel") or {}
        ordered = sorted(parts.items(), key=lambda item: colour.get(item[0], COLOURS))
        bars.append(
            Bar(
                label=str(row[label]),
                x=number + _GAP / 2,
                width=1 - _GAP,
                pieces=_pieces(ordered, colour, top),
                total=row.get("cost") or 0.0,
                is_known=row.get("cost") is not None,
                lower_bound=bool(row.get("lowerBound")),
            )
        )
    return Chart(
        bars,
        max(len(bars), 1),
        HEIGHT,
        [(tick, HEIGHT - HEIGHT * tick / top) for tick in ticks],
        _legend(names),
    )


def outcomes(days: Sequence[Mapping[str, Any]]) -> Chart:
    """Tasks by day, by how they ended; in the colours of that, not of models."""
    words = ("succeeded", "failed", "unknown")
    fields = ("successfulTasks", "failedTasks", "unknownTasks")
    rows = [
        {
            "date": day["date"],
            "cost": sum(day.get(field) or 0 for field in fields),
            "byModel": {
                word: day.get(field) or 0
                for word, field in zip(words, fields, strict=True)
            },
        }
        for day in days
    ]
    return stacked(rows, words)


def counts(days: Sequence[Mapping[str, Any]], field: str) -> Chart:
    """A count by day."""
    rows = [
        {
            "date": day["date"],
            "cost": day.get(field) or 0,
            "byModel": {"": day.get(field) or 0},
        }
        for day in days
    ]
    return stacked(rows, [""])


def beside(runtimes: Sequence[Mapping[str, Any]], first: date, last: date) -> Chart:
    """The cost of each runtime by day."""
    days: dict[str, dict[str, float]] = {}
    for row in runtimes:
        for day in row["dailyStats"]:
            known = days.setdefault(day["date"], {})
            known[row["runtime"]] = day["cost"] or 0
    rows = [
        {"date": day, "cost": sum(costs.values()), "byModel": costs}
        for day, costs in sorted(days.items())
    ]
    names = [row["runtime"] for row in runtimes]
    return stacked(every_day(rows, first, last), names)


def _legend(names: Sequence[str]) -> list[tuple[int, str]]:
    found = [(n, name) for n, name in enumerate(names[:COLOURS])]
    left = len(names) - COLOURS
    return [*found, (COLOURS, f"{left} more")] if left > 0 else found


def _pieces(
    ordered: Sequence[tuple[str, Any]], colour: Mapping[str, int], top: float
) -> list[Piece]:
    found, y = list[Piece](), HEIGHT
    for name, value in ordered:
        amount = float(value or 0)
        height = HEIGHT * amount / top
        y -= height
        if height > 0:
            found.append(
                Piece(
                    round(y, 2),
                    round(height, 2),
                    colour.get(name, COLOURS),
                    name,
                    amount,
                )
            )
    return found


def every_day(
    rows: Sequence[Mapping[str, Any]], first: date | None, last: date
) -> list[Mapping[str, Any]]:
    """The rows with the days between them on which nothing happened."""
    known = {str(row["date"]): row for row in rows}
    begin = first or (date.fromisoformat(min(known)) if known else last)
    begin = max(begin, last - timedelta(days=_MOST_BARS - 1))
    days = [begin + timedelta(days=n) for n in range((last - begin).days + 1)]
    return [
        known.get(day.isoformat()) or {"date": day.isoformat(), "cost": 0.0}
        for day in days
    ]


class Square(NamedTuple):
    """A day of a calendar: column and row, how dear it was (0 to 4), and what it cost."""

    x: int
    y: int
    level: int
    day: str
    cost: float | None
    lower_bound: bool


def squares(rows: Sequence[Mapping[str, Any]], today: date) -> list[Square]:
    """53 weeks up to today; a day is the darker the more it cost beside the others."""
    known = {str(row["date"]): row for row in rows}
    paid = sorted(row["cost"] for row in rows if row["cost"])
    limits = [paid[len(paid) * n // _LEVELS] for n in range(1, _LEVELS)] if paid else []
    begin = today - timedelta(days=today.weekday() + 52 * 7)
    found = []
    for number in range((today - begin).days + 1):
        day = (begin + timedelta(days=number)).isoformat()
        row = known.get(day) or {"cost": 0.0}
        cost = row["cost"]
        level = 1 + sum(cost >= limit for limit in limits) if cost else 0
        found.append(
            Square(
                number // 7, number % 7, level, day, cost, bool(row.get("lowerBound"))
            )
        )
    return found


def months(today: date) -> list[tuple[int, str]]:
    """The columns of a calendar in which a month begins, with its name."""
    begin = today - timedelta(days=today.weekday() + 52 * 7)
    found, last = list[tuple[int, str]](), 0
    for column in range(53):
        month = (begin + timedelta(days=column * 7)).month
        if month != last and column:
            found.append((column, f"{begin + timedelta(days=column * 7):%b}"))
        last = month
    return found


class Lane(NamedTuple):
    """When a session was, in percent of the time that is shown."""

    session_id: str
    x: float
    width: float
    live: bool
    title: str


def lanes(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Lane], str, str]:
    """A lane for each session, the first and the last instant; none for one alone."""
    spans = [
        (parse_instant(row["started_at"]) or 0, parse_instant(row["last_at"]) or 0)
        for row in rows
    ]
    if len(rows) < 2:  # noqa: PLR2004 - one has nothing to lie beside
        return [], "", ""
    begin, end = min(start for start, _ in spans), max(last for _, last in spans)
    whole = max(end - begin, 1)
    found = [
        Lane(
            row["session_id"],
            min(round(100 * (start - begin) / whole, 2), 99.4),
            max(round(100 * (last - start) / whole, 2), 0.6),
            bool(row["live"]),
            f"{one_line(row['issue'])}, {one_line(row['project'])}, "
            f"{amounts.usd(row['cost_usd'], lower_bound=bool(row['lower_bound']))}",
        )
        for row, (start, last) in zip(rows, spans, strict=True)
    ]
    return found, format_instant(begin), format_instant(end)
