"""When a number in a name is no issue's number.

Years, dates, versions and phrases such as ``2-factor`` stand where an issue's number
could stand. The patterns that find numbers keep out leading zeros, more than six or
seven digits and a following letter, digit or ``.digit`` themselves.
"""

from __future__ import annotations

import re

_YEAR = re.compile(r"199\d|20[0-3]\d")
_SHORT_DATE = re.compile(r"[23]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_DATE_TAIL = re.compile(
    r"[-_](?:0[1-9]|1[0-2])(?:[-_](?:0[1-9]|[12]\d|3[01]))?(?![A-Za-z0-9])"
)
_VERSION_TAIL = re.compile(r"[-_]\d{1,2}(?![A-Za-z0-9])")
_SHORT = 2
_PHRASE = re.compile(
    r"[-_](?:way|factor|phase|fold|bit|byte|percent|column|col|step|stage|day|days|hour"
    r"|hours|minute|minutes|second|seconds|week|weeks|month|months|player|pane|panel"
    r"|level|tier|pass|click|clause|digit|legged|based|star|[kmg]b|ms|on[-_]\d+"
    r"|to[-_](?:\d+|one|many)|d)s?(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_COUNTED_UP_TO = 365
_HTTP_PHRASE = re.compile(
    r"[-_](?:page|error|errors|response|status|redirect|not[-_]found|handler|handling"
    r"|loop|internal[-_]server|forbidden|unauthori[sz]ed|rate[-_]limit|too[-_]many"
    r"|bad[-_]gateway|bad[-_]request|gateway[-_]timeout)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_HTTP_STATUS = range(300, 600)
_BITS = frozenset({"8", "16", "32", "64", "128", "256", "512"})
_PROCESSORS = frozenset({"286", "386", "486", "586", "686"})
_PLATFORM = re.compile(r"[-_](?:on|arch|cpu|asm|builds?)(?![A-Za-z0-9])", re.IGNORECASE)


def is_year(number: str) -> bool:
    """Whether the bare ``number`` is a year."""
    return _YEAR.fullmatch(number) is not None


def is_dated(name: str, end: int, number: str) -> bool:
    """Whether ``number``, which ends at ``end`` in ``name``, begins a date."""
    return is_year(number) and _DATE_TAIL.match(name, end) is not None


def is_version(name: str, end: int, number: str) -> bool:
    """Whether a small ``number`` is followed by another one, as in ``opus-4-5``."""
    return len(number) <= _SHORT and _VERSION_TAIL.match(name, end) is not None


def is_counted(name: str, end: int, number: str) -> bool:
    """Whether a bare ``number`` counts something: a date, ``2-factor``, ``404-page``."""
    if is_year(number) or _SHORT_DATE.fullmatch(number):
        return True
    value = int(number)
    if value in _HTTP_STATUS and _HTTP_PHRASE.match(name, end):
        return True
    if number in _PROCESSORS and _PLATFORM.match(name, end):
        return True
    small = value <= _COUNTED_UP_TO or number in _BITS
    return small and _PHRASE.match(name, end) is not None
