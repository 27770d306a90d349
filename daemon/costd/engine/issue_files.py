"""What is published of one issue: ``issues/<ID>.json``, and its sessions in the map.

Names and shapes are those that dashboards read; costd adds fields and renames none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from costd.core.attribution import BUCKETS, session_type
from costd.core.money import to_usd
from costd.core.summary import BASIS, Sums, cost_usd, instant, together
from costd.ledger.issues import WorkRow

Json = dict[str, Any]


def issue_file(
    issue: str, rows: Sequence[WorkRow], live: Collection[str]
) -> dict[str, Any]:
    """The content of an issue's file.

    Args:
        issue: its id.
        rows: what was done for it.
        live: the ids of sessions that are at it now: they have no end yet.
    """
    total = together(row.sums for row in rows)
    models: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        models[row.model] += row.sums.cost
    by_cost = sorted(models.items(), key=lambda item: (-item[1], item[0]))
    return {
        "issueId": issue,
        "totalCost": cost_usd(total),
        "totalTokens": total.total_tokens,
        "lowerBound": bool(total.unfinalised or total.unpriced),
        "unpricedTokens": total.unpriced_tokens,
        "sessions": session_entries(rows, live),
        "byModel": {model: to_usd(cost) for model, cost in by_cost},
    }


def by_issue_file(
    timezone: str, issues: Sequence[Json], buckets: Sequence[Json]
) -> Json:
    """``costs-by-issue.json``: what ``issue_costs`` and ``bucket_costs`` have made."""
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


def session_entries(rows: Iterable[WorkRow], live: Collection[str]) -> list[Json]:
    """The sessions of an issue as ``session-map.json`` has them, in their order."""
    sessions: dict[str, list[WorkRow]] = {}
    for row in rows:
        sessions.setdefault(row.session_id, []).append(row)
    entries = [_entry(name, found, live) for name, found in sessions.items()]
    return sorted(entries, key=lambda entry: (entry["startedAt"] or "", entry["id"]))


def _entry(session_id: str, rows: Sequence[WorkRow], live: Collection[str]) -> Json:
    sums = together(row.sums for row in rows)
    role = _dearest((row.role, row.sums) for row in rows)
    is_live = session_id in live
    return {
        "id": session_id,
        "startedAt": instant(min(row.first_at for row in rows)),
        "endedAt": None if is_live else instant(max(row.last_at for row in rows)),
        "type": session_type(role),
        "model": _dearest((row.model, row.sums) for row in rows),
        "runtime": rows[0].source,
        "cost": cost_usd(sums),
        "tokenCount": sums.total_tokens,
        "role": role or None,
        "source": "costd",
    }


def _dearest(named: Iterable[tuple[str, Sums]]) -> str:
    """The name with the highest cost; one that says something before none."""
    costs: defaultdict[str, int] = defaultdict(int)
    for name, sums in named:
        costs[name] += sums.cost
    return max(costs, key=lambda name: (name != "", costs[name], name))
