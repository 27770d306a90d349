"""Answers that are still true: nothing has been recorded since."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar, cast

import orjson

from costd.core.instants import format_instant

Fact = TypeVar("Fact")
_REMEMBERED = 32
_REMEMBERED_PAST = 128
_MOST_ROWS = 1_000
"""Of all answers that are kept: thousands take megabytes."""
_TIMELESS = frozenset({"report"})


class Memory:
    """A few answers to questions whose parameters mean the same tomorrow."""

    def __init__(self) -> None:
        self._answers: dict[bytes, Any] = {}
        self._rows = 0
        self._facts: dict[Hashable, Any] = {}
        self._latest: dict[str, tuple[Hashable, Any]] = {}
        self._past: dict[Hashable, tuple[int, Any]] = {}

    def forget(self, since: int = 0) -> None:
        """The ledger has changed, but for what lies before ``since``, milliseconds."""
        self._answers.clear()
        self._rows = 0
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
    ) -> Fact:
        """The answer, worked out or remembered, as of now."""
        if name not in _TIMELESS or not is_timeless(params):
            return work_out()
        key = orjson.dumps([name, dict(params)], option=orjson.OPT_SORT_KEYS)
        known: Any = self._answers.get(key)
        if known is None:
            known = work_out()
            self._keep(key, known, len(known.get("rows", ())))
        answer: Any = {**known, "generated_at": format_instant(now)}
        return cast("Fact", answer)

    def _keep(self, key: bytes, answer: Any, rows: int) -> None:
        if rows > _MOST_ROWS:
            return
        if len(self._answers) >= _REMEMBERED or self._rows + rows > _MOST_ROWS:
            self._answers.clear()
            self._rows = 0
        self._answers[key] = answer
        self._rows += rows


def is_timeless(params: Mapping[str, object]) -> bool:
    """Whether no parameter is a span that is counted from now."""
    times = (params.get("since"), params.get("until"))
    return not any(
        isinstance(t, str) and t[-1:].isalpha() and t[-1] != "Z" for t in times
    )
