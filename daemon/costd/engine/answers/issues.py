"""``issues``, ``issue`` and ``costs_by_issue``: what an issue has cost so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from costd.core.attribution import require_issue
from costd.core.errors import NotFoundError
from costd.core.money import to_usd
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
from costd.engine.history import key_of
from costd.engine.issue_files import (
    MODEL,
    ROLE,
    SESSION,
    Group,
    bucket_costs,
    by_issue_answer,
    grouped,
    issue_costs,
    issue_file,
    reason,
)
from costd.engine.live import LiveSession
from costd.engine.narrowing import narrowed, still_running
from costd.engine.view import Params, View, number, text
from costd.ledger import claims as kept
from costd.ledger.issues import (
    OwnerRow,
    PullLink,
    WorkRow,
    days,
    owners,
    pull_requests,
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
    question = read_question(view, params)
    claims = kept.select(view.connection, "issue = ? AND revoked_at IS NULL", (name,))
    filters = {**question.filters, "issue": [name]}
    running = still_running(live_sessions(view), filters)
    at_it = frozenset(s.place.session_id for s in running)
    done = view.memory.latest(  # what is looked at is looked at again
        "issue",
        (name, *key_of(question), at_it),
        lambda: _done(view, name, question, at_it),
    )
    if not done["by_session"] and not claims and not work(view.connection, [name]):
        raise NotFoundError(
            f"The ledger knows nothing of {name}.",
            "See `costd issues`; `costd link` says whose work is whose.",
        )
    return envelope(
        view.now,
        issue=name,
        timezone=question.zone.key,
        since=text(params, "since"),
        until=text(params, "until"),
        filters={key: list(values) for key, values in question.filters.items()},
        **done,
        live=[_live(session) for session in running],
        claims=[claim_json(claim) for claim in claims[::-1]],
        basis=BASIS,
    )


def _done(view: View, name: str, question: Question, at_it: Collection[str]) -> Row:
    """What was done for an issue, as the ledger stands."""
    rows = work(view.connection, [name], question.since, question.until)
    rows = narrowed(view, rows, question.filters) if question.filters else rows
    sessions = grouped(rows, SESSION)
    total = together([row.sums for row in rows])._replace(sessions=len(sessions))
    links = pull_requests(view.connection, {group.name for group in sessions})
    return {
        **issue_file(name, sessions, at_it),
        "total": amounts(total),
        "by_session": [_session(group, total, at_it) for group in sessions],
        "by_model": _parts(rows, "model", MODEL, total),
        "by_role": _parts(rows, "role", ROLE, total),
        "by_day": [
            {"day": day.keys[0], **_share(day.sums, total)}
            for day in days(view.connection, rows, question.zone)
        ],
        "subagents": [_subagent(found, total) for found in _subagents(rows)],
        "prs": _pull_requests(links),
    }


def costs_by_issue(view: View, params: Params) -> Row:
    """The shape that dashboards read: issues with their costs, and what none owns."""
    question = read_question(view, params)
    rows = owners(view.connection, question)
    return by_issue_answer(
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


def _names(rows: Sequence[WorkRow], key: Callable[[WorkRow], str]) -> list[str]:
    """The names that rows have, by cost, without the empty one."""
    names = {key(row) for row in rows} if len(rows) > 1 else {key(rows[0])}
    if len(names) == 1:
        return [name for name in names if name]
    costs: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        costs[key(row)] += row.sums.cost
    return sorted(names - {""}, key=lambda name: (-costs[name], name))


def _share(sums: Sums, whole: Sums) -> Row:
    cost, unpriced = sums.cost, sums.unpriced
    return {
        "cost_usd": cost_usd(sums),
        "share": cost / whole.cost if whole.cost else None,
        "tokens": tokens(sums),
        "responses": sums.responses,
        "unpriced_responses": unpriced,
        "lower_bound": bool(unpriced or sums.unfinalised),
    }


def _parts(
    rows: Sequence[WorkRow], name: str, key: Callable[[WorkRow], str], whole: Sums
) -> list[Row]:
    names = {key(row) for row in rows}
    if len(names) == 1:  # then it is the whole
        return [{name: names.pop() or None, **_share(whole, whole)}]
    return [
        {name: group.name or None, **_share(group.sums, whole)}
        for group in grouped(rows, key)
    ]


def _session(group: Group, whole: Sums, live: Collection[str]) -> Row:
    rows = group.rows
    first = rows[0]
    if len(rows) == 1:  # as most of the many have
        roles = [first.role] if first.role else []
        models = [first.model] if first.model else []
        subagents = 1 if first.agent_id else 0
    else:
        roles, models = _names(rows, ROLE), _names(rows, MODEL)
        subagents = len({row.agent_id for row in rows if row.agent_id})
    return {
        "session_id": first.session_id,
        "agent": first.source,
        "project": first.project,
        "role": roles[0] if roles else None,
        "roles": roles,
        "models": models,
        "started_at": group.started_at,
        "last_at": group.last_at,
        **_share(group.sums, whole),
        "subagents": subagents,
        "live": first.session_id in live,
    }


def _subagents(rows: Iterable[WorkRow]) -> list[Group]:
    inside = [row for row in rows if row.agent_id]
    return grouped(inside, lambda row: f"{row.session_id} {row.agent_id}")


def _subagent(group: Group, whole: Sums) -> Row:
    first = group.rows[0]
    roles = _names(group.rows, ROLE)
    return {
        "session_id": first.session_id,
        "agent_id": first.agent_id,
        "agent_type": first.agent_type or None,
        "role": roles[0] if roles else None,
        "models": _names(group.rows, MODEL),
        **_share(group.sums, whole),
    }


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
