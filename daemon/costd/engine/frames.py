"""Messages between the engine and the process that reads for it: length, then bytes."""

from __future__ import annotations

import struct
from typing import IO

OBSERVATIONS_AT_ONCE = 1_000
"""So many are in a message, about."""
FINISHED = struct.Struct("<I")
"""Ends each message of segments: how many logs are read to their end in it."""
_LENGTH = struct.Struct("<I")


def send(stream: IO[bytes], payload: bytes) -> None:
    """Write one message."""
    stream.write(_LENGTH.pack(len(payload)) + payload)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read one message; None when the other side is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    payload = stream.read(length)
    return payload if len(payload) == length else None
