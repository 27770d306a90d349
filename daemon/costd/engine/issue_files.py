"""What is published of one issue: ``issues/<ID>.json``, and its sessions in the map.

Names and shapes are those that dashboards read; costd adds fields and renames none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from costd.core.attribution import BUCKETS, session_type
from costd.core.money import to_usd
from costd.core.summary import BASIS, Sums, cost_usd, instant, together
from costd.ledger.issues import WorkRow
from costd.publish.encode import Ready, keyed, listed, part

Json = dict[str, Any]


def issue_file(
    issue: str, sessions: Sequence[Group], live: Collection[str]
) -> dict[str, Any]:
    """The content of an issue's file.

    Args:
        issue: its id.
        sessions: what was done for it, by session.
        live: the ids of sessions that are at it now: they have no end yet.
    """
    total = together([session.sums for session in sessions])
    models: defaultdict[str, int] = defaultdict(int)
    for session in sessions:
        for row in session.rows:
            models[row.model] += row.sums.cost
    by_cost = sorted(models.items(), key=lambda item: (-item[1], item[0]))
    return {
        "issueId": issue,
        "totalCost": cost_usd(total),
        "totalTokens": total.total_tokens,
        "lowerBound": bool(total.unfinalised or total.unpriced),
        "unpricedTokens": total.unpriced_tokens,
        "sessions": session_entries(sessions, live),
        "byModel": {model: to_usd(cost) for model, cost in by_cost},
    }


class Entry(NamedTuple):
    """An entry of ``costs-by-issue.json`` as it stands there, and what sums need."""

    cost: int
    tokens: int
    json: bytes


def as_entry(entry: Json) -> bytes:
    """What ``issue_costs`` or ``bucket_costs`` has made, as the file has it."""
    return part(entry, 2)


def by_issue_file(
    timezone: str, issues: Sequence[Entry], buckets: Sequence[Entry]
) -> Ready:
    """``costs-by-issue.json``."""
    every = (*issues, *buckets)
    fields = {
        "schemaVersion": 1,
        "timezone": timezone,
        "basis": BASIS,
        "issues": listed((entry.json for entry in issues), 1),
        "buckets": listed((entry.json for entry in buckets), 1),
        "totalCost": to_usd(sum(entry.cost for entry in every)),
        "totalTokens": sum(entry.tokens for entry in every),
    }
    return Ready(
        keyed(
            (
                (name, value if isinstance(value, bytes) else part(value, 1))
                for name, value in fields.items()
            ),
            0,
            b"\n",
        )
    )


def by_issue_answer(
    timezone: str, issues: Sequence[Json], buckets: Sequence[Json]
) -> Json:
    """The same as an answer: what ``issue_costs`` and ``bucket_costs`` have made."""
    every = (*issues, *buckets)
    return {
        "schemaVersion": 1,
        "timezone": timezone,
        "basis": BASIS,
        "issues": list(issues),
        "buckets": list(buckets),
        "totalCost": round(sum(entry["totalCost"] or 0 for entry in every), 9),
        "totalTokens": sum(entry["totalTokens"] for entry in every),
    }


def issue_costs(owner: str, sums: Sums, last_at: int) -> Json:
    """An entry of ``costs-by-issue.json``."""
    return {
        "issueId": owner,
        "totalCost": cost_usd(sums),
        "totalTokens": sums.total_tokens,
        "tokenCount": sums.total_tokens,
        "sessionCount": sums.sessions,
        "lowerBound": bool(sums.unfinalised or sums.unpriced),
        "unpricedTokens": sums.unpriced_tokens,
        "lastActivityAt": instant(last_at),
    }


def bucket_costs(bucket: str, sums: Sums, last_at: int) -> Json:
    """The entry of a bucket, with the reason why it holds what it holds."""
    return {**issue_costs(bucket, sums, last_at), "reason": reason(bucket)}


def reason(bucket: str) -> str:
    """Why a bucket holds what it holds."""
    return BUCKETS.get(bucket, "somebody said so: a bucket of your own")


class Group(NamedTuple):
    """What was done in one session, or by one agent, or in one role."""

    name: str
    rows: Sequence[WorkRow]
    sums: Sums
    started_at: str | None
    last_at: str | None


def grouped(rows: Iterable[WorkRow], key: Callable[[WorkRow], str]) -> list[Group]:
    """Rows with the same key together, the dearest first."""
    groups: defaultdict[str, list[WorkRow]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    found = [_group(name, same) for name, same in groups.items()]
    return sorted(found, key=lambda group: (-group.sums.cost, group.name))


def _group(name: str, rows: Sequence[WorkRow]) -> Group:
    first = rows[0]
    if len(rows) == 1:
        first_at, last_at = first.first_at, first.last_at
        return Group(name, rows, first.sums, instant(first_at), instant(last_at))
    return Group(
        name,
        rows,
        together([row.sums for row in rows]),
        instant(min([row.first_at for row in rows])),
        instant(max([row.last_at for row in rows])),
    )


SESSION: Callable[[WorkRow], str] = attrgetter("session_id")
ROLE: Callable[[WorkRow], str] = attrgetter("role")
MODEL: Callable[[WorkRow], str] = attrgetter("model")


def session_entries(sessions: Iterable[Group], live: Collection[str]) -> list[Json]:
    """The sessions of an issue as ``session-map.json`` has them, in their order."""
    entries = [_entry(session, live) for session in sessions]
    return sorted(entries, key=lambda entry: (entry["startedAt"] or "", entry["id"]))


def _entry(session: Group, live: Collection[str]) -> Json:
    name, rows, sums, started_at, last_at = session
    role = _dearest(rows, ROLE)
    return {
        "id": name,
        "startedAt": started_at,
        "endedAt": None if name in live else last_at,
        "type": session_type(role),
        "model": _dearest(rows, MODEL),
        "runtime": rows[0].source,
        "cost": cost_usd(sums),
        "tokenCount": sums.total_tokens,
        "role": role or None,
        "source": "costd",
    }


def _dearest(rows: Sequence[WorkRow], name: Callable[[WorkRow], str]) -> str:
    """The name with the highest cost; one that says something before none."""
    if len(rows) == 1:
        return name(rows[0])
    names = {name(row) for row in rows}
    if len(names) == 1:
        return names.pop()
    costs: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        costs[name(row)] += row.sums.cost
    return max(costs, key=lambda found: (found != "", costs[found], found))
