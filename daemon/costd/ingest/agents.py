"""The note beside a subagent's log: ``agent-<id>.meta.json`` says what kind it is."""

from __future__ import annotations

import os

import msgspec

from costd.ingest.small import read_small

_MOST_BYTES = 64 * 1024
_LONGEST = 120


class Note(msgspec.Struct, frozen=True):
    """What is used of it; the subagent's kind, and the subagent that started it."""

    agentType: str = ""  # noqa: N815 - the note's own name
    parentAgentId: str = ""  # noqa: N815 - the note's own name


_decode = msgspec.json.Decoder(Note).decode


def note_beside(log: str) -> Note | None:
    """The note beside a log; None where there is none that can be read."""
    data = read_small(f"{os.path.splitext(log)[0]}.meta.json", _MOST_BYTES)  # noqa: PTH122 - names that are not UTF-8 stay as they are
    if data is None:
        return None
    try:
        note = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return Note(_plain(note.agentType), _plain(note.parentAgentId))


def _plain(text: str) -> str:
    return text if text.isprintable() and len(text) <= _LONGEST else ""
