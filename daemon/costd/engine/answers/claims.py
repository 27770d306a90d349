"""``link``, ``unlink`` and ``claims``: who said what, and what it moves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from costd.core.attribution import SELECTORS, require_issue
from costd.core.errors import NotFoundError, UsageError
from costd.core.periods import parse_when
from costd.core.summary import envelope
from costd.engine.claimed import claim_json, moved_json, new_claim, selected
from costd.engine.jobs import Job
from costd.engine.view import Params, View, number, text, zone_of
from costd.ledger import claiming
from costd.ledger import claims as kept
from costd.ledger.claims import KeptClaim
from costd.ledger.moves import Moves

_LIMIT = 100

Answer = dict[str, Any]


def link(view: View, params: Params) -> Answer | Job:
    """Make a claim; with ``dry_run`` only say what would move.

    What it moves has moved when the answer comes.

    Raises:
        UsageError: an issue, role, selector or time that cannot be used.
    """
    new = new_claim(view, params)
    moves = Moves()
    if params.get("dry_run") is True:
        supposed = claiming.suppose_made(view.connection, view.ledger.owners, [new])
        claim = {**claim_json(supposed.made[0]), "id": None}
        return _answer(
            view,
            view.ledger.suppose(supposed, moves),
            lambda: {"dry_run": True, "claim": claim, "moved": moved_json(moves)},
            is_short=len(supposed.sessions) <= _SHORT,
        )
    change = view.ledger.claim([new], moves)
    (made,) = change.made

    def found() -> Answer:
        return {
            "dry_run": False,
            "claim": claim_json(made.claim),
            "duplicate": not made.is_new,
            "moved": moved_json(moves),
        }

    return _laid(view, change.sessions, moves, found)


def unlink(view: View, params: Params) -> Answer | Job:
    """Take back a claim by its ``id``, or those that select the same.

    Raises:
        UsageError: nothing is named.
        NotFoundError: there is no such claim that holds.
    """
    claims = _named(view, params)
    ids = [claim.id for claim in claims]
    moves = Moves()
    if params.get("dry_run") is True:
        supposed = claiming.suppose_taken_back(view.connection, view.ledger.owners, ids)
        shown = [claim_json(claim) for claim in claims]
        return _answer(
            view,
            view.ledger.suppose(supposed, moves),
            lambda: {"dry_run": True, "claims": shown, "moved": moved_json(moves)},
            is_short=len(supposed.sessions) <= _SHORT,
        )
    by = text(params, "who") or text(params, "source") or "unlink"
    change = view.ledger.unclaim(ids, view.now, by[:200], moves)

    def found() -> Answer:
        gone = kept.select(view.connection, f"id IN ({', '.join(map(str, ids))})")
        return {
            "dry_run": False,
            "claims": [claim_json(claim) for claim in gone],
            "moved": moved_json(moves),
        }

    return _laid(view, change.sessions, moves, found)


def claims(view: View, params: Params) -> Answer:
    """The claims, the latest first; with ``all`` also those that were taken back."""
    where, values = ["1"], list[object]()
    if params.get("all") is not True:
        where.append("revoked_at IS NULL")
    if issue := text(params, "issue"):
        where.append("issue = ?")
        values.append(require_issue(issue))
    tz = zone_of(params, view.zone)
    if since := text(params, "since"):
        where.append("made_at >= ?")
        values.append(parse_when(since, view.now, tz))
    if until := text(params, "until"):
        where.append("made_at < ?")
        values.append(parse_when(until, view.now, tz, end=True))
    for name in SELECTORS:
        if value := text(params, name):
            where.append("selector = ? AND value = ?")
            values += [name, value]
    found = kept.select(view.connection, " AND ".join(where), values)[::-1]
    limit = number(params, "limit", _LIMIT)
    return envelope(
        view.now,
        rows=[claim_json(claim) for claim in found[: limit or None]],
        count=len(found),
    )


_SHORT = 100
"""Sessions that are looked at in one go, without answering others in between."""


def _laid(
    view: View, sessions: Collection[int], moves: Moves, found: Callable[[], Answer]
) -> Answer | Job:
    """The answer now, or when the owners of many sessions have been worked out."""
    if not sessions:
        return envelope(view.now, **found())
    steps = view.ledger.lay(sessions, moves)
    return view.jobs.begin(Job(steps, lambda: envelope(view.now, **found())))


def _answer(
    view: View, steps: Iterator[None], found: Callable[[], Answer], *, is_short: bool
) -> Answer | Job:
    if not is_short:
        return view.jobs.begin(Job(steps, lambda: envelope(view.now, **found())))
    for _ in steps:
        pass
    return envelope(view.now, **found())


def _named(view: View, params: Params) -> list[KeptClaim]:
    """The claims that hold and that the parameters name."""
    live = kept.live(view.connection)
    wanted = params.get("id")
    if wanted is not None:
        if not isinstance(wanted, int) or isinstance(wanted, bool):
            raise UsageError("id must be a whole number.", "See `costd claims`.")
        found = [claim for claim in live if claim.id == wanted]
    elif key := text(params, "claim_key"):
        found = [claim for claim in live if claim.key == key]
    else:
        what = selected(view, params)
        issue = text(params, "issue")
        wanted_issue = require_issue(issue) if issue else ""
        found = [
            claim
            for claim in live
            if (claim.selector, claim.value) == what[:2]
            and what.within in ("", claim.within)
            and wanted_issue in ("", claim.issue)
        ]
    if not found:
        raise NotFoundError(
            "There is no such claim that holds.",
            "See `costd claims` for those that do.",
        )
    return found
