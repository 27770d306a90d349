"""Which groups of responses the ledger may hold, as long as it can be told from memory.

While an empty ledger is filled, nearly every group is new. Looking each of them up
would be a tenth of the work.
"""

from __future__ import annotations

from collections.abc import Iterable

_BITS = 24
_BYTES = 1 << (_BITS - 3)


class Groups:
    """A bit for each group that was asked for; another group may share it.

    Until ``begin`` nothing is known, and every group may be there.
    """

    def __init__(self) -> None:
        self._bits: bytearray | None = None

    def begin(self) -> None:
        """The ledger holds no response."""
        self._bits = bytearray(_BYTES)

    def forget(self) -> None:
        """It is full enough, or its memory is wanted."""
        self._bits = None

    def of(self, groups: Iterable[int]) -> set[int]:
        """Those of these groups that were asked for before, and perhaps a few more.

        Args:
            groups: unsigned 32-bit numbers; from now on they count as asked for.
        """
        bits = self._bits
        if bits is None:
            return set(groups)
        found = set()
        for group in groups:
            place, bit = group >> 3 & _BYTES - 1, 1 << (group & 7)
            if bits[place] & bit:
                found.add(group)
            else:
                bits[place] |= bit
        return found
