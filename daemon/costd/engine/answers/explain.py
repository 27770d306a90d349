"""``explain``: why a response costs what it costs, and who owns a place."""

from __future__ import annotations

import os
from typing import Any

from costd.core.attribution import (
    Attribution,
    attribute_place,
    layered,
    owner_at,
    sentence,
)
from costd.core.dedup import group_of
from costd.core.errors import NotFoundError, UsageError
from costd.core.instants import format_instant
from costd.core.money import format_usd, to_usd
from costd.core.rates import UNPRICED
from costd.core.summary import cost_usd, envelope, instant
from costd.core.usage import Flag
from costd.engine.answers.prices import explained_price, is_not_billed
from costd.engine.scout import as_kept, look_now
from costd.engine.view import Params, View, text
from costd.ledger import sessions as stored
from costd.ledger.explain import Explained
from costd.ledger.explain import explain as look

_FLAGS = {
    "sidechain": Flag.SIDECHAIN,
    "forked": Flag.FORKED,
    "refused": Flag.REFUSED,
    "undated": Flag.UNDATED,
    "fallback": Flag.WHOLE,
    "fallback_credit": Flag.CREDITED,
}


def explain(view: View, params: Params) -> dict[str, Any]:
    """One of ``response``, ``session``, or a place by ``branch`` and ``cwd``."""
    response, session = text(params, "response"), text(params, "session")
    if response:
        return _response(view, response)
    if session:
        return _session(view, session)
    if "branch" not in params and "cwd" not in params:
        raise UsageError(
            "There is nothing to explain.",
            "Give --response ID, --session ID, or --branch NAME with or without --cwd.",
        )
    owner = _owner_of_place(view, params)
    return envelope(view.now, **owner.as_json(), sentence=sentence(owner))


def _owner_of_place(view: View, params: Params) -> Attribution:
    """Who would own a line that is written there now."""
    owners = view.ledger.owners
    cwd = text(params, "cwd") or ""
    if cwd and not owners.world.is_looked_at(cwd):
        view.ledger.look_around(*as_kept(look_now(cwd, view.now)))
    judged = owners.world.judge(
        cwd,
        text(params, "branch") or "",
        repo=text(params, "repo") or "",
    )
    own = attribute_place(judged.place, judged.keys, pulls=owners.world.pulls)
    said = owners.claims.about(judged.place, "")
    return owner_at(layered(own, said), view.now)


def _session(view: View, name: str) -> dict[str, Any]:
    session_id = stored.resolve(view.connection, name)
    owners = stored.owners_of(view.connection, session_id)
    if not owners:
        raise NotFoundError("That session has no responses yet.", "See `costd claims`.")
    first = owners[0]
    return envelope(
        view.now,
        session_id=session_id,
        **first.owner.as_json(),
        sentence=sentence(first.owner),
        owners=[
            {
                **each.owner.as_json(),
                "sentence": sentence(each.owner),
                "branch": each.branch,
                "cwd": each.cwd,
                "agent_id": each.agent_id or None,
                "from": instant(each.from_at),
                "until": instant(each.until_at),
                "responses": each.sums.responses,
                "cost_usd": cost_usd(each.sums),
                "lower_bound": bool(each.sums.unfinalised or each.sums.unpriced),
            }
            for each in owners
        ],
    )


def _response(view: View, name: str) -> dict[str, Any]:
    found = look(view.connection, name, group_of(name, ""))
    first = next((entry for entry in found if not entry.row.part), found[0])
    parts = [
        entry
        for entry in found
        if entry is not first and entry.row.request_id == first.row.request_id
    ]
    others = [
        entry.row.request_id
        for entry in found
        if not entry.row.part and entry.row.request_id != first.row.request_id
    ]
    answer = _one(view, first)
    answer["parts"] = [_one(view, part) for part in parts]
    answer["other_requests"] = others
    cost = [entry.row.cost for entry in (first, *parts)]
    whole = None if None in cost else to_usd(sum(c for c in cost if c is not None))
    answer["cost_with_parts_usd"] = whole
    return envelope(view.now, **answer)


def _one(view: View, entry: Explained) -> dict[str, Any]:
    row, service = entry.row, entry.service
    return {
        "response_id": row.response_id,
        "request_id": row.request_id or None,
        "part": row.part or None,
        "session_id": entry.context.session_id,
        "agent_id": entry.context.agent_id or None,
        "model": service.model,
        "speed": service.speed or None,
        "geo": service.geo or None,
        "at": format_instant(row.at),
        "cwd": entry.context.cwd,
        "branch": entry.context.branch,
        "tokens": {
            "input": row.input_tokens,
            "output": row.output_tokens,
            "cache_read": row.cache_read_tokens,
            "cache_creation_5m": row.cache_creation_5m_tokens,
            "cache_creation_1h": row.cache_creation_1h_tokens,
            "total": sum(row[12:17]),
        },
        "web_searches": row.web_searches,
        "cost_usd": None if row.cost is None else to_usd(row.cost),
        "price": _price(view, entry),
        "issue": entry.owner.issue,
        "owner": {**entry.owner.as_json(), "sentence": sentence(entry.owner)},
        "flags": _flags(row.flags),
        "file": _shown(entry.path),
        "file_vanished": entry.vanished_at is not None,
        "offset": row.offset,
        "copies": [
            {
                "file": _shown(copy.path),
                "offset": copy.offset,
                "request_id": copy.request_id or None,
            }
            for copy in entry.copies
        ],
        "sentence": _sentence(entry),
    }


def _price(view: View, entry: Explained) -> dict[str, Any]:
    """The price that was used, and its lines where the card still says the same."""
    row, service = entry.row, entry.service
    price = explained_price(view, row, service.model, service.speed, service.geo)
    billed = not is_not_billed(entry.price_name)
    holds = billed and price.charge.cost == row.cost
    return {
        "id": entry.price_name,
        "card_version": entry.card_version,
        "rates": price.rates if billed else {},
        "lines": [
            {
                "bucket": line.bucket,
                "tokens": line.tokens,
                "rate_usd_per_mtok": line.rate,
                "cost_usd": to_usd(line.cost),
            }
            for line in (price.lines if holds else ())
        ],
    }


def _shown(path: bytes) -> str:
    """A path as text that every encoder takes."""
    return os.fsdecode(path).encode("utf-8", "replace").decode()


def _flags(bits: int) -> list[str]:
    found = [name for name, bit in _FLAGS.items() if bits & bit]
    return found if bits & Flag.FINAL else ["unfinalised", *found]


def _sentence(entry: Explained) -> str:
    row = entry.row
    if row.cost is None:
        reason = UNPRICED.get(entry.price_name, entry.price_name)
        return f"Not priced: {reason}"
    if is_not_billed(entry.price_name):
        return "Reported but not billed: it was refused before any output."
    bound = "" if row.flags & Flag.FINAL else " at least: its log has no final count"
    return (
        f"{format_usd(row.cost)}{bound}, by the rates {entry.price_name}; "
        f"owned by {entry.owner.issue}."
    )
