"""The dearest of many, and how many sessions there are: past days are read only once.

What is past is remembered; of the rest only that is looked up which has gone on today.
"""

from __future__ import annotations

from costd.core.summary import Sums
from costd.engine.history import halves, key_of, today_of
from costd.engine.view import View
from costd.ledger.long_spans import count_sessions, dearest
from costd.ledger.reports import Cut, Question

_AT_ONCE = 400


def dearest_by(view: View, question: Question, most: int) -> tuple[int, list[Cut]]:
    """How many rows a cut by one dimension has, and the ``most`` dearest of them.

    A row only ever grows, so those that were not among the dearest and have had nothing
    today are not among them now. Sums are without their sessions.
    """
    past, recent = halves(question, view.now)
    if past is None or recent is None:
        return view.memory.once(
            ("dearest", most, *key_of(question)),
            lambda: dearest(view.connection, question, most),
        )
    count, before = view.memory.before(
        today_of(question, view.now),
        ("dearest", most, *key_of(past)),
        lambda: dearest(view.connection, past, most),
    )
    _, now = dearest(view.connection, recent)
    known = {row.keys: row.sums for row in before}
    others = [row.keys[0] for row in now if row.keys not in known]
    more = _named(view, past, others) if count > len(before) else {}
    found = {**known, **more}
    count += sum(row.keys not in found for row in now)
    for row in now:
        found[row.keys] = found.get(row.keys, Sums()).plus(row.sums)
    rows = [Cut(keys, sums) for keys, sums in found.items()]
    rows.sort(key=lambda row: (-row.sums.cost, row.keys))
    return count, rows[:most]


def _named(view: View, past: Question, names: list[str]) -> dict[tuple[str, ...], Sums]:
    """The past sums of some names of the dimension; those that have none are left out."""
    (dimension,) = past.by
    known: dict[str, Sums | None] = view.memory.before(
        today_of(past, view.now), ("named", *key_of(past)), dict
    )
    missing = [name for name in names if name not in known]
    for start in range(0, len(missing), _AT_ONCE):
        some = missing[start : start + _AT_ONCE]
        wanted = {**past.filters, dimension: some}
        _, rows = dearest(view.connection, past._replace(filters=wanted))
        known.update(dict.fromkeys(some))
        known.update((row.keys[0], row.sums) for row in rows)
    return {(name,): sums for name in names if (sums := known[name]) is not None}


def sessions_in(view: View, question: Question) -> int:
    """How many sessions have something in a question's span and filters."""
    past, recent = halves(question._replace(by=()), view.now)
    if past is None or recent is None:
        return view.memory.once(
            ("sessions", *key_of(question)),
            lambda: count_sessions(view.connection, question),
        )
    count = view.memory.before(
        today_of(question, view.now),
        ("sessions", *key_of(past)),
        lambda: count_sessions(view.connection, past),
    )
    _, now = dearest(view.connection, recent._replace(by=("session",)))
    names = [row.keys[0] for row in now]
    known = _named(view, past._replace(by=("session",)), names)
    return count + len(names) - len(known)
