"""The last status, given at once while a first import keeps the engine busy.

The more is recorded, the longer a status takes, and a question waits for whatever the
engine is at. So while much is read every thread is given the last one, as of then: it
says itself when that was and how far reading had come. The engine renews it for those
who ask, in at most a twentieth of its time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

_NAME = "status"
_MOST = 8
_SHARE = 20
_LONGEST_MS = 5_000
_NEVER = -(1 << 62)

Params = Mapping[str, object]


class _Kept(NamedTuple):
    answer: Any
    work_out: Callable[[], Any]


class Standing:
    """A status for each way in which it is asked; the engine's thread writes.

    Args:
        clock: milliseconds since the epoch.
        goes_on: whether there is anybody to ask when all is read: with a daemon.
    """

    def __init__(self, clock: Callable[[], int], *, goes_on: bool = True) -> None:
        self._clock = clock
        self._goes_on = goes_on
        self._kept: dict[bytes, _Kept] = {}
        """Never changed, only replaced: other threads read it."""
        self.asked_at = _NEVER
        """When somebody last asked something, of the engine or here."""
        self._renewed_at = self._took = 0

    def __bool__(self) -> bool:
        return bool(self._kept)

    def answer(self, name: str, params: Params) -> Any | None:
        """What is known, for any thread; None: the engine has to be asked."""
        if name != _NAME or not self._kept:
            return None
        known = self._kept.get(_key(params))
        if known is None:
            return None
        self.asked_at = self._clock()
        return known.answer

    def keep(
        self, name: str, params: Params, found: Any, work_out: Callable[[], Any]
    ) -> None:
        """A status was worked out while much is read; ``work_out`` does it again."""
        if name == _NAME:
            rest = list(self._kept.items())[1 - _MOST :]
            self._kept = dict([*rest, (_key(params), _Kept(found, work_out))])

    def tend(self, *, is_over: bool) -> None:
        """Renew what is given, if it is old and was asked for.

        Args:
            is_over: whether nothing more is read. Then it is dropped; before that the
                engine of a daemon works it out once more, to remember the past when
                it is asked.
        """
        if not self._kept:
            return
        try:
            if self._goes_on if is_over else self._is_due():
                began = self._clock()
                self._kept = {
                    key: known._replace(answer=known.work_out())
                    for key, known in self._kept.items()
                }
                self._renewed_at = self._clock()
                self._took = max(self._renewed_at - began, 0)
        except BaseException:
            self.drop()  # whoever asks next hears what is wrong
            raise
        if is_over:
            self.drop()

    def _is_due(self) -> bool:
        if self.asked_at < self._renewed_at:
            return False
        gone = self._clock() - self._renewed_at
        return not 0 <= gone < min(_SHARE * self._took, _LONGEST_MS)

    def drop(self) -> None:
        """From now on only the engine knows."""
        self._kept = {}


def _key(params: Params) -> bytes:
    return orjson.dumps(dict(params), option=orjson.OPT_SORT_KEYS)
