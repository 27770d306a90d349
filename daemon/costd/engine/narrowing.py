"""What was done for issues, narrowed by the filters of a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costd.engine.live import LiveSession
from costd.engine.view import View
from costd.ledger.board import branches
from costd.ledger.issues import WorkRow
from costd.ledger.reports import require_known

Filters = Mapping[str, Sequence[str]]


def narrowed(view: View, rows: Sequence[WorkRow], filters: Filters) -> list[WorkRow]:
    """The rows that every filter leaves.

    Raises:
        UsageError: a filter by what costs cannot be cut by.
    """
    require_known(list(filters))
    named: dict[int, str] = {}
    if "branch" in filters:
        named = branches(view.connection, {row.piece[0] for row in rows})
    return [
        row
        for row in rows
        if _holds(
            {
                "issue": row.owner,
                "session": row.session_id,
                "agent": row.source,
                "project": row.project,
                "branch": named.get(row.piece[0], ""),
                "role": row.role,
                "model": row.model,
            },
            filters,
        )
    ]


def still_running(found: Sequence[LiveSession], filters: Filters) -> list[LiveSession]:
    """The running sessions that every filter leaves."""
    return [
        session
        for session in found
        if _holds(
            {
                "issue": session.place.issue,
                "session": session.place.session_id,
                "agent": session.place.source,
                "project": session.place.project,
                "branch": session.place.branch,
                "role": session.place.role,
                "model": session.model,
            },
            filters,
        )
    ]


def _holds(values: Mapping[str, str], filters: Filters) -> bool:
    # What costs of single issues are never cut by lets nothing through.
    return all(values.get(name) in wanted for name, wanted in filters.items())
