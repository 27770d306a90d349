"""From the parameters of a question to a claim: what is refused, and what it means."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costd.core.attribution import (
    CONFIDENCE,
    ROLES,
    SELECTORS,
    require_issue,
    role_of,
    selector_problem,
)
from costd.core.errors import NotFoundError, UsageError
from costd.core.periods import parse_when
from costd.core.summary import Sums, cost_usd, instant
from costd.engine.view import Params, View, text, zone_of
from costd.ingest.processes import session_of_process
from costd.ledger import sessions
from costd.ledger.claims import KeptClaim, NewClaim
from costd.ledger.moves import Move, Moves

LONGEST_KEY = 200
_LONGEST_WORD = 64
_LONGEST_NOTE = 500
_FULL_ID = 36
"""Characters of a UUID; what is shorter may be the beginning of one."""


class Selected(NamedTuple):
    """What a claim speaks of."""

    selector: str
    value: str
    within: str


def selected(view: View, params: Params) -> Selected:
    """The selector that the parameters name.

    Either ``selector`` and ``value``, or one of the selectors by its name; ``cwd``
    beside another one narrows it. A process is the session that it runs, if that is
    known already.

    Raises:
        UsageError: none, several that exclude each other, or one that selects nothing.
    """
    given = {name: value for name in SELECTORS if (value := _value(params, name))}
    named = text(params, "selector")
    if named:
        given[named] = _value(params, "value")
    within = text(params, "within") or ""
    if len(given) > 1 and "cwd" in given and not within:
        within = given.pop("cwd")
    if len(given) != 1:
        raise UsageError(
            "A claim selects by one thing.",
            f"Give one of {', '.join(SELECTORS)}; a cwd may narrow another one.",
        )
    ((selector, value),) = given.items()
    for kind, pattern in ((selector, value), ("cwd", within)):
        problem = selector_problem(kind, pattern) if pattern or kind != "cwd" else ""
        if problem:
            shown = (
                f"{kind} {pattern[:40]!a}" if kind in SELECTORS else f"{kind[:40]!a}"
            )
            raise UsageError(f"{shown} {problem}.", "See costd link --help.")
    if selector == "pid":
        found = session_of_process(view.intake.registries, int(value))
        if found:
            return Selected("session", found, within)
    if selector == "session":
        value = _whole_id(view, value)
    return Selected(selector, value, within)


def new_claim(view: View, params: Params) -> NewClaim:
    """The claim that the parameters make.

    Raises:
        UsageError: something in them cannot be used; it says what.
    """
    what = selected(view, params)
    issue = require_issue(_required(params, "issue"))
    rule = text(params, "rule") or "claim"
    if rule not in CONFIDENCE:
        raise UsageError(
            f"rule {rule[:40]!a} makes no claim.", f"Use {', '.join(CONFIDENCE)}."
        )
    since, until = _times(view, params)
    made_at = _made_at(view, params)
    if what.selector == "pid" and since is None:
        since = made_at  # the number was another process's before, and will be again
    key = text(params, "key") or f"said:{secrets.token_hex(12)}"
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise UsageError(
            f"key is longer than {LONGEST_KEY} printable characters.", "Shorten it."
        )
    return NewClaim(
        key=key,
        subject="",
        selector=what.selector,
        value=what.value,
        within=what.within,
        issue=issue,
        role=_role(params),
        from_at=since,
        until_at=until,
        made_at=made_at,
        rule=rule,
        confidence=CONFIDENCE[rule],
        source=_source(params, key),
        who=_word(params, "who", _LONGEST_NOTE),
        note=_word(params, "note", _LONGEST_NOTE),
    )


def claim_json(claim: KeptClaim) -> dict[str, Any]:
    """A claim as answers have it."""
    return {
        "id": claim.id,
        "key": claim.key,
        "selector": claim.selector,
        "value": claim.value,
        "within": claim.within or None,
        "issue": claim.issue,
        "role": claim.role or None,
        "from": instant(claim.from_at),
        "until": instant(claim.until_at),
        "made_at": instant(claim.made_at),
        "made_by": f"{claim.source} {claim.who}".strip(),
        "revoked_at": instant(claim.revoked_at),
        "revoked_by": claim.revoked_by or None,
        "rule": claim.rule,
        "confidence": claim.confidence / 100,
        "source": claim.source,
        "who": claim.who or None,
        "note": claim.note or None,
    }


def moved_json(moves: Moves) -> dict[str, Any]:
    """What moves: in all, by old owner, and from whom to whom."""
    found = moves.found()
    owners = dict.fromkeys(move.before for move in found)
    return {
        **_moved(found),
        "from": [
            {"owner": owner, **_moved([m for m in found if m.before == owner])}
            for owner in owners
        ],
        "rows": [
            {"from": move.before, "to": move.after, **_moved([move])} for move in found
        ],
    }


def _moved(moves: Sequence[Move]) -> dict[str, Any]:
    """Sums over moves; the cost is null where nothing of it has a price."""
    sums = Sums(
        responses=sum(move.responses for move in moves),
        cost=sum(move.cost for move in moves),
        unpriced=sum(move.unpriced for move in moves),
    )
    return {
        "responses": sums.responses,
        "cost_usd": cost_usd(sums),
        "unpriced_responses": sums.unpriced,
    }


def _value(params: Params, name: str) -> str:
    """A selector's value; a process may be given as a number."""
    value = params.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(params, name) or ""


def _required(params: Params, name: str) -> str:
    value = text(params, name)
    if value is None:
        raise UsageError(f"{name} is missing.", f"Give the {name}.")
    return value


def _whole_id(view: View, value: str) -> str:
    """The id of the session that ``value`` begins; itself if there is none yet.

    Raises:
        UsageError: several sessions begin like this.
    """
    if len(value) >= _FULL_ID:
        return value
    try:
        return sessions.resolve(view.connection, value)
    except NotFoundError:
        return value


def _role(params: Params) -> str:
    word = text(params, "role") or ""
    role = role_of(word)
    if word and not role:
        raise UsageError(
            f"role {word[:40]!a} is none that costd knows.",
            f"Use one of {', '.join(sorted(ROLES))}.",
        )
    return role


def _times(view: View, params: Params) -> tuple[int | None, int | None]:
    tz = zone_of(params, view.zone)
    since, until = text(params, "from"), text(params, "until")
    begin = parse_when(since, view.now, tz) if since else None
    end = parse_when(until, view.now, tz, end=True) if until else None
    if begin is not None and end is not None and begin >= end:
        raise UsageError("The claim would end before it begins.", "Swap the times.")
    return begin, end


def _made_at(view: View, params: Mapping[str, object]) -> int:
    """When it was said: now, or earlier where it has waited in the spool."""
    at = params.get("at")
    if isinstance(at, int) and not isinstance(at, bool) and 0 < at < view.now:
        return at
    return view.now


def _source(params: Params, key: str) -> str:
    """Who passed the claim on: ``cli``, ``api``, ``exec``, ``hook``, …."""
    word = _word(params, "source", _LONGEST_WORD)
    if word:
        return word
    prefix, colon, _ = key.partition(":")
    return prefix if colon and prefix in ("exec", "hook") else "api"


def _word(params: Params, name: str, longest: int) -> str:
    word = text(params, name) or ""
    if len(word) > longest or not word.isprintable():
        raise UsageError(
            f"{name} is longer than {longest} printable characters.", "Shorten it."
        )
    return word
