"""Files that other programs export, read as text."""

from __future__ import annotations

import sys
from pathlib import Path

from costd.core.errors import CostdError

LARGEST = 512 * 1024 * 1024
_LONGEST_NAME = 200


def export_text(file: str) -> str:
    """The file as text; Excel writes UTF-16, and many put a mark in front.

    Raises:
        CostdError: it cannot be read, or is too large.
    """
    try:
        if file == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(LARGEST + 1)
    except OSError as error:
        raise CostdError(
            f"{file[:200]!r} cannot be read: {error.strerror}.", "Name an export."
        ) from None
    if len(data) > LARGEST:
        raise CostdError("The file is larger than 512 MiB.", "Export less of it.")
    is_wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    return data.decode("utf-16" if is_wide else "utf-8-sig", "replace")


def export_name(file: str) -> str:
    """What is remembered of where it came from: the file's name, not its directory."""
    name = "standard input" if file == "-" else Path(file).name
    return "".join(sign for sign in name if sign.isprintable())[-_LONGEST_NAME:]
