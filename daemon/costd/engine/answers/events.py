"""Events: taken in, and asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costd.core.errors import UsageError
from costd.core.event_fields import EventError
from costd.core.events import ACTIVITY, BUCKETS, type_of
from costd.core.instants import format_instant
from costd.core.money import to_usd
from costd.core.periods import parse_when
from costd.core.summary import envelope
from costd.engine.view import Params, View, number, text, words, zone_of
from costd.ledger.event_queries import Filter, KeptEvent, count, select

_LIMIT = 100
_INSTANTS = ("started_at", "ended_at")


def events(view: View, params: Params) -> dict[str, Any]:
    """Take events in: ``events`` is one or an array of them.

    Raises:
        UsageError: it is neither.
    """
    return _take(view, params, _given(params.get("events")))


def activity(view: View, params: Params) -> dict[str, Any]:
    """Take activities in, whose own ``type`` says what kind of activity it was."""
    return _take(view, params, [_as_activity(v) for v in _given(params.get("events"))])


def _given(value: object) -> list[object]:
    if isinstance(value, Mapping):
        inner = value.get("events")  # as other APIs have it
        return inner if isinstance(inner, list) and "type" not in value else [value]
    if not isinstance(value, list):
        raise UsageError(
            "events come as one JSON object or an array of them.",
            'Send {"type": "task_start", "task_id": "MIN-123"}.',
        )
    return value


def _as_activity(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    kind = value.get("activity_type") or value.get("type")
    if kind == ACTIVITY:
        kind = value.get("activity_type")
    return {**value, "type": ACTIVITY, "activity_type": kind}


def _take(view: View, params: Params, said: list[object]) -> dict[str, Any]:
    at = params.get("at")
    is_spooled = isinstance(at, int) and not isinstance(at, bool) and at >= 0
    now = at if is_spooled and isinstance(at, int) else view.now
    origin = "spool" if is_spooled else "api"
    return envelope(view.now, **view.telling.take(said, now=now, origin=origin))


def event_query(view: View, params: Params) -> dict[str, Any]:
    """The last events that a filter lets through, by logical time and node.

    Raises:
        UsageError: a filter that makes no sense.
    """
    asked = read_filter(view, params)
    view.telling.catch_up(view.now)
    limit = number(params, "limit", _LIMIT)
    rows = select(view.connection, asked, limit or None)
    return envelope(
        view.now,
        count=count(view.connection, asked)
        if limit and len(rows) == limit
        else len(rows),
        rows=[event_json(row) for row in rows],
    )


def read_filter(view: View, params: Params) -> Filter:
    """The filter that the parameters ask for.

    Raises:
        UsageError: a type, a time or a zone that there is none of.
    """
    tz = zone_of(params, view.zone)
    since, until = text(params, "since"), text(params, "until")
    success = params.get("success")
    if success is not None and not isinstance(success, bool):
        raise UsageError("success must be true or false.", "Give success=true.")
    return Filter(
        types=[_type(name) for name in words(params, "type")],
        tasks=words(params, "task"),
        agents=words(params, "agent"),
        models=words(params, "model"),
        sessions=words(params, "session"),
        runs=words(params, "run"),
        since=parse_when(since, view.now, tz) if since else None,
        until=parse_when(until, view.now, tz, end=True) if until else None,
        success=success,
    )


def _type(name: str) -> str:
    try:
        return type_of(name)
    except EventError as error:
        raise UsageError(f"{error}.", "See: costd event --help") from None


def event_json(kept: KeptEvent) -> dict[str, Any]:
    """An event as it is shown: the fields that it has."""
    event = kept.event
    shown: dict[str, Any] = {
        "event_id": event.event_id,
        "type": event.type,
        "timestamp": format_instant(event.at),
        "node_id": event.node_id,
        "lamport": event.lamport,
    }
    for name in (*_TEXTS, "success", "duration_ms", *BUCKETS, "total_tokens"):
        value = getattr(event, name)
        if value not in (None, ""):
            shown[name] = value
    for name, value in event.details.items():
        shown[name] = format_instant(value) if name in _INSTANTS else value
    if kept.cost_source:
        cost = kept.event.cost
        shown["cost_usd"] = None if cost is None else to_usd(cost)
        shown["cost_source"] = kept.cost_source
        if kept.price:
            shown["price" if cost is not None else "unpriced_reason"] = kept.price
    shown["origin"] = kept.origin
    return shown


_TEXTS = (
    "task_id",
    "issue",
    "session_id",
    "run_id",
    "agent",
    "role",
    "model",
    "feature",
    "status",
)
