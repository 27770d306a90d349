"""Alerts: what somebody far away is told when it goes badly with costd, or well again.

A problem is present or not with every beat. Of an alert it is known what was told last;
it is told anew when that is no longer so, and has been otherwise for two beats: what
comes and goes at once is no news.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from costd.core.instants import format_instant
from costd.core.plain import one_line, redact

Subjects = frozenset[str]
Present = Mapping[str, Subjects]
"""What is so with one beat: for each alert what it is about; of one that is not in it
nobody knows."""

_MOST, _LONGEST = 20, 128
NOTHING: Subjects = frozenset()


class Kind(NamedTuple):
    """One kind of alert.

    Attributes:
        began: the event when it begins.
        over: the event when it is over; empty: nobody is told.
        says: what is said when it begins, with a place for what it is about.
        says_over: what is said when it is over.
        is_list: whether it is told again when it is about more than before.
    """

    began: str
    over: str
    says: str
    says_over: str
    is_list: bool


KINDS = {
    "data_stopped": Kind(
        "data_stopped",
        "data_flows",
        "Numbers are stale or incomplete: {}. See costd status.",
        "Data flows again: numbers are complete again.",
        is_list=False,
    ),
    "disk_low": Kind(
        "disk_low",
        "disk_low",
        "There is little space on the ledger's disk.",
        "There is space on the ledger's disk again.",
        is_list=False,
    ),
    "ledger_recovered": Kind(
        "ledger_recovered",
        "",
        "The ledger's file was mended or put back. See costd doctor.",
        "",
        is_list=True,
    ),
    "unpriced_models": Kind(
        "unpriced_models",
        "unpriced_models",
        "Tokens of models without a price are in no total: {}.",
        "Every model has a price again.",
        is_list=True,
    ),
}
EVENTS = tuple(dict.fromkeys(e for k in KINDS.values() for e in (k.began, k.over) if e))
"""What ``X-Costd-Event`` may be for an alert."""


class Standing(NamedTuple):
    """What was told last: how often so far, when, and about what; nothing: it is over."""

    changes: int = 0
    since: int = 0
    subjects: Subjects = NOTHING


class Change(NamedTuple):
    """Something to tell.

    Attributes:
        name: of the alert.
        event: what it is called.
        state: ``began`` or ``over``.
        number: the how-manieth change of this alert.
        at: when it was seen, milliseconds.
        began_at: when that began of which it is the end; None at a beginning.
        subjects: what it is about, those that are new.
    """

    name: str
    event: str
    state: str
    number: int
    at: int
    began_at: int | None
    subjects: list[str]


def step(
    name: str, standing: Standing, before: Subjects, present: Subjects, now: int
) -> tuple[Standing, Change | None]:
    """What is told after two beats, and how it stands then.

    Args:
        name: one of ``KINDS``.
        standing: what was told last.
        before: what it was about with the beat before.
        present: what it is about now.
        now: milliseconds since the epoch.
    """
    kind, changes = KINDS[name], standing.changes + 1
    staying = before & present
    if standing.subjects and not before and not present:
        over = Change(name, kind.over, "over", changes, now, standing.since, [])
        return Standing(changes, now), over
    if standing.subjects and not kind.is_list:
        return standing, None
    if not (new := staying - standing.subjects):
        return standing, None
    left = standing.subjects & (before | present)
    began = Change(name, kind.began, "began", changes, now, None, sorted(new))
    return Standing(changes, now, left | new), began


def alerted(change: Change, *, node_id: str | None, version: str) -> dict[str, Any]:
    """The body of its message."""
    kind = KINDS[change.name]
    about = [
        redact(one_line(subject))[:_LONGEST] or "(no name)"
        for subject in change.subjects
    ]
    shown = about[:_MOST]
    listed = ", ".join(shown) + (", …" if len(about) > _MOST else "")
    began_at = change.began_at
    return {
        "schema_version": 1,
        "event": change.event,
        "alert": {
            "name": change.name,
            "state": change.state,
            "number": change.number,
            "at": format_instant(change.at),
            "began_at": format_instant(change.at if began_at is None else began_at),
            "subjects": shown,
            "count": len(about),
        },
        "message": kind.says_over
        if change.state == "over"
        else kind.says.format(listed),
        "node_id": node_id,
        "costd_version": version,
    }
