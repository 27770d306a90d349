"""Lines that are not one JSON object: what can be saved is saved.

Seen in real logs: a record cut short with the next one on the same line, two records
without a newline between them, runs of NUL bytes, byte-order marks, invalid UTF-8,
lone surrogate escapes. What is found here goes the same way as any other line.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import msgspec

from costd.core.usage import SkippedLine
from costd.sources.claude_code.shapes import Line, Note

_DECODER = json.JSONDecoder()
_RECORD = re.compile(r'\{\s*"[A-Za-z_]{2,32}"\s*:')
_MOST_VALUES = 200_000
_MAX_TRIES = 64
_MAX_DEPTH = 3
_NOISE = "\0\ufeff \t\r\n"
_TEXT_FIELDS = (
    "type sessionId session_id cwd gitBranch timestamp uuid parentUuid requestId "
    "request_id agentId"
).split()
_MESSAGE_TEXT = ("model", "id", "stop_reason")
_BLOCK_TEXT = ("id", "name", "tool_use_id")
_NESTED: dict[str, type] = {
    "cache_creation": dict,
    "server_tool_use": dict,
    "output_tokens_details": dict,
    "fallback_credit": dict,
    "iterations": list,
}


class Saved(NamedTuple):
    """What came out of a damaged line."""

    objects: list[dict[str, Any]]
    skipped: list[SkippedLine]
    salvaged: int


def save(raw: bytes, offset: int) -> Saved:
    """Every record in ``raw``, and where something was lost.

    A line that is whole but for noise around it, or that only the strict decoder
    refused, yields one object and counts as neither salvaged nor skipped.
    """
    text = raw.decode("utf-8", errors="replace").strip(_NOISE)
    if not text:
        return Saved([], [], 0)
    if _is_crowded(raw):
        return Saved([], [SkippedLine(offset, len(raw), "too many values")], 0)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _resync(text, raw, offset)
    if isinstance(found, dict):
        return Saved([found], [], 1 if raw[:1] == b"\0" else 0)
    return Saved([], [SkippedLine(offset, len(raw), "not an object")], 0)


def _is_crowded(raw: bytes) -> bool:
    """Whether the values in ``raw`` would take some hundred megabytes of memory.

    The strict decoder builds only what is needed; here everything would be built.
    """
    return (
        len(raw) > _MOST_VALUES
        and raw.count(b"{") + raw.count(b"[") + raw.count(b",") // 4 > _MOST_VALUES
    )


def _resync(text: str, raw: bytes, offset: int) -> Saved:
    """Look for records at the places where one could begin, a bounded number of times."""
    objects: list[dict[str, Any]] = []
    position = lost = 0
    for _ in range(_MAX_TRIES):
        start = _RECORD.search(text, position)
        if start is None:
            break
        try:
            found, end = _DECODER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            lost += 1
            position = start.start() + 1
            continue
        if isinstance(found, dict) and _is_record(found):
            objects.append(found)
        position = end
    rest = text[position:].strip(_NOISE)
    if lost or rest or not objects:
        skipped = [SkippedLine(offset, len(raw), "not valid JSON")]
        return Saved(objects, skipped, len(objects))
    return Saved(objects, [], len(objects))


def _is_record(found: dict[str, Any]) -> bool:
    """Whether an object is a line of its own and not an inner part of a cut one."""
    return isinstance(found.get("type"), str) and (
        "sessionId" in found or "session_id" in found or "uuid" in found
    )


def to_line(found: dict[str, Any]) -> Line | None:
    """The typed line; None when a count in it makes no sense.

    A text field of another type is taken as absent; a token count that is not a
    sensible integer condemns the line, because a guess would be a wrong number.
    """
    picked = {key: _text(found.get(key)) for key in _TEXT_FIELDS}
    line: dict[str, Any] = {key: text for key, text in picked.items() if text}
    if isinstance(found.get("isSidechain"), bool):
        line["isSidechain"] = found["isSidechain"]
    if isinstance(found.get("forkedFrom"), dict):
        line["forkedFrom"] = {}
    result = found.get("toolUseResult")
    if isinstance(result, dict) and type(result.get("searchCount")) is int:
        line["toolUseResult"] = {"searchCount": result["searchCount"]}
    if (message := _message(found.get("message"))) is not None:
        line["message"] = message
    data = found.get("data")
    if isinstance(data, dict) and isinstance(data.get("message"), dict):
        line["data"] = _progress(data)
    try:
        return msgspec.convert(line, Line)
    except (msgspec.ValidationError, RecursionError):
        return None


def to_note(found: dict[str, Any]) -> Note | None:
    """The typed form of a line that is not part of the conversation."""
    try:
        return msgspec.convert(_clean(found), Note)
    except (msgspec.ValidationError, RecursionError):
        return None


def _clean(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        return {key: _clean(inner, depth + 1) for key, inner in value.items()}
    return value


def _text(value: object) -> str | None:
    """``value`` if it is text; a lone surrogate becomes a question mark."""
    if not isinstance(value, str):
        return None
    return value.encode("utf-8", errors="replace").decode("utf-8")


def _message(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    message: dict[str, Any] = {
        key: text for key in _MESSAGE_TEXT if (text := _text(value.get(key)))
    }
    usage = value.get("usage")
    if isinstance(usage, dict):
        message["usage"] = _usage(usage)
    message["content"] = _blocks(value.get("content"))
    return message


def _usage(usage: dict[str, Any]) -> dict[str, Any]:
    """The counts as they are, and of the rest only what has the right type."""
    cleaned: dict[str, Any] = _clean(usage)
    for key in ("speed", "inference_geo"):
        if not isinstance(cleaned.get(key), str):
            cleaned.pop(key, None)
    for key, kind in _NESTED.items():
        if not isinstance(cleaned.get(key), kind):
            cleaned.pop(key, None)
    return cleaned


def _blocks(content: object) -> list[dict[str, str | None]]:
    """The content's blocks without their text."""
    return [
        {key: _text(block.get(key)) for key in _BLOCK_TEXT}
        for block in (content if isinstance(content, list) else ())
        if isinstance(block, dict)
    ]


def _progress(data: dict[str, Any]) -> dict[str, Any]:
    inner = data["message"]
    nested: dict[str, Any] = {
        key: text
        for key in ("type", "timestamp", "requestId", "uuid", "parentUuid")
        if (text := _text(inner.get(key)))
    }
    if (message := _message(inner.get("message"))) is not None:
        nested["message"] = message
    progress: dict[str, Any] = {
        key: text for key in ("type", "agentId") if (text := _text(data.get(key)))
    }
    progress["message"] = nested
    return progress
