"""From the bytes of a log to JSON objects, damaged lines included.

Part of the independent recount (``recount.py``): it shares no code and no idea with
the daemon, on purpose; it exists to disagree with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

Json = dict[str, object]

# No response has a thousand billion tokens; a count above this is damage.
HIGHEST_COUNT = 10**12
# A record has one of these; blocks of a message's content, which a search inside a
# cut record also finds, have none.
PARTS_OF_LOG = frozenset({"message", "sessionId", "session_id"})
# Where a record can begin inside a damaged line.
RECORD_START = re.compile(r'\{"parentUuid"|\{"type":')


class BadNumberError(ValueError):
    """A count that is not a whole number of tokens; the line is not used."""


def session_logs(root: Path) -> list[Path]:
    """The files that can hold cost, in the order of their names (format page 1.3)."""
    return [
        path
        for path in sorted(root.rglob("*.jsonl"))
        if path.is_file()
        and not path.is_symlink()
        and path.name != "journal.jsonl"
        and ".orphaned-" not in path.name
        and ".superseded-" not in path.name
        and "tool-results" not in path.relative_to(root).parts
    ]


def physical_lines(data: bytes) -> Iterator[tuple[str, bool]]:
    """Text of each line and whether it ends in a newline."""
    parts = data.split(b"\n")
    for index, part in enumerate(parts):
        text = part.decode("utf-8", errors="replace")
        yield text.replace("\0", "").strip("\ufeff\r \t"), index < len(parts) - 1


def records_of(text: str) -> tuple[list[Json], bool]:
    """The records in one line and whether the line was damaged.

    A whole object is one record. Anything else is searched for records from the
    left: one after the other, then from the next place where one can begin.
    """
    if not text:
        return [], False
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return list(salvage(text)), True
    return ([value], False) if isinstance(value, dict) else ([], True)


def salvage(text: str) -> Iterator[Json]:
    """Every object that can still be read in a damaged line."""
    decoder = json.JSONDecoder()
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            found = RECORD_START.search(text, position + 1)
            if found is None:
                return
            position = found.start()
        else:
            if isinstance(value, dict) and not PARTS_OF_LOG.isdisjoint(value):
                yield value


def whole(value: object) -> int:
    """A count; absent means 0, anything but a sane whole number is refused."""
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= HIGHEST_COUNT:
        raise BadNumberError
    return value


def text(value: object) -> str | None:
    """A string with something in it, else None."""
    return value if isinstance(value, str) and value else None


def mapping(value: object) -> Json:
    """An object, else an empty one."""
    return value if isinstance(value, dict) else {}


def instant(value: object) -> int | None:
    """Milliseconds since the epoch of an RFC 3339 string with a zone, else None."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None:
        return None
    return round(at.timestamp() * 1000)
