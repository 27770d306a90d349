"""The reports of runs as files: written as a whole, and again where that failed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from costd.core.errors import CostdError, PublishError
from costd.engine.told import told_run
from costd.publish.files import write_atomic

Json = dict[str, Any]

_MOST_BYTES = 4 << 20


class ReportFiles:
    """The directory of reports.

    Args:
        folder: ``<outputs>/reports``; None writes none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._unwritten: dict[str, str] = {}

    @property
    def troubles(self) -> Mapping[str, str]:
        """What ``health`` must say of them."""
        first = next(iter(self._unwritten.values()), "")
        return {"publish": first} if first else {}

    def write(self, place: str, data: bytes) -> None:
        """Write a report; what cannot be written now is written later."""
        if self._folder is None or not place:
            return
        path = self._folder / place
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(path, data)
        except PublishError as error:
            self._unwritten[place] = error.message
        except OSError as error:
            self._unwritten[place] = f"cannot make {path.parent}: {error.strerror}"
        else:
            self._unwritten.pop(place, None)

    def write_again(self, report_at: Callable[[str], bytes | None]) -> None:
        """Write what could not be written.

        Args:
            report_at: the report that belongs into a place, if there still is one.
        """
        for place in list(self._unwritten):
            data = report_at(place)
            if data is None:
                del self._unwritten[place]
            else:
                self.write(place, data)

    def remove(self, place: str) -> None:
        """Remove a report, and the directory of its day when that is empty."""
        if self._folder is None or not place:
            return
        with suppress(OSError):
            (self._folder / place).unlink()
        with suppress(OSError):
            (self._folder / place).parent.rmdir()

    def whole(self, report: Json) -> Json:
        """The report that was too long for a message, from its file where it is ours."""
        if self._folder is None:
            return report
        with suppress(OSError, ValueError, CostdError, KeyError, TypeError):
            whole = orjson.loads(_contents(self._folder / told_run(report).place))
            if whole["run"]["run_id"] == report["run"]["run_id"]:
                found: Json = whole
                return found
        return report


def _contents(path: Path) -> bytes:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("is no file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_MOST_BYTES)
    finally:
        os.close(descriptor)
