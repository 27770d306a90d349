"""Events in which Codex says that a call of its model failed."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from costd.core.failures import kind_of
from costd.core.usage import ApiError


class _Failed(Struct, gc=False):
    message: str | None = None
    codex_error_info: Raw = Raw()


class _Details(Struct, gc=False):
    http_status_code: int | None = None


_decode = msgspec.json.Decoder(_Failed).decode
_decode_info = msgspec.json.Decoder(str | dict[str, _Details | None] | None).decode


def failed(payload: Raw, thread_id: str, at: int) -> ApiError:
    """The kind of failure that an ``error`` event tells of; nothing of its text.

    Args:
        payload: the event.
        thread_id: whose it is.
        at: when it was written, milliseconds.
    """
    found = _decode(payload)
    said, status = found.message or "", None
    try:
        info = _decode_info(found.codex_error_info)
    except msgspec.MsgspecError:
        info = None
    if isinstance(info, dict):
        for name, details in info.items():
            said = f"{name} {said}"
            status = details.http_status_code if details else None
    else:
        said = f"{info or ''} {said}"
    kind = kind_of(said.replace("_", " "), status=status)
    return ApiError(f"{thread_id[:40]}@{at}", at, kind)
