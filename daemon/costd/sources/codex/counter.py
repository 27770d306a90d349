"""What a running counter says of the responses between two of its values.

``total_token_usage`` only grows while a process lives. It is repeated without a new
response, it may begin again, an old value may come late, and the counter of another
conversation (a review) may stand between. Each case is decided by the values alone, so
the answer does not depend on where reading was interrupted.
"""

from __future__ import annotations

from msgspec import Struct

from costd.sources.codex.shapes import NOTHING, Counts, Usage

_REMEMBERED = 8
_MOST_LEVELS = 4


class Moment(Struct, array_like=True, frozen=True):
    """When and where a value was logged."""

    at: int
    offset: int


class Suspect(Struct, array_like=True, frozen=True):
    """A value just below the one before: an old one that came late, or a new range."""

    total: Usage
    last: Usage
    moment: Moment


class Step(Struct, array_like=True, frozen=True):
    """One response: what it used, and the counter after it, which is its identity."""

    used: Usage
    total: Usage
    moment: Moment


class Counter(Struct, array_like=True):
    """A thread's counter as far as it was read."""

    total: Usage | None = None
    recent: list[Usage] = []
    suspect: Suspect | None = None
    levels: list[Usage] = []
    """Where counters were left that may go on: the one left last comes first."""

    def advance(
        self, total: Counts | None, last: Counts | None, moment: Moment, *, child: bool
    ) -> list[Step]:
        """The responses that a new value tells of; none for a repetition.

        Args:
            total: the counter's value.
            last: the usage of the newest request, as the same event says.
            moment: when and where.
            child: whether the thread may have begun with its parent's counter.
        """
        used = None if last is None else _filled(last, NOTHING)
        before = self.total or NOTHING
        if total is not None:
            now = _filled(total, before)
        elif used is not None:
            now = _plus(before, used)
        else:
            return []
        if self.total is None:
            return self._begin(now, used if child and used is not None else now, moment)
        if now == self.total or now in self.recent:
            return []
        level = self._level(now, used)
        if level is None:
            return self._dropped(now, used, moment)
        return self._go_on(level, now, moment)

    def _level(self, now: Usage, used: Usage | None) -> Usage | None:
        """The value from which a counter came to ``now``; None: from none of them."""
        before = self.total or NOTHING
        below = [level for level in (before, *self.levels) if _is_after(now, level)]
        if used is not None:
            for level in below:
                step = _minus(now, level)
                if (step.input, step.output) == (used.input, used.output):
                    return level
        if before not in below:
            return None
        return max(below, key=lambda level: level.input + level.output)

    def _dropped(self, now: Usage, used: Usage | None, moment: Moment) -> list[Step]:
        """The counter is lower than it was: it began again, or an old value is late."""
        suspect = self.suspect
        if suspect is not None and now == suspect.total:
            return []
        if suspect is not None and _is_after(now, suspect.total):
            # It goes on from there: that was the beginning of a new range after all.
            steps = self._begin(suspect.total, suspect.last, suspect.moment)
            return steps + self._go_on(suspect.total, now, moment)
        if used is None or not _is_after(now, used):
            return self._begin(now, now, moment)
        lag = self.total.input + self.total.output if self.total else 0
        lag -= now.input + now.output
        if now != used and lag <= 2 * (used.input + used.output):
            self.suspect = Suspect(now, used, moment)
            return []
        return self._begin(now, used, moment)

    def _begin(self, total: Usage, used: Usage, moment: Moment) -> list[Step]:
        """A counter is seen for the first time."""
        if self.total is not None:
            self.levels = [self.total, *self.levels[: _MOST_LEVELS - 1]]
        return self._to(total, used, moment)

    def _go_on(self, level: Usage, total: Usage, moment: Moment) -> list[Step]:
        """A counter that was left at ``level`` goes on."""
        if level != self.total and self.total is not None:
            others = [other for other in self.levels if other != level]
            self.levels = [self.total, *others[: _MOST_LEVELS - 1]]
        return self._to(total, _minus(total, level), moment)

    def _to(self, total: Usage, used: Usage, moment: Moment) -> list[Step]:
        self.suspect = None
        if self.total is not None:
            self.recent = [*self.recent[1 - _REMEMBERED :], self.total]
        self.total = total
        return [Step(used, total, moment)] if used.input or used.output else []


def usage_of(counts: Counts) -> Usage:
    """Counts in which a missing field is zero: those of one response."""
    return _filled(counts, NOTHING)


def _filled(counts: Counts, before: Usage) -> Usage:
    """A field that is missing has not changed."""
    values = (
        counts.input_tokens,
        counts.cached_input_tokens,
        counts.cache_write_input_tokens,
        counts.output_tokens,
        counts.reasoning_output_tokens,
    )
    return Usage(
        *(old if new is None else new for new, old in zip(values, before, strict=True))
    )


def _is_after(now: Usage, before: Usage) -> bool:
    return now.input >= before.input and now.output >= before.output


def _minus(now: Usage, before: Usage) -> Usage:
    return Usage(*(max(0, n - b) for n, b in zip(now, before, strict=True)))


def _plus(one: Usage, other: Usage) -> Usage:
    return Usage(*(a + b for a, b in zip(one, other, strict=True)))
