"""``outbox`` and ``posted``: what the courier asks; nobody else can."""

from __future__ import annotations

from typing import Any

from costd.engine.alerts import courier_answer
from costd.engine.view import Params, View, number, text
from costd.ledger import outbox as stored

_AT_ONCE = 20


def outbox(view: View, params: Params) -> dict[str, Any]:  # noqa: ARG001 - the signature of every answer
    """What may be sent now, and when there is more."""
    found = view.alarm.alerts.due(view.now)
    found += stored.due(view.connection, view.now, _AT_ONCE)
    return courier_answer(found, _waiting(view), view.now)


def posted(view: View, params: Params) -> dict[str, Any]:
    """What came of one of them."""
    identity, problem = number(params, "id", 0), text(params, "problem") or ""
    is_over = params.get("is_over") is True
    if not identity:  # it was not in the ledger
        key = text(params, "key") or ""
        if view.alarm.alerts.posted(key, view.now, problem, is_over=is_over):
            return courier_answer([], _waiting(view), view.now)
        identity = stored.number_of(view.connection, key)  # and is by now
    with view.ledger.database.transaction() as connection:
        if is_over:
            stored.done(connection, identity, view.now, problem)
        else:
            stored.failed(connection, identity, view.now, problem)
    return courier_answer([], _waiting(view), view.now)


def _waiting(view: View) -> stored.Waiting:
    """What waits in the ledger and beside it."""
    kept, held = stored.waiting(view.connection), view.alarm.alerts.waiting()
    times = [at for at in (kept.next_at, held.next_at) if at is not None]
    return stored.Waiting(
        kept.messages + held.messages,
        min(times, default=None),
        held.problem or kept.problem,
    )
