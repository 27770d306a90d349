"""``costs``: what was spent, by model and by day, and beside the span before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from costd.core.errors import UsageError
from costd.core.periods import day_of, start_of_day, starts
from costd.core.summary import (
    BASIS,
    Sums,
    amounts,
    cost_usd,
    envelope,
    instant,
    together,
)
from costd.engine.answers.report import read_question
from costd.engine.dearest import dearest_by, sessions_in
from costd.engine.history import days_by, parts_by
from costd.engine.view import Params, View, text, words
from costd.ledger.cells import BUCKET_MS
from costd.ledger.reports import Cut, Question

_DAYS = 30
_YEAR = 371
"""Days of 53 weeks: a calendar is drawn in whole ones."""
_MOST_PARTS = 100
_PARTS = ("project", "branch", "role", "issue", "agent", "session")
Row = dict[str, Any]


def costs(view: View, params: Params) -> Row:
    """The shape that dashboards read, with what costd knows beyond it.

    Without ``since`` it is about the last thirty days. ``by`` names further cuts.

    Raises:
        UsageError: an unknown filter, zone, time or cut.
    """
    question = read_question(view, {**params, "by": []})
    if question.since is None:
        first = day_of(view.now, question.zone) - timedelta(days=_DAYS - 1)
        question = question._replace(since=start_of_day(first, question.zone))
    rows = days_by(view, question._replace(by=("day", "model")))
    spans = _spans(view, question)
    parts = {
        name: dearest_by(view, question._replace(by=(name,)), _MOST_PARTS)
        for name in _parts(params)
    }
    total = together(row.sums for row in rows)
    count = sessions_in(view, question)
    return {
        "schema_version": 1,
        "timezone": question.zone.key,
        "basis": BASIS,
        "since": instant(question.since),
        "until": text(params, "until"),
        "filters": {name: list(found) for name, found in question.filters.items()},
        "today": spans["today"]["cost"],
        "thisWeek": spans["week"]["cost"],
        "thisMonth": spans["month"]["cost"],
        "spans": spans,
        "byModel": [
            _named("model", name, sums) for name, sums in _sorted(_by(rows, 1))
        ],
        "byDay": _days(rows),
        "partCounts": {name: count for name, (count, _) in parts.items()},
        "parts": {
            name: [_named("name", row.keys[0], row.sums) for row in rows]
            for name, (_, rows) in parts.items()
        },
        "total": amounts(total._replace(sessions=count)),
    }


def calendar(view: View, params: Params) -> Row:
    """Every day of the last year on which something was spent."""
    wanted = {name: params.get(name) for name in ("tz", "filters")}
    found = read_question(view, wanted)
    tz = found.zone
    first = start_of_day(day_of(view.now, tz) - timedelta(days=_YEAR - 1), tz)
    question = found._replace(by=("day", "agent"), since=first)
    days = _by(days_by(view, question), 0)
    return envelope(
        view.now,
        timezone=tz.key,
        since=instant(first),
        filters={name: list(values) for name, values in found.filters.items()},
        rows=[{"date": day, **_figures(sums)} for day, sums in sorted(days.items())],
        basis=BASIS,
    )


def _parts(params: Params) -> list[str]:
    wanted = words(params, "by")
    unknown = [name for name in wanted if name not in _PARTS]
    if unknown:
        raise UsageError(
            f"{unknown[0][:40]!r} is no part of the costs.", f"Use {', '.join(_PARTS)}."
        )
    return wanted


def _by(rows: Iterable[Cut], key: int) -> dict[str, Sums]:
    found: dict[str, list[Sums]] = {}
    for row in rows:
        found.setdefault(row.keys[key], []).append(row.sums)
    return {name: together(sums) for name, sums in found.items()}


def _sorted(found: dict[str, Sums]) -> list[tuple[str, Sums]]:
    return sorted(found.items(), key=lambda item: (-item[1].cost, item[0]))


def _named(dimension: str, name: str, sums: Sums) -> Row:
    return {dimension: name or None, **_figures(sums)}


def _figures(sums: Sums) -> Row:
    return {
        "cost": cost_usd(sums),
        "count": sums.responses,
        "tokens": sums.total_tokens,
        "lowerBound": bool(sums.unfinalised or sums.unpriced),
        "unpricedTokens": sums.unpriced_tokens,
    }


def _days(rows: Iterable[Cut]) -> list[Row]:
    days: dict[str, list[Cut]] = {}
    for row in rows:
        days.setdefault(row.keys[0], []).append(row)
    return [
        {
            "date": date,
            **_figures(together(row.sums for row in same)),
            "byModel": {row.keys[1]: cost_usd(row.sums) for row in same},
        }
        for date, same in sorted(days.items())
    ]


def _spans(view: View, question: Question) -> Row:
    """Today, this week and this month, and as much of the ones before.

    What is compared ends as far into the day as it is now, to the quarter of an hour.
    """
    until = view.now // BUCKET_MS * BUCKET_MS + BUCKET_MS
    now_begin = starts(view.now, question.zone)
    before = _befores(view.now, question.zone)
    found = {}
    for name, begin, earlier in zip(
        ("today", "week", "month"), now_begin, before, strict=True
    ):
        sums = _sum(view, question, begin, until)
        end = min(earlier + (until - begin), begin)
        last = _sum(view, question, earlier, end)
        found[name] = {
            "since": instant(begin),
            **_figures(sums),
            "before": {
                "since": instant(earlier),
                "until": instant(end),
                **_figures(last),
            },
        }
    return found


def _befores(now: int, tz: ZoneInfo) -> tuple[int, int, int]:
    """When yesterday, last week and last month began."""
    today = day_of(now, tz)
    monday = today - timedelta(days=today.weekday())
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    days = (today - timedelta(days=1), monday - timedelta(days=7), month)
    yesterday, week, first = (start_of_day(day, tz) for day in days)
    return yesterday, week, first


def _sum(view: View, question: Question, since: int, until: int) -> Sums:
    wanted = question._replace(by=(), since=since, until=until)
    return parts_by(view, wanted).get((), Sums())
