"""Making claims and taking them back: what is kept, and who has to be looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.attribution import Claim, Claims
from costd.ledger import claims as kept
from costd.ledger.claims import KeptClaim, NewClaim
from costd.ledger.owners import Owners

REPLACED = "replaced"
"""So begins who revoked a claim, where its own source said something else."""


class Made(NamedTuple):
    """A claim as it is kept now; ``is_new`` is False where it was there before."""

    claim: KeptClaim
    is_new: bool


class Change(NamedTuple):
    """Claims that were made or taken back, and the sessions they speak of."""

    made: list[Made]
    sessions: set[int]


def make(connection: Connection, owners: Owners, news: Sequence[NewClaim]) -> Change:
    """Keep claims; one that is made again changes nothing, but it may end it."""
    made: list[Made] = []
    spoken: list[Claim] = []
    for given in news:
        new = _renewed(connection, given)
        known = (
            kept.by_key(connection, new.key)
            or kept.of_subject(connection, new)
            or kept.standing(connection, new)
        )
        if known is not None:
            if new.until_at is not None and known.until_at is None:
                kept.end(connection, known.id, new.until_at)
                known = known._replace(until_at=new.until_at)
                spoken.append(known.as_claim)
            made.append(Made(known, is_new=False))
            continue
        if new.subject:
            spoken += _replace(connection, new)
        claim = kept.insert(connection, new)
        if claim is not None:
            made.append(Made(claim, is_new=True))
            spoken.append(claim.as_claim)
    if spoken:
        owners.claims_changed()
    return Change(made, owners.selected(spoken))


def take_back(
    connection: Connection, owners: Owners, ids: Sequence[int], now: int, by: str
) -> Change:
    """Revoke claims; those that were revoked before stay as they were."""
    claims = [claim for claim in kept.live(connection) if claim.id in set(ids)]
    kept.revoke(connection, [claim.id for claim in claims], now, by)
    owners.claims_changed()
    sessions = owners.selected([claim.as_claim for claim in claims])
    return Change([Made(claim, is_new=True) for claim in claims], sessions)


def end(
    connection: Connection, owners: Owners, ends: Sequence[tuple[int, int]]
) -> Change:
    """Give claims without an end one: pairs of a claim's number and the instant."""
    for number, at in ends:
        kept.end(connection, number, at)
    numbers = {number for number, _ in ends}
    claims = [claim for claim in kept.live(connection) if claim.id in numbers]
    owners.claims_changed()
    sessions = owners.selected([claim.as_claim for claim in claims])
    return Change([Made(claim, is_new=False) for claim in claims], sessions)


class Supposed(NamedTuple):
    """The claims as they would be, and the sessions that would be looked at again."""

    claims: Claims
    sessions: set[int]
    made: list[KeptClaim]


def suppose_made(
    connection: Connection, owners: Owners, news: Sequence[NewClaim]
) -> Supposed:
    """As ``make``, without making them."""
    live = kept.live(connection)
    number = 1 + max((claim.id for claim in kept.select(connection)), default=0)
    subjects = {new.subject for new in news if new.subject}
    stay = [claim for claim in live if claim.subject not in subjects]
    gone = [claim for claim in live if claim.subject in subjects]
    would = [_as_kept(number + i, new) for i, new in enumerate(news)]
    return Supposed(
        Claims(claim.as_claim for claim in (*stay, *would)),
        owners.selected([claim.as_claim for claim in (*gone, *would)]),
        would,
    )


def suppose_taken_back(
    connection: Connection, owners: Owners, ids: Sequence[int]
) -> Supposed:
    """As ``take_back``, without taking them back."""
    live, wanted = kept.live(connection), set(ids)
    gone = [claim for claim in live if claim.id in wanted]
    return Supposed(
        Claims(claim.as_claim for claim in live if claim.id not in wanted),
        owners.selected([claim.as_claim for claim in gone]),
        gone,
    )


def _replace(connection: Connection, new: NewClaim) -> list[Claim]:
    """Of one subject its source means the latest only."""
    older = kept.select(
        connection, "subject = ? AND revoked_at IS NULL", (new.subject,)
    )
    by = f"{REPLACED} by {new.source}"
    kept.revoke(connection, [claim.id for claim in older], new.made_at, by)
    return [claim.as_claim for claim in older]


def _renewed(connection: Connection, new: NewClaim) -> NewClaim:
    """Its source says again what it had replaced by something else: a new claim."""
    known = kept.by_key(connection, new.key)
    if known is None or not known.revoked_by.startswith(REPLACED):
        return new
    return new._replace(key=f"{new.key}@{new.made_at}")


def _as_kept(number: int, new: NewClaim) -> KeptClaim:
    return KeptClaim(
        id=number,
        key=new.key,
        subject=new.subject,
        selector=new.selector,
        value=new.value,
        within=new.within,
        issue=new.issue,
        role=new.role,
        from_at=new.from_at,
        until_at=new.until_at,
        made_at=new.made_at,
        revoked_at=None,
        revoked_by="",
        rule=new.rule,
        confidence=new.confidence,
        source=new.source,
        who=new.who,
        note=new.note,
    )
