"""``issues``, ``issue`` and ``costs_by_issue``: what an issue has cost so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from costd.core.attribution import require_issue
from costd.core.errors import NotFoundError
from costd.core.money import to_usd
from costd.core.periods import day_of
from costd.core.summary import (
    BASIS,
    Sums,
    amounts,
    cost_usd,
    envelope,
    instant,
    together,
    tokens,
)
from costd.engine.answers.report import read_question
from costd.engine.answers.status import live_sessions
from costd.engine.claimed import claim_json
from costd.engine.issue_files import (
    bucket_costs,
    by_issue_file,
    issue_costs,
    issue_file,
    reason,
)
from costd.engine.live import LiveSession
from costd.engine.view import Params, View, number, text
from costd.ledger import claims as kept
from costd.ledger.issues import (
    OwnerRow,
    PullLink,
    WorkRow,
    owners,
    pull_requests,
    quarters,
    work,
)
from costd.ledger.reports import Question

_LIMIT = 50
Row = dict[str, Any]


def issues(view: View, params: Params) -> Row:
    """Issues by what they cost, and the buckets with the reason why they hold it."""
    question = read_question(view, params)
    found = owners(view.connection, question)
    named = [row for row in found if not row.owner.startswith("none:")]
    buckets = [row for row in found if row.owner.startswith("none:")]
    live = {session.place.issue for session in live_sessions(view)}
    limit = number(params, "limit", _LIMIT)
    return envelope(
        view.now,
        timezone=question.zone.key,
        since=text(params, "since"),
        until=text(params, "until"),
        filters={name: list(values) for name, values in question.filters.items()},
        rows=[
            {"issue": row.owner, **_listed(row), "live": row.owner in live}
            for row in named[: limit or None]
        ],
        count=len(named),
        buckets=[
            {"bucket": row.owner, "reason": reason(row.owner), **_listed(row)}
            for row in buckets
        ],
        total=_whole(named, buckets),
        basis=BASIS,
    )


def _listed(row: OwnerRow) -> Row:
    return {
        **amounts(row.sums),
        "roles": row.roles,
        "models": row.models,
        "last_at": instant(row.last_at),
    }


def _whole(named: Sequence[OwnerRow], buckets: Sequence[OwnerRow]) -> Row:
    """Issues and buckets together: nothing is left over."""
    whole = together(row.sums for row in (*named, *buckets))
    issues_cost = sum(row.sums.cost for row in named)
    buckets_cost = sum(row.sums.cost for row in buckets)
    figures = amounts(whole)
    del figures["sessions"]  # one session may have worked for several owners
    return {
        **figures,
        "issues_usd": to_usd(issues_cost),
        "buckets_usd": to_usd(buckets_cost),
        "exact": issues_cost + buckets_cost == whole.cost,
    }


def issue(view: View, params: Params) -> Row:
    """One issue (or bucket) in full.

    Raises:
        UsageError: the id cannot be one.
        NotFoundError: nothing was done for it and nobody claims anything for it.
    """
    name = require_issue(text(params, "id") or "")
    question = read_question(view, {**params, "filters": {}})
    rows = _work(view, name, question)
    claims = kept.select(view.connection, "issue = ? AND revoked_at IS NULL", (name,))
    if not rows and not claims and not work(view.connection, [name]):
        raise NotFoundError(
            f"The ledger knows nothing of {name}.",
            "See `costd issues`; `costd link` says whose work is whose.",
        )
    running = [s for s in live_sessions(view) if s.place.issue == name]
    total = _sum(rows)
    links = pull_requests(view.connection, {row.session_id for row in rows})
    return envelope(
        view.now,
        issue=name,
        timezone=question.zone.key,
        since=text(params, "since"),
        until=text(params, "until"),
        **issue_file(name, rows, {s.place.session_id for s in running}),
        total=amounts(total),
        by_session=[
            _session(found, total, running)
            for found in _grouped(rows, lambda row: row.session_id)
        ],
        by_model=_parts(rows, "model", lambda row: row.model, total),
        by_role=_parts(rows, "role", lambda row: row.role, total),
        by_day=_days(view, name, question, total),
        subagents=[_subagent(found, total) for found in _subagents(rows)],
        prs=_pull_requests(links),
        live=[_live(session) for session in running],
        claims=[claim_json(claim) for claim in claims[::-1]],
        basis=BASIS,
    )


def _work(view: View, name: str, question: Question) -> list[WorkRow]:
    """What was done for an issue; an issue that is looked at is looked at again."""
    since, until = question.since, question.until
    return view.memory.once(
        ("work", name, since, until),
        lambda: work(view.connection, [name], since, until),
    )


def costs_by_issue(view: View, params: Params) -> Row:
    """The shape that dashboards read: issues with their costs, and what none owns."""
    question = read_question(view, params)
    rows = owners(view.connection, question)
    return by_issue_file(
        question.zone.key,
        [
            {
                **issue_costs(row.owner, row.sums, row.last_at),
                "models": row.models,
                "roles": row.roles,
            }
            for row in rows
            if not row.owner.startswith("none:")
        ],
        [
            bucket_costs(row.owner, row.sums, row.last_at)
            for row in rows
            if row.owner.startswith("none:")
        ],
    )


def _sum(rows: Iterable[WorkRow]) -> Sums:
    """The sum of rows, with their sessions counted."""
    found = list(rows)
    count = len({row.session_id for row in found})
    return together(row.sums for row in found)._replace(sessions=count)


def _grouped(
    rows: Iterable[WorkRow], key: Callable[[WorkRow], str]
) -> list[list[WorkRow]]:
    """Rows with the same key together, the dearest first."""
    groups: defaultdict[str, list[WorkRow]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return sorted(groups.values(), key=lambda found: (-_cost(found), key(found[0])))


def _cost(rows: Iterable[WorkRow]) -> int:
    return sum(row.sums.cost for row in rows)


def _names(rows: Iterable[WorkRow], key: Callable[[WorkRow], str]) -> list[str]:
    """The names that rows have, by cost, without the empty one."""
    return [name for found in _grouped(rows, key) if (name := key(found[0]))]


def _part(rows: Sequence[WorkRow], whole: Sums) -> Row:
    sums = _sum(rows)
    return {
        "cost_usd": cost_usd(sums),
        "share": sums.cost / whole.cost if whole.cost else None,
        "tokens": tokens(sums),
        "responses": sums.responses,
        "unpriced_responses": sums.unpriced,
        "lower_bound": bool(sums.unfinalised or sums.unpriced),
    }


def _parts(
    rows: Sequence[WorkRow], name: str, key: Callable[[WorkRow], str], whole: Sums
) -> list[Row]:
    return [
        {name: key(found[0]) or None, **_part(found, whole)}
        for found in _grouped(rows, key)
    ]


def _session(rows: Sequence[WorkRow], whole: Sums, live: Iterable[LiveSession]) -> Row:
    roles = _names(rows, lambda row: row.role)
    first = rows[0]
    return {
        "session_id": first.session_id,
        "agent": first.source,
        "project": first.project,
        "role": roles[0] if roles else None,
        "roles": roles,
        "models": _names(rows, lambda row: row.model),
        "started_at": instant(min(row.first_at for row in rows)),
        "last_at": instant(max(row.last_at for row in rows)),
        **_part(rows, whole),
        "subagents": len({row.agent_id for row in rows if row.agent_id}),
        "live": any(s.place.session_id == first.session_id for s in live),
    }


def _subagents(rows: Iterable[WorkRow]) -> list[list[WorkRow]]:
    inside = [row for row in rows if row.agent_id]
    return _grouped(inside, lambda row: f"{row.session_id} {row.agent_id}")


def _subagent(rows: Sequence[WorkRow], whole: Sums) -> Row:
    first = rows[0]
    roles = _names(rows, lambda row: row.role)
    return {
        "session_id": first.session_id,
        "agent_id": first.agent_id,
        "agent_type": first.agent_type or None,
        "role": roles[0] if roles else None,
        "models": _names(rows, lambda row: row.model),
        **_part(rows, whole),
    }


def _days(view: View, name: str, question: Question, whole: Sums) -> list[Row]:
    """By day of the zone, the earliest first."""
    since, until = question.since, question.until
    parts = view.memory.once(
        ("quarters", name, since, until),
        lambda: quarters(view.connection, name, since, until),
    )
    days: dict[str, list[Sums]] = {}
    for at, sums in parts:
        days.setdefault(day_of(at, question.zone).isoformat(), []).append(sums)
    found = {day: together(sums) for day, sums in days.items()}
    return [
        {
            "day": day,
            "cost_usd": cost_usd(sums),
            "share": sums.cost / whole.cost if whole.cost else None,
            "tokens": tokens(sums),
            "responses": sums.responses,
            "unpriced_responses": sums.unpriced,
            "lower_bound": bool(sums.unfinalised or sums.unpriced),
        }
        for day, sums in found.items()
    ]


def _pull_requests(links: Sequence[PullLink]) -> list[Row]:
    """Each pull request once, with the earliest time that a session named it."""
    found: dict[str, list[PullLink]] = {}
    for link in links:
        found.setdefault(link.url, []).append(link)
    return [
        {
            "url": url,
            "number": same[0].number or None,
            "repository": same[0].repository or None,
            "linked_at": instant(same[0].first_at),
            "last_at": instant(max(link.last_at for link in same)),
            "sessions": sorted({link.session_id for link in same}),
        }
        for url, same in found.items()
    ]


def _live(session: LiveSession) -> Row:
    return {
        "session_id": session.place.session_id,
        "role": session.place.role or None,
        "model": session.model,
        "branch": session.place.branch,
        "last_at": instant(session.last_at),
        "usd_per_hour": to_usd(session.cost_per_hour),
        "estimated_cost_usd": to_usd(session.estimated_cost),
    }
