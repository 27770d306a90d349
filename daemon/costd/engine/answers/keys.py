"""``keys``, ``import_keys`` and ``forget_keys``: which tracker keys are believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costd.core.attribution import usable_keys
from costd.core.attribution.exports import LONGEST_KEY
from costd.core.errors import NotFoundError, UsageError
from costd.core.summary import envelope, instant
from costd.engine.claimed import moved_json
from costd.engine.jobs import Job
from costd.engine.view import Params, View, text, words
from costd.ledger.moves import Moves
from costd.ledger.tracker import Imported, imported, without

_MOST = 20_000
_LONGEST_SOURCE = 200
_SHORT = 100
"""Sessions that are judged in one go, without answering others in between."""

Answer = dict[str, Any]


def keys(view: View, _params: Params) -> Answer:
    """Every key that is known, and where it comes from."""
    known = view.ledger.keys
    rows = [_row(key, "config", counts=True) for key in sorted(known.configured or ())]
    rows += [
        _row(key, "tracker", found.source, at=instant(found.at), counts=known.is_open)
        for key, found in sorted(imported(view.connection).items())
    ]
    rows += [
        _row(
            found.key,
            found.source,
            found.where,
            counts=known.is_open or found.source == "beads",
        )
        for found in view.ledger.owners.world.found()
    ]
    return envelope(view.now, open=known.is_open, rows=rows, count=len(rows))


def _row(
    key: str, source: str, where: str = "", *, at: str | None = None, counts: bool
) -> Answer:
    return {
        "key": key,
        "source": source,
        "where": where or None,
        "imported_at": at,
        "counts": counts,
    }


def import_keys(view: View, params: Params) -> Answer | Job:
    """Believe keys of a tracker, in every repository, from now on and for the past.

    Raises:
        UsageError: one of them is none; then none is taken.
    """
    names = _named(params)
    source = text(params, "source") or "api"
    if len(source) > _LONGEST_SOURCE or not source.isprintable():
        raise UsageError(
            f"source is longer than {_LONGEST_SOURCE} printable characters.",
            "Shorten it.",
        )
    before = imported(view.connection)
    new = sorted(set(names) - before.keys())
    made = dict.fromkeys(new, Imported(source, view.now))
    return _change(
        view, params, {**before, **made}, added=new, known=len(names) - len(new)
    )


def forget_keys(view: View, params: Params) -> Answer | Job:
    """Believe imported keys no longer; with ``all`` none of them.

    Raises:
        NotFoundError: one of them was not imported; then none is forgotten.
    """
    before = imported(view.connection)
    names = sorted(before) if params.get("all") is True else _named(params)
    unknown = [name for name in names if name not in before]
    if unknown:
        raise NotFoundError(
            f"The key {unknown[0]} was not imported.", "See: costd keys"
        )
    return _change(view, params, without(before, names), removed=names)


def _named(params: Params) -> list[str]:
    given = words(params, "keys")
    found, refused = usable_keys(given)
    long = [key for key in found if len(key) > LONGEST_KEY]
    if not given or len(given) > _MOST or refused or long:
        raise UsageError(
            f"keys must be 1 to {_MOST:,} keys such as MIN, none longer than "
            f"{LONGEST_KEY} characters.",
            "Give them without numbers, for example MIN.",
        )
    return sorted(found)


def _change(
    view: View, params: Params, after: Mapping[str, Imported], **said: object
) -> Answer | Job:
    """The answer, when everything that the change moves has moved."""
    is_dry, is_open = params.get("dry_run") is True, view.ledger.keys.is_open
    moves = Moves()

    def answer() -> Answer:
        moved = None if is_dry else moved_json(moves)
        return envelope(view.now, dry_run=is_dry, **said, open=is_open, moved=moved)

    if is_dry or after.keys() == imported(view.connection).keys():
        return answer()
    sessions = view.ledger.believe(after)
    steps = view.ledger.lay(sessions, moves, anew=True)
    if len(sessions) > _SHORT:
        return view.jobs.begin(Job(steps, answer))
    for _ in steps:
        pass
    return answer()
