"""``responses``: the single responses of a session, and when it spent what."""

from __future__ import annotations

from typing import Any

from costd.core.attribution import require_issue
from costd.core.errors import UsageError
from costd.core.instants import MINUTE, format_instant
from costd.core.money import to_usd
from costd.core.periods import parse_when
from costd.core.summary import BASIS, envelope, instant
from costd.core.usage import Flag
from costd.engine.view import Params, View, number, text, zone_of
from costd.ledger import responses as kept
from costd.ledger import sessions as stored
from costd.ledger.responses import ORDERS, Extent, ResponseRow, Wanted

_LIMIT = 100
_MOST = 10_000
_SLOTS = 60


def responses(view: View, params: Params) -> dict[str, Any]:
    """The responses of a session (all of it, or what an issue or a model has of it).

    Raises:
        UsageError: no session is named, or ``order`` is none.
        NotFoundError: there is no such session.
    """
    wanted = _wanted(view, params)
    order = text(params, "order") or ORDERS[0]
    if order not in ORDERS:
        raise UsageError(
            f"order {order[:40]!r} is none.", f"Use {' or '.join(ORDERS)}."
        )
    limit = min(number(params, "limit", _LIMIT) or _MOST, _MOST)
    offset = number(params, "offset", 0)
    whole = kept.extent(view.connection, wanted)
    return envelope(
        view.now,
        session_id=wanted.session_id,
        timezone=zone_of(params, view.zone).key,
        rows=[
            _row(row)
            for row in kept.responses(view.connection, wanted, order, limit, offset)
        ],
        count=whole.found,
        cost_usd=_usd(whole.cost, whole.unpriced),
        timeline=_timeline(view, wanted, whole),
        basis=BASIS,
    )


def _wanted(view: View, params: Params) -> Wanted:
    session_id = stored.resolve(view.connection, text(params, "session") or "")
    tz = zone_of(params, view.zone)
    since, until = text(params, "since"), text(params, "until")
    issue = text(params, "issue")
    return Wanted(
        session_id,
        require_issue(issue) if issue else "",
        text(params, "model") or "",
        parse_when(since, view.now, tz) if since else None,
        parse_when(until, view.now, tz, end=True) if until else None,
    )


def _usd(cost: int, unpriced: int) -> float | None:
    """USD; None where nothing has a price."""
    return None if unpriced and not cost else to_usd(cost)


def _row(row: ResponseRow) -> dict[str, Any]:
    return {
        "response_id": row.response_id,
        "request_id": row.request_id or None,
        "part": row.part or None,
        "at": format_instant(row.at),
        "agent_id": row.agent_id or None,
        "branch": row.branch,
        "model": row.model,
        "price": row.price_name,
        "issue": row.issue,
        "role": row.role or None,
        "tokens": {
            "input": row.input_tokens,
            "output": row.output_tokens,
            "cache_read": row.cache_read_tokens,
            "cache_creation_5m": row.cache_creation_5m_tokens,
            "cache_creation_1h": row.cache_creation_1h_tokens,
            "total": sum(row[11:16]),
        },
        "cost_usd": None if row.cost is None else to_usd(row.cost),
        "lower_bound": row.cost is None or not row.flags & Flag.FINAL,
    }


def _timeline(view: View, wanted: Wanted, whole: Extent) -> list[dict[str, Any]]:
    """At most sixty parts of the time, those in which something was spent."""
    if not whole.found:
        return []
    width = max(MINUTE, -(-(whole.last_at - whole.first_at + 1) // _SLOTS))
    return [
        {
            "from": instant(whole.first_at + slot.number * width),
            "until": instant(whole.first_at + (slot.number + 1) * width),
            "responses": slot.responses,
            "cost_usd": _usd(slot.cost, slot.unpriced),
            "unpriced_responses": slot.unpriced,
        }
        for slot in kept.slots(view.connection, wanted, whole.first_at, width)
    ]
