"""Claims as they are kept: made, taken back, never deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

from costd.core.attribution import Claim


class NewClaim(NamedTuple):
    """A claim to be made; times in milliseconds.

    ``key`` makes it the same claim when it is made again, ``subject`` is what its
    source says it about: of one subject the source means only the latest.
    """

    key: str
    subject: str
    selector: str
    value: str
    within: str
    issue: str
    role: str
    from_at: int | None
    until_at: int | None
    made_at: int
    rule: str
    confidence: int
    source: str
    who: str = ""
    note: str = ""


class KeptClaim(NamedTuple):
    """A row of the table ``claim``."""

    id: int
    key: str
    subject: str
    selector: str
    value: str
    within: str
    issue: str
    role: str
    from_at: int | None
    until_at: int | None
    made_at: int
    revoked_at: int | None
    revoked_by: str
    rule: str
    confidence: int
    source: str
    who: str
    note: str

    @property
    def as_claim(self) -> Claim:
        """What attribution needs of it."""
        return Claim(
            id=self.id,
            selector=self.selector,
            value=self.value,
            issue=self.issue,
            role=self.role,
            from_at=self.from_at,
            until_at=self.until_at,
            made_at=self.made_at,
            revoked_at=self.revoked_at,
            rule=self.rule,
            confidence=self.confidence,
            within=self.within,
        )


_COLUMNS = (
    "id, claim_key, subject, selector, value, within, issue, role, from_at, until_at, "
    "made_at, revoked_at, revoked_by, rule, confidence, source, who, note"
)
_NEW = (
    "claim_key, subject, selector, value, within, issue, role, from_at, until_at, "
    "made_at, rule, confidence, source, who, note"
)


def insert(connection: Connection, new: NewClaim) -> KeptClaim | None:
    """Keep a claim; None where one with its key is kept already."""
    row = connection.execute(
        f"INSERT INTO claim ({_NEW}) VALUES ({', '.join('?' * 15)}) "
        f"ON CONFLICT (claim_key) DO NOTHING RETURNING {_COLUMNS}",
        new,
    ).fetchone()
    return None if row is None else KeptClaim(*row)


def revoke(connection: Connection, ids: Iterable[int], now: int, by: str) -> None:
    """Take claims back; a claim that was taken back before stays as it was."""
    connection.executemany(
        "UPDATE claim SET revoked_at = ?, revoked_by = ? "
        "WHERE id = ? AND revoked_at IS NULL",
        ((now, by, number) for number in ids),
    )


def end(connection: Connection, number: int, at: int) -> None:
    """A claim that had no end has one now."""
    connection.execute(
        "UPDATE claim SET until_at = ? WHERE id = ? AND until_at IS NULL", (at, number)
    )


def select(
    connection: Connection, where: str = "1", values: Sequence[Any] = ()
) -> list[KeptClaim]:
    """Claims in the order in which they were made."""
    query = f"SELECT {_COLUMNS} FROM claim WHERE {where} ORDER BY made_at, id"
    return [KeptClaim(*row) for row in connection.execute(query, values)]


def live(connection: Connection) -> list[KeptClaim]:
    """The claims that were not taken back."""
    return select(connection, "revoked_at IS NULL")


def by_key(connection: Connection, key: str) -> KeptClaim | None:
    """The claim that was made under a key."""
    found = select(connection, "claim_key = ?", (key,))
    return found[0] if found else None


def standing(connection: Connection, new: NewClaim) -> KeptClaim | None:
    """The newest claim that selects the same, if it says the very same."""
    found = select(
        connection,
        "revoked_at IS NULL AND selector = ? AND value = ? AND within = ?",
        (new.selector, new.value, new.within),
    )
    return found[-1] if found and _is_said_by(found[-1], new) else None


def of_subject(connection: Connection, new: NewClaim) -> KeptClaim | None:
    """The claim about the same subject that holds, if it says the very same."""
    if not new.subject:
        return None
    found = select(connection, "revoked_at IS NULL AND subject = ?", (new.subject,))
    return next((claim for claim in found if _is_said_by(claim, new)), None)


def _is_said_by(claim: KeptClaim, new: NewClaim) -> bool:
    return (
        claim.selector,
        claim.value,
        claim.within,
        claim.issue,
        claim.role,
        claim.from_at,
        claim.until_at,
        claim.rule,
    ) == (
        new.selector,
        new.value,
        new.within,
        new.issue,
        new.role,
        new.from_at,
        new.until_at,
        new.rule,
    )
