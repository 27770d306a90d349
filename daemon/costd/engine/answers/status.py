"""``status``: what runs, what it cost, and whether the numbers can be trusted."""

from __future__ import annotations

import os
from typing import Any

from costd import __version__
from costd.core.instants import format_instant
from costd.core.money import to_usd
from costd.core.periods import starts
from costd.core.summary import BASIS, Sums, envelope, instant, short
from costd.engine.answers.health import (
    covered,
    problems,
    shares,
    unpriced_models,
    watched,
)
from costd.engine.answers.keeping import kept
from costd.engine.history import buckets, everything, sum_of
from costd.engine.live import LiveSession
from costd.engine.view import Params, View, zone_of
from costd.ledger.reports import Question

_WINDOWS = ("today", "week", "month", "all")


def status(view: View, params: Params) -> dict[str, Any]:
    """The contract of ``costd status --json``."""
    tz = zone_of(params, view.zone)
    every = everything(view)
    models = unpriced_models(view)
    present = problems(view)
    view.alarm.see(present, view.now)
    view.care.status = found = envelope(
        view.now,
        version=__version__,
        pid=os.getpid(),
        started_at=format_instant(view.started_at),
        daemon=view.is_daemon,
        complete=view.intake.is_complete,
        timezone=tz.key,
        sources=[_source(view, name) for name in view.intake.roots],
        totals=dict(
            zip(_WINDOWS, map(short, windows(view, every, tz.key)), strict=True)
        ),
        live=[_live(session) for session in live_sessions(view)],
        unattributed=_unattributed(view),
        unpriced={
            "models": list(models),
            "tokens": sum(models.values()),
            "responses": every.unpriced,
        },
        lower_bound=_lower_bound(every),
        ledger=kept(view),
        watch=watched(view),
        shares=shares(view),
        parts=view.alarm.parts(),
        health=present,
        price_card={
            "version": view.ledger.card.version,
            "as_of": view.ledger.card.as_of,
        },
        basis=BASIS,
    )
    return found


def windows(view: View, every: Sums, tz: str) -> list[Sums]:
    """The sums of today, this week, this month and of all."""
    from_when = starts(view.now, zone_of({"tz": tz}, view.zone))
    spans = [sum_of(view, since, view.now + 1) for since in from_when]
    return [*spans, every]


def _unattributed(view: View) -> dict[str, float]:
    """USD by named bucket, the dearest first: everything that no issue owns."""
    held = sorted(buckets(view).items(), key=lambda item: -item[1].cost)
    return {name: to_usd(sums.cost) for name, sums in held}


def live_sessions(view: View) -> list[LiveSession]:
    """The running sessions with their figures."""
    question = Question((), None, None, view.zone, {})
    return view.live.sessions(view.connection, question, view.now)


def _source(view: View, name: str) -> dict[str, Any]:
    known, intake = covered(view, name), view.intake
    files = known.files
    if not intake.is_complete:  # the ledger does not know all of them yet
        files = max(files, intake.logs_of(name))
    return {
        "name": name,
        "roots": list(intake.roots[name]),
        "files": files,
        "vanished_files": known.vanished,
        "bytes_behind": intake.progress.behind.get(name, 0) if intake.is_busy else 0,
        "last_record_at": instant(known.last_record_at),
        "skipped_lines": known.skipped_lines,
        "salvaged_lines": known.salvaged_lines,
        "rewrites": known.rewrites,
        "last_error": known.last_error or None,
    }


def _live(session: LiveSession) -> dict[str, Any]:
    place = session.place
    return {
        "session_id": place.session_id,
        "agent": place.source,
        "issue": place.issue,
        "role": place.role or None,
        "project": place.project,
        "branch": place.branch,
        "model": session.model,
        "started_at": instant(place.first_at),
        "last_at": instant(session.last_at),
        "cost_usd": to_usd(session.sums.cost),
        "estimated_cost_usd": to_usd(session.estimated_cost),
        "usd_per_hour": to_usd(session.cost_per_hour),
        "tokens": session.sums.total_tokens,
        "subagents": place.subagents,
        "lower_bound": bool(session.sums.unfinalised or session.sums.unpriced),
        "unpriced_responses": session.sums.unpriced,
    }


def _lower_bound(every: Sums) -> dict[str, Any]:
    reasons = {}
    if every.unfinalised:
        reasons["unfinalised"] = every.unfinalised
    if every.unpriced:
        reasons["unpriced"] = every.unpriced
    return {"responses": every.unfinalised, "reasons": reasons}
