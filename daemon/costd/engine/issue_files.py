"""What is published of one issue: ``issues/<ID>.json``, and its sessions in the map.

Names and shapes are those that dashboards read; costd adds fields and renames none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from costd.core.attribution import session_type
from costd.core.money import to_usd
from costd.core.summary import Sums, cost_usd, instant, together
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
