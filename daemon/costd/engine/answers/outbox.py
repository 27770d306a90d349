"""``outbox`` and ``posted``: what the courier asks; nobody else can."""

from __future__ import annotations

from typing import Any

from costd.engine.view import Params, View, number, text
from costd.ledger import outbox as stored

_AT_ONCE = 20


def outbox(view: View, params: Params) -> dict[str, Any]:  # noqa: ARG001 - the signature of every answer
    """What may be sent now, and when there is more."""
    found = stored.due(view.connection, view.now, _AT_ONCE)
    return {
        "due": [
            {
                "id": message.id,
                "key": message.key,
                "event": message.event,
                "subject": message.subject,
                "body": message.body.decode(),
                "tries": message.tries,
            }
            for message in found
        ],
        **_waiting(view),
    }


def posted(view: View, params: Params) -> dict[str, Any]:
    """What came of one of them."""
    identity, problem = number(params, "id", 0), text(params, "problem") or ""
    with view.ledger.database.transaction() as connection:
        if params.get("is_over") is True:
            stored.done(connection, identity, view.now, problem)
        else:
            stored.failed(connection, identity, view.now, problem)
    return {"due": [], **_waiting(view)}


def _waiting(view: View) -> dict[str, Any]:
    rest = stored.waiting(view.connection)
    wait = None if rest.next_at is None else max(rest.next_at - view.now, 0)
    return {"wait_ms": wait, "waiting": rest.messages, "problem": rest.problem}
