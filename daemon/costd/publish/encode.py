"""Values to JSON bytes, for files and replies: whatever comes, something valid."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from io import BytesIO

import orjson

_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
_DEEPEST = 200
_INT64 = 2**63


def dump(obj: object) -> bytes:
    """JSON for a file that people open too: indented, with a newline at its end."""
    if isinstance(obj, Ready):
        return bytes(obj)
    return _encode(obj, _OPTIONS | orjson.OPT_INDENT_2)


def compact(obj: object) -> bytes:
    """JSON on one line, for a reply."""
    return _encode(obj, _OPTIONS)


class Ready(bytes):
    """JSON as ``dump`` writes it: what is long is put together from parts at hand."""


def part(obj: object, depth: int) -> bytes:
    """A value as it stands in the JSON of another one, so many levels deep."""
    return dump(obj)[:-1].replace(b"\n", b"\n" + b"  " * depth)


def listed(parts: Iterable[bytes], depth: int) -> bytes:
    """Parts of the next level as a list."""
    return _enclosed(b"[", parts, b"]", depth)


def keyed(parts: Iterable[tuple[str, bytes]], depth: int, end: bytes = b"") -> bytes:
    """Parts of the next level as an object, and what comes behind it."""
    named = (part(name, 0) + b": " + value for name, value in parts)
    return _enclosed(b"{", named, b"}", depth, end)


def _enclosed(
    begin: bytes, parts: Iterable[bytes], end: bytes, depth: int, behind: bytes = b""
) -> bytes:
    """One piece after the other into one place: all of them may be megabytes."""
    outer = b"\n" + b"  " * depth
    inner = outer + b"  "
    out, between = BytesIO(), begin + inner
    for each in parts:
        out.write(between)
        out.write(each)
        between = b"," + inner
    out.write(outer + end if out.tell() else begin + end)
    out.write(behind)
    return out.getvalue()


def _encode(obj: object, options: int) -> bytes:
    try:
        return orjson.dumps(obj, default=_fallback, option=options)
    except orjson.JSONEncodeError:
        # Rare: a name that is not UTF-8, a number over 64 bits, a loop.
        return orjson.dumps(_plain(obj, 0), default=_fallback, option=options)


def _fallback(value: object) -> object:
    """A form for what JSON has no word for; its type's name when there is none."""
    if isinstance(value, os.PathLike):
        return _text(os.fsdecode(value))
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, AbstractSet):
        return [_plain(item, 1) for item in value]
    return f"<{type(value).__name__}>"


def _plain(value: object, depth: int) -> object:
    """``value`` with everything replaced that the encoder refuses."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and not -_INT64 <= value < 2 * _INT64:
        return _digits(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(item, depth + 1) for item in value]
    return value if isinstance(value, int | float | date | None) else _fallback(value)


def _key(key: object) -> str:
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return _text(key if isinstance(key, str) else str(key))


def _text(text: str) -> str:
    r"""``text`` with each lone surrogate as its escape (``\udcff``).

    File names that are not UTF-8 reach Python with those. A question mark instead
    would make two names one.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _digits(number: int) -> str:
    try:
        return str(number)
    except ValueError:  # Python refuses to print more than 4,300 digits
        return "<int>"
