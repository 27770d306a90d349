"""Lines in which the agent says that a call of its model failed."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from costd.core.failures import kind_of
from costd.core.usage import ApiError, Reading

_LONGEST_KEY = 80


class _Text(Struct, gc=False):
    text: str | None = None


class _Said(Struct, gc=False):
    content: list[_Text] | str | None = None


class _Failed(Struct, gc=False):
    uuid: str | None = None
    error: str | None = None
    apiErrorStatus: int | None = None  # noqa: N815 - the log's own name
    message: _Said | None = None


_decode = msgspec.json.Decoder(_Failed).decode


def failed(raw: memoryview, at: int, reading: Reading) -> None:
    """Note the kind of failure that a line tells of; of its text nothing is kept.

    Args:
        raw: the line.
        at: when it was written, milliseconds.
        reading: where it is noted.
    """
    try:
        found = _decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        found = _Failed()
    said = (found.error or "").replace("_", " ")
    if found.message is not None:
        said += " " + _joined(found.message.content)
    key = found.uuid or f"{at}"
    kind = kind_of(said, status=found.apiErrorStatus)
    reading.api_errors.append(ApiError(key[:_LONGEST_KEY], at, kind))


def _joined(content: list[_Text] | str | None) -> str:
    if isinstance(content, str):
        return content
    return " ".join(block.text or "" for block in content or ())
