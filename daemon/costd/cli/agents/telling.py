"""``costd event``, as scripts and hooks call it: told to the daemon, or to the spool.

It waits a moment for a daemon and never for anything else; without one it starts none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from costd import client
from costd.core.errors import CostdError, UsageError

SECONDS = 0.3
"""How long one event waits for the daemon: after that the spool has it."""
MANY_SECONDS = 10.0
"""The same for a batch of a stream, which nobody waits for in a prompt."""
MOST_LINE = 64 * 1024
MOST_SPOOLED = 48 * 1024
"""Bytes of events in one message of the spool."""
_BATCH = 2000
_BATCH_BYTES = 700_000
# The same words as ``core.events``, which takes longer to load than all of this.
ACTIVITY = "activity"
NOT_TYPES = ("query", "send")

Said = dict[str, object]


class Told:
    """What became of events: numbers, and why some of them are none."""

    def __init__(self) -> None:
        self.accepted = self.duplicates = self.spooled = 0
        self.rejected: list[Said] = []
        self.ignored: set[str] = set()

    @property
    def as_json(self) -> Said:
        """For ``--json``."""
        found: Said = {
            "schema_version": 1,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "spooled": self.spooled,
            "rejected": self.rejected,
        }
        return found | (
            {"ignored_fields": sorted(self.ignored)} if self.ignored else {}
        )


def run(words: list[str]) -> int | None:
    """``TYPE key=value…``: the exit code; None for every other form."""
    if not words or words[0] in NOT_TYPES or any(w.startswith("-") for w in words):
        return None
    told = tell([from_words(words)], SECONDS)
    return finish(told, one=True)


def from_words(words: Sequence[str]) -> Said:
    """An event from a type and ``key=value`` words.

    Raises:
        UsageError: a word is neither.
    """
    kind, *pairs = words
    said: Said = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(
                "after the type come fields as key=value",
                "costd event task_start task_id=MIN-123",
            )
        if name == "type":
            name = "activity_type"  # as activities have one of their own
        if value:
            said[name] = value
    return {**said, "type": kind}


def from_lines(lines: Iterable[bytes], told: Told) -> Iterable[tuple[int, Said]]:
    """Events of JSON lines with their numbers from 0; what is none is noted."""
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict) and len(line) <= MOST_LINE:
            yield index, said
        else:
            told.rejected.append(
                {"index": index, "message": "an event is a JSON object on one line"}
            )


def tell_lines(lines: Iterable[bytes]) -> Told:
    """Tell every event of a stream, some at a time; a long one is never held."""
    told, some, size = Told(), list[tuple[int, Said]](), 0
    for index, said in from_lines(lines, told):
        some.append((index, said))
        size += len(json.dumps(said))
        if len(some) >= _BATCH or size >= _BATCH_BYTES:
            _tell(some, MANY_SECONDS, told)
            some, size = [], 0
    if some:
        _tell(some, MANY_SECONDS, told)
    told.rejected.sort(key=lambda one: str(one["index"]).zfill(12))
    return told


def tell(events: Sequence[Said], seconds: float) -> Told:
    """Tell some events."""
    told = Told()
    _tell(list(enumerate(events)), seconds, told)
    return told


def _tell(events: list[tuple[int, Said]], seconds: float, told: Told) -> None:
    stamped = [client.stamped(said) for _, said in events]
    try:
        answer = client.ask("POST", client.PATHS["events"], stamped, seconds)
    except client.RefusedError as error:
        raise CostdError(f"the daemon refuses it: {error}") from None
    except (OSError, LookupError, ValueError):
        _spool(events, stamped, told)
        return
    told.accepted += _number(answer, "accepted")
    told.duplicates += _number(answer, "duplicates")
    ignored, rejected = answer.get("ignored_fields"), answer.get("rejected")
    told.ignored.update(ignored if isinstance(ignored, list) else ())
    for one in rejected if isinstance(rejected, list) else ():
        told.rejected.append({**one, "index": events[one["index"]][0]})


def _number(answer: Said, name: str) -> int:
    value = answer.get(name)
    return value if isinstance(value, int) else 0


def _spool(events: list[tuple[int, Said]], stamped: list[Said], told: Told) -> None:
    """Leave the good ones for the next daemon; a mistake is told now, not then."""
    from costd.core.event_fields import (  # noqa: PLC0415 - with a daemon nobody needs it
        EventError,
    )
    from costd.core.events import read  # noqa: PLC0415 - for the same reason

    good = list[Said]()
    for (index, _), said in zip(events, stamped, strict=True):
        try:
            read(said, now=0, new_id=str, ignored=told.ignored)
        except EventError as error:
            told.rejected.append({"index": index, "message": str(error)})
        else:
            good.append(said)
    try:
        for some in portions(good):
            client.spool("events", {"events": some})
    except OSError as error:
        raise CostdError(
            f"no daemon answers, and the spool cannot be written ({error.strerror})",
            "See: costd doctor",
        ) from None
    told.spooled += len(good)


def portions(events: list[Said]) -> list[list[Said]]:
    """Events in lists that each fit into one message of the spool."""
    found: list[list[Said]] = []
    room = 0
    for one in events:
        size = len(json.dumps(one)) + 2
        if not found or size > room:
            found.append([])
            room = MOST_SPOOLED
        found[-1].append(one)
        room -= size
    return found


def finish(told: Told, *, as_json: bool = False, one: bool = False) -> int:
    """Say what became of them, a person more than a script; the exit code."""
    from costd.cli import output  # noqa: PLC0415 - after what an agent waits for

    if as_json:
        output.write_data(json.dumps(told.as_json).encode() + b"\n")
    elif output.on_terminal() and not (one and told.rejected):
        output.say(_said(told))
    if told.ignored:
        names = ", ".join(sorted(told.ignored)[:5])
        output.warn(f"costd: no event has a field called {names}; it was left out.")
    if not told.rejected:
        return 0
    if one:
        hint = "See: costd event --help"
        raise UsageError(f"{told.rejected[0]['message']}", hint)
    for refused in told.rejected[:5]:
        line = refused["index"]
        number = line + 1 if isinstance(line, int) else line
        output.warn(f"costd: line {number}: {refused['message']}")
    output.warn(f"costd: {len(told.rejected)} lines were no events.")
    return 1


def _said(told: Told) -> str:
    parts = [f"{told.accepted} taken"] if told.accepted or not told.spooled else []
    if told.duplicates:
        parts.append(f"{told.duplicates} known already")
    if told.spooled:
        parts.append(f"{told.spooled} in the spool: no daemon runs")
    return ", ".join(parts)
