"""The fields that an event may have: their names, and how a value of each is read.

A value may be JSON's own or the text of a command line (``passed=true``). Whatever is
refused is refused by name: an error never repeats what was sent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from costd.core.attribution.identity import issue_problem, valid_issue
from costd.core.instants import parse_instant
from costd.core.money import from_usd
from costd.core.plain import redact
from costd.core.usage import MAX_TOKENS

LONGEST_ID = 256
LONGEST_TEXT = 4000
MOST = 10**12
MOST_NANO = 10**15
LAST_LAMPORT = 1 << 48
"""A clock that is set beyond this is broken, and would break every other one."""
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)
_FIRST_MS = 10**11
"""A smaller number is seconds: as milliseconds it would lie in the spring of 1973."""


class EventError(ValueError):
    """An event that cannot be used; the message says which field, not what it held."""


class Field(NamedTuple):
    """One field: the name that it has inside, and its reader."""

    name: str
    read: Callable[[object], object]
    is_alias: bool = False


def identifier(value: object) -> str:
    """A short text without control characters."""
    if not isinstance(value, str):
        if not isinstance(value, int) or isinstance(value, bool):
            raise EventError("must be text")
        value = str(value)
    text = value.strip()
    if len(text) > LONGEST_ID:
        raise EventError(f"is longer than {LONGEST_ID} characters")
    if not text.isprintable():
        raise EventError("has characters that cannot be printed")
    return text


def label(value: object) -> str:
    """A name that somebody gave, which may be a sentence: without keys and tokens."""
    return redact(identifier(value))


def prose(value: object) -> str:
    """Text that people wrote: without keys and tokens, cut where it is too long."""
    if not isinstance(value, str):
        raise EventError("must be text")
    text = value.encode("utf-8", "replace").decode()
    return redact(text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…")


def count(value: object) -> int:
    """A whole number that is not negative."""
    number = value
    if isinstance(number, str) and _DIGITS.fullmatch(number.strip()):
        number = int(number)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise EventError("must be a whole number that is not negative")
    if number > MOST:
        raise EventError("is larger than anything that can be counted")
    return number


def tokens(value: object) -> int:
    """A number of tokens."""
    number = count(value)
    if number > MAX_TOKENS:
        raise EventError("is more tokens than there can be")
    return number


def lamport(value: object) -> int:
    """A logical time."""
    number = count(value) if not isinstance(value, int) or value <= MOST else value
    if isinstance(number, bool) or number > LAST_LAMPORT:
        raise EventError("is no logical time")
    return number


def signed(value: object) -> int:
    """A whole number, such as an exit code."""
    if isinstance(value, str) and value.strip().startswith("-"):
        return -count(value.strip()[1:])
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return -count(-value)
    return count(value)


def truth(value: object) -> bool:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUTHS:
        return _TRUTHS[value.strip().lower()]
    raise EventError("must be true or false")


_TRUTHS = {"true": True, "yes": True, "1": True, "passed": True}
_TRUTHS |= {"false": False, "no": False, "0": False, "failed": False}


def usd(value: object) -> int:
    """Nano-USD of an amount in USD."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise EventError("must be an amount in USD")
    if isinstance(value, float) and not math.isfinite(value):
        raise EventError("must be an amount in USD")
    try:
        found = from_usd(value)
    except ValueError:
        raise EventError("must be an amount in USD that is not negative") from None
    if found > MOST_NANO:
        raise EventError("is more money than one event can have cost")
    return found


def moment(value: object) -> int:
    """Milliseconds of RFC 3339, or of seconds or milliseconds since the epoch."""
    if isinstance(value, bool):
        raise EventError("must be a time")
    if isinstance(value, int | float):
        if not math.isfinite(value) or not 0 <= value < _FIRST_MS * 1000:
            raise EventError("must be a time")
        return int(value) if value >= _FIRST_MS else round(value * 1000)
    at = parse_instant(value.strip()) if isinstance(value, str) else None
    if at is None:
        raise EventError("must be a time such as 2026-11-21T10:00:00Z")
    return at


_ISSUES: dict[str, str] = {}
_REMEMBERED = 10_000


def issue(value: object) -> str:
    """An issue's id in its one spelling."""
    text = identifier(value)
    found = issue_or_none(text)
    if not found:
        raise EventError(issue_problem(text))
    return found


def issue_or_none(text: str) -> str:
    """The issue that a task's name may be; empty where it cannot be one."""
    found = _ISSUES.get(text)
    if found is None:
        if len(_ISSUES) >= _REMEMBERED:
            _ISSUES.clear()
        found = _ISSUES[text] = valid_issue(text) or ""
    return found


_NAMED: dict[str, Callable[[object], object]] = {
    "event_id": identifier,
    "type": identifier,
    "timestamp": moment,
    "node_id": identifier,
    "lamport": lamport,
    "task_id": identifier,
    "issue": issue,
    "session_id": identifier,
    "run_id": identifier,
    "agent": identifier,
    "role": identifier,
    "model": identifier,
    "feature": identifier,
    "status": identifier,
    "success": truth,
    "duration_ms": count,
    "input_tokens": tokens,
    "output_tokens": tokens,
    "cache_read_tokens": tokens,
    "cache_creation_5m_tokens": tokens,
    "cache_creation_1h_tokens": tokens,
    "total_tokens": tokens,
    "cost_usd": usd,
    # What follows is kept as it is, in the event's details.
    "reasoning_tokens": tokens,
    "task_type": label,
    "iterations": count,
    "gate_name": label,
    "passed": truth,
    "reviewer": label,
    "issues_p0": count,
    "issues_p1": count,
    "activity_type": label,
    "action": label,
    "title": prose,
    "description": prose,
    "error": prose,
    "exit_code": signed,
    "capability": identifier,
    "branch": identifier,
    "project": identifier,
    "started_at": moment,
    "ended_at": moment,
}
_ALIASES = {
    "wp_id": "task_id",
    "wp": "task_id",
    "task": "task_id",
    "gate": "gate_name",
    "run": "run_id",
    "lamport_clock": "lamport",
    "event_type": "type",
    "issue_id": "issue",
    "aggregate_id": "feature",
    "feature_slug": "feature",
    "session": "session_id",
    "duration": "duration_ms",
    "cost": "cost_usd",
    "tokens_used": "total_tokens",
    "tokens": "total_tokens",
    "tokens_in": "input_tokens",
    "tokens_out": "output_tokens",
    "tokens_cache_read": "cache_read_tokens",
    # Whoever says only that the cache was written means the shorter, cheaper kind.
    "tokens_cache_write": "cache_creation_5m_tokens",
    "cache_creation_tokens": "cache_creation_5m_tokens",
    "cache_write_tokens": "cache_creation_5m_tokens",
}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _all_fields() -> dict[str, Field]:
    found = {name: Field(name, read) for name, read in _NAMED.items()}
    for alias, name in _ALIASES.items():
        found[alias] = Field(name, _NAMED[name], is_alias=True)
    for name in list(found):
        found.setdefault(_camel(name), found[name]._replace(is_alias=True))
    return found


FIELDS = _all_fields()
"""Every name that is understood, also the ones that other programs use."""
NAMES = tuple(_NAMED)
"""The names that costd itself writes."""
