"""``board``: issues by what goes on with them: running, recent, quiet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from costd.core.errors import UsageError
from costd.core.instants import DAY
from costd.core.summary import BASIS, Sums, amounts, envelope, instant, together
from costd.engine.answers.report import read_question
from costd.engine.answers.status import live_sessions
from costd.engine.history import sums_by
from costd.engine.narrowing import narrowed
from costd.engine.view import Params, View, number, text
from costd.ledger.board import LastWork, choices, last_work
from costd.ledger.issues import WorkRow, work
from costd.ledger.long_spans import dearest
from costd.ledger.reports import Question

_LIMIT = 24
_RECENT = 7 * DAY
STATES = ("running", "recent", "quiet")


class _Card(NamedTuple):
    """An issue on the board, before its details are looked up."""

    issue: str
    sums: Sums
    last_at: int


def board(view: View, params: Params) -> dict[str, Any]:
    """The issues of a span: running now, touched within a week, or quiet.

    Raises:
        UsageError: ``state`` is none, or a filter or a time cannot be used.
    """
    question = read_question(view, {**params, "by": ["issue"]})
    wanted = text(params, "state")
    if wanted is not None and wanted not in STATES:
        raise UsageError(f"{wanted[:40]!r} is no state.", f"Use {', '.join(STATES)}.")
    search = (text(params, "search") or "").casefold()
    limit = number(params, "limit", _LIMIT)
    offset = number(params, "offset", 0)
    columns = _columns(view, question, search)
    shown = {
        state: cards[offset:][: limit or None]
        for state, cards in columns.items()
        if wanted in (None, state)
    }
    details = _details(view, question, [c for cards in shown.values() for c in cards])
    return envelope(
        view.now,
        timezone=question.zone.key,
        since=text(params, "since"),
        until=text(params, "until"),
        filters={name: list(found) for name, found in question.filters.items()},
        recent_days=_RECENT // DAY,
        counts={state: len(cards) for state, cards in columns.items()},
        columns=[
            {
                "state": state,
                "rows": [_row(card, details.get(card.issue, [])) for card in cards],
            }
            for state, cards in shown.items()
        ],
        basis=BASIS,
    )


def _columns(view: View, question: Question, search: str) -> dict[str, list[_Card]]:
    """Every issue in its column: the latest first, the quiet ones by cost."""
    running = {session.place.issue for session in live_sessions(view)}
    sums = _sums(view, question)
    found: dict[str, list[_Card]] = {state: [] for state in STATES}
    for entry in _last_work(view):
        figures = sums.get((entry.issue,))
        if figures is None or entry.issue.startswith("none:"):
            continue
        if search not in entry.issue.casefold():
            continue
        card = _Card(entry.issue, figures, entry.last_at)
        found[_state(card, running, view.now)].append(card)
    for state in ("running", "recent"):
        found[state].sort(key=lambda card: (-card.last_at, card.issue))
    found["quiet"].sort(key=lambda card: (-card.sums.cost, card.issue))
    return found


def _sums(view: View, question: Question) -> dict[tuple[str, ...], Sums]:
    """What each issue cost; over all time the status has worked that out already."""
    if question.since is None and question.until is None and not question.filters:
        return sums_by(view, ("issue",))
    _, rows = dearest(view.connection, question)
    return {row.keys: row.sums for row in rows}


def _last_work(view: View) -> list[LastWork]:
    return view.memory.once("last_work", lambda: last_work(view.connection))


def _state(card: _Card, running: set[str], now: int) -> str:
    if card.issue in running:
        return "running"
    return "recent" if now - card.last_at < _RECENT else "quiet"


def _details(
    view: View, question: Question, cards: Sequence[_Card]
) -> dict[str, list[WorkRow]]:
    """What was done for the issues that are shown; filters of places hold for it."""
    found: dict[str, list[WorkRow]] = {}
    names = [card.issue for card in cards]
    rows = work(view.connection, names, question.since, question.until)
    for row in narrowed(view, rows, question.filters):
        found.setdefault(row.owner, []).append(row)
    return found


def _row(card: _Card, rows: Sequence[WorkRow]) -> dict[str, Any]:
    sums = card.sums._replace(sessions=len({row.session_id for row in rows}))
    models: dict[str, list[Sums]] = {}
    for row in rows:
        models.setdefault(row.model, []).append(row.sums)
    return {
        "issue": card.issue,
        **amounts(sums),
        "roles": sorted({row.role for row in rows} - {""}),
        "models": sorted(models, key=lambda name: -together(models[name]).cost),
        "projects": sorted({row.project for row in rows} - {""}),
        "last_at": instant(card.last_at),
    }


def places(view: View, _params: Params) -> dict[str, Any]:
    """The projects and agents that can be chosen."""
    known = view.memory.once("choices", lambda: choices(view.connection))
    return envelope(view.now, **known)
