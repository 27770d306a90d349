"""Answers that are still true: nothing has been recorded since."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar, cast

import orjson

from costd.core.instants import format_instant

Fact = TypeVar("Fact")
_REMEMBERED = 32
_REMEMBERED_PAST = 64
_TIMELESS = frozenset({"report"})
_REPEATED = frozenset({"status"})
_REPEAT_SHARE = 20
_LONGEST_REPEAT_MS = 5_000


class Memory:
    """A few answers to questions whose parameters mean the same tomorrow.

    Args:
        clock: milliseconds since the epoch, to know what takes long.
    """

    def __init__(self, clock: Callable[[], int] = lambda: 0) -> None:
        self._clock = clock
        self._repeated: dict[bytes, tuple[int, int, Any]] = {}
        self._answers: dict[bytes, Any] = {}
        self._facts: dict[Hashable, Any] = {}
        self._latest: dict[str, tuple[Hashable, Any]] = {}
        self._past: dict[Hashable, tuple[int, Any]] = {}

    def forget(self, since: int = 0) -> None:
        """The ledger has changed, but for what lies before ``since``, milliseconds."""
        self._answers.clear()
        self._facts.clear()
        self._latest.clear()
        for key in [k for k, (end, _) in self._past.items() if end > since]:
            del self._past[key]

    def before(self, end: int, key: Hashable, work_out: Callable[[], Fact]) -> Fact:
        """A fact about what lies before ``end``: it outlives what is recorded later."""
        known = self._past.get(key)
        if known is None or known[0] != end:
            self._past.pop(key, None)
            while len(self._past) >= _REMEMBERED_PAST:
                del self._past[next(iter(self._past))]
            known = self._past[key] = (end, work_out())
        fact: Fact = known[1]
        return fact

    def once(self, key: Hashable, work_out: Callable[[], Fact]) -> Fact:
        """A fact about the ledger as it stands, worked out the first time."""
        if key not in self._facts:
            if len(self._facts) >= _REMEMBERED:
                self._facts.clear()
            self._facts[key] = work_out()
        fact: Fact = self._facts[key]
        return fact

    def latest(self, kind: str, key: Hashable, work_out: Callable[[], Fact]) -> Fact:
        """As ``once``, for what is large: of each kind only the last is kept."""
        known = self._latest.get(kind)
        if known is None or known[0] != key:
            known = self._latest[kind] = (key, work_out())
        fact: Fact = known[1]
        return fact

    def recall(
        self,
        name: str,
        params: Mapping[str, object],
        now: int,
        work_out: Callable[[], Fact],
        *,
        hurried: bool = False,
    ) -> Fact:
        """The answer, worked out or remembered, as of now.

        While the engine is hurried by a first import, a status that took long is given
        again, as of then, so that the import and others who ask are not kept by it.
        """
        if hurried and name in _REPEATED:
            return self._repeat(orjson.dumps([name, dict(params)]), work_out)
        self._repeated.clear()
        if name not in _TIMELESS or not is_timeless(params):
            return work_out()
        key = orjson.dumps([name, dict(params)], option=orjson.OPT_SORT_KEYS)
        known: Any = self._answers.get(key)
        if known is None:
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            known = self._answers[key] = work_out()
        answer: Any = {**known, "generated_at": format_instant(now)}
        return cast("Fact", answer)

    def _repeat(self, key: bytes, work_out: Callable[[], Fact]) -> Fact:
        began = self._clock()
        known = self._repeated.get(key)
        if known is not None:
            at, took, answer = known
            longest = min(_REPEAT_SHARE * took, _LONGEST_REPEAT_MS)
            if 0 <= began - at < longest:
                return cast("Fact", answer)
        found = work_out()
        ended = self._clock()
        self._repeated = {key: (ended, max(0, ended - began), found)}
        return found


def is_timeless(params: Mapping[str, object]) -> bool:
    """Whether no parameter is a span that is counted from now."""
    times = (params.get("since"), params.get("until"))
    return not any(
        isinstance(t, str) and t[-1:].isalpha() and t[-1] != "Z" for t in times
    )
