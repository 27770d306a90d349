"""The file of the logical clock: which node this is, and how far its time has come.

It is only a floor beside the ledger, for the day when somebody begins a new ledger.
Damaged or gone it costs nothing: the ledger's own events say how late it is.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress

from costd.ingest.small import read_small

_MOST_BYTES = 4096
_LATEST = 1 << 48
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def read_clock(path: str) -> tuple[str, int]:
    """Node and time; an empty name and 0 where the file says none that is possible."""
    data = read_small(path, _MOST_BYTES)
    with suppress(ValueError, RecursionError):
        found = json.loads(data or b"")
        if isinstance(found, dict):
            return _node(found.get("node_id")), _time(found.get("lamport"))
    return "", 0


def write_clock(path: str, node_id: str, time: int) -> None:
    """Replace the file; what cannot be written is left as it is."""
    new = f"{path}.new"
    with suppress(OSError):
        with open(new, "w", encoding="utf-8") as file:  # noqa: PTH123 - names, not paths, are passed on
            file.write(json.dumps({"node_id": node_id, "lamport": time}) + "\n")
        os.replace(new, path)  # noqa: PTH105 - as said above


def _node(value: object) -> str:
    return value if isinstance(value, str) and _NODE.fullmatch(value) else ""


def _time(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 <= value <= _LATEST else 0
