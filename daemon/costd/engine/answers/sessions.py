"""``sessions`` and ``session``: lists of sessions, and one in full."""

from __future__ import annotations

import os
from typing import Any

from costd.core.money import to_usd
from costd.core.summary import Sums, amounts, cost_usd, envelope, instant, tokens
from costd.engine.answers.report import read_question
from costd.engine.history import parts_by
from costd.engine.view import Params, View, number, text
from costd.ledger import board
from costd.ledger import sessions as stored
from costd.ledger.agents import types_of
from costd.ledger.long_spans import count_sessions
from costd.ledger.reports import Cut, Question, cut
from costd.ledger.sessions import SessionPlace

_LIMIT = 50
_AT_ONCE = 400


def sessions(view: View, params: Params) -> dict[str, Any]:
    """Sessions by their last response, the newest first; ``limit`` 0 is all."""
    question = read_question(view, {**params, "by": ["session"]})
    limit, offset = number(params, "limit", _LIMIT), number(params, "offset", 0)
    count, sums = _listed(view, question, offset + limit if limit else 0)
    found = _places(view, list(sums))
    found.sort(key=lambda place: (-place.last_at, place.session_id))
    shown = found[offset:][: limit or None]
    models = _models(view, question, [place.session_id for place in shown])
    live = _live_ids(view)
    whole = parts_by(view, question._replace(by=())).get((), Sums())
    return envelope(
        view.now,
        timezone=question.zone.key,
        rows=[
            # Of thousands the parts go as the whole comes.
            _row(place, sums.pop(place.session_id), models.pop(place.session_id), live)
            for place in shown
        ],
        count=count,
        total=amounts(whole._replace(sessions=count)),
    )


def _listed(view: View, question: Question, most: int) -> tuple[int, dict[str, Sums]]:
    """How many sessions there are, and the sums of the ``most`` latest; 0 for all."""
    if not most or not board.PLACES.issuperset(question.filters):
        every = {row.keys[0]: row.sums for row in cut(view.connection, question)}
        return len(every), every
    span = (question.since, question.until, question.filters)
    found: dict[str, Sums] = {}
    maybe = board.latest_sessions(view.connection, *span)
    for start in range(0, len(maybe), _AT_ONCE):
        wanted = {**question.filters, "session": maybe[start : start + _AT_ONCE]}
        rows = cut(view.connection, question._replace(filters=wanted))
        sums = {row.keys[0]: row.sums for row in rows}
        found |= {name: sums[name] for name in wanted["session"] if name in sums}
        if len(found) >= most:
            break
    return count_sessions(view.connection, question), found


def session(view: View, params: Params) -> dict[str, Any]:
    """One session in full, by its id or the beginning of it."""
    session_id = stored.resolve(view.connection, text(params, "id") or "")
    question = Question((), None, None, view.zone, {"session": [session_id]})
    (place,) = stored.places(view.connection, [session_id])
    sums = _whole(view, question)
    by_model = cut(view.connection, question._replace(by=("model",)))
    names = [row.keys[0] for row in by_model]
    types = types_of(view.connection, session_id)
    reported = place.reported_cost
    return envelope(
        view.now,
        timezone=view.zone.key,
        **_row(place, sums, names, _live_ids(view)),
        by_model=[_part(row, "model", sums) for row in by_model],
        by_agent=[
            {**_part(row, "agent_id", sums), "agent_type": types.get(row.keys[0])}
            for row in cut(view.connection, question._replace(by=("subagent",)))
        ],
        by_branch=[
            _part(row, "branch", sums)
            for row in cut(view.connection, question._replace(by=("branch",)))
        ],
        by_day=[
            _part(row, "day", sums)
            for row in cut(view.connection, question._replace(by=("day",)))
        ],
        files=[
            {
                "path": os.fsdecode(log.path).encode("utf-8", "replace").decode(),
                "bytes": log.size,
                "vanished": log.vanished_at is not None,
            }
            for log in stored.logs_of(view.connection, session_id)
        ],
        reported_cost_usd=None if reported is None else to_usd(reported),
        unattributed_usd=None
        if reported is None
        else to_usd(max(0, reported - sums.cost)),
    )


def _places(view: View, session_ids: list[str]) -> list[SessionPlace]:
    found: list[SessionPlace] = []
    for start in range(0, len(session_ids), _AT_ONCE):
        some = session_ids[start : start + _AT_ONCE]
        found.extend(stored.places(view.connection, some))
    return found


def _models(
    view: View, question: Question, session_ids: list[str]
) -> dict[str, list[str]]:
    """The models of each session, by cost."""
    models: dict[str, list[str]] = {session_id: [] for session_id in session_ids}
    for start in range(0, len(session_ids), _AT_ONCE):
        some = session_ids[start : start + _AT_ONCE]
        wanted = {**question.filters, "session": some}
        rows = cut(
            view.connection,
            question._replace(by=("session", "model"), filters=wanted),
        )
        for row in sorted(rows, key=lambda row: -row.sums.cost):
            models[row.keys[0]].append(row.keys[1])
    return models


def _live_ids(view: View) -> frozenset[str]:
    question = Question((), None, None, view.zone, {})
    running = view.live.sessions(view.connection, question, view.now)
    return frozenset(session.place.session_id for session in running)


def _whole(view: View, question: Question) -> Sums:
    rows = cut(view.connection, question)
    return rows[0].sums if rows else Sums()


def _row(
    place: SessionPlace, sums: Sums, models: list[str], live: frozenset[str]
) -> dict[str, Any]:
    return {
        "session_id": place.session_id,
        "agent": place.source,
        "project": place.project,
        "branch": place.branch,
        "issue": place.issue,
        "role": place.role or None,
        "models": models,
        "started_at": instant(place.first_at),
        "last_at": instant(place.last_at),
        **amounts(sums),
        "subagents": place.subagents,
        "live": place.session_id in live,
    }


def _part(row: Cut, name: str, whole: Sums) -> dict[str, Any]:
    return {
        name: row.keys[0],
        "cost_usd": cost_usd(row.sums),
        "share": row.sums.cost / whole.cost if whole.cost else None,
        "tokens": tokens(row.sums),
        "responses": row.sums.responses,
        "unpriced_responses": row.sums.unpriced,
        "lower_bound": bool(row.sums.unfinalised or row.sums.unpriced),
    }
