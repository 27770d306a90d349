"""Leaving a report: a file for people and programs, a message for costd."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from costd import client

MOST_BYTES = 48 * 1024
SECONDS = 0.2
"""What the daemon gets to hear of it; else the message waits in the spool."""

_LONG = {
    "tokens": ("per_iteration",),
    "timing": ("per_iteration",),
    "files": ("modified", "created", "deleted"),
    "validation": ("runs",),
    "scope": ("blocked_files",),
}


def leave(report: dict[str, Any], seconds: float = SECONDS) -> str:
    """Write ``<outputs>/reports/YYYY-MM-DD/run-<8 hex>.json`` and tell costd.

    The daemon writes the file anew when it knows what the run has cost. Nothing is
    raised: a run does not fail over its report.

    Args:
        report: as ``MetricsCollector.to_report`` gives it.
        seconds: how long to wait for the daemon.

    Returns:
        The file's path, or an empty text where it could not be written.
    """
    path = ""
    with suppress(Exception):
        path = write(report)
    with suppress(Exception):
        client.tell("run", message(report), seconds)
    return path


def message(report: dict[str, Any]) -> dict[str, object]:
    """What costd is told: the report, without its lists where those are long.

    A message in the spool has a limit; the whole report is in the file.
    """
    key = f"run:{report['run']['run_id']}"
    if len(json.dumps(report)) > MOST_BYTES:
        report = {**report, "truncated": True}
        for part, names in _LONG.items():
            short = {n: v for n, v in report[part].items() if n not in names}
            report[part] = short
    return {"key": key, "report": report}


def write(report: dict[str, Any]) -> str:
    """The file, whole or not at all, for its owner alone.

    Raises:
        OSError: it cannot be written.
    """
    path = f"{output_dir()}/reports/{place(report)}"
    folder = os.path.dirname(path)  # noqa: PTH120 - pathlib is slow to load
    for part in (output_dir(), f"{output_dir()}/reports", folder):
        os.makedirs(part, 0o700, exist_ok=True)  # noqa: PTH103 - as said above
    temporary = f"{folder}/.costd-{os.getpid()}-{os.urandom(8).hex()}.tmp"
    try:
        with open(temporary, "x", encoding="utf-8", opener=client.private) as file:
            json.dump(report, file, indent=2)
            file.write("\n")
        os.replace(temporary, path)  # noqa: PTH105 - as said above
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108 - as said above
        raise
    return path


def place(report: dict[str, Any]) -> str:
    """``YYYY-MM-DD/run-<8 hex>.json``: the day in UTC on which it began."""
    day = str(report["timing"]["started_at"])[:10]
    return f"{day}/run-{str(report['run']['run_id'])[:8]}.json"


def output_dir() -> str:
    """Where costd publishes; raises as ``client.directory``."""
    return client.directory("output_dir", "XDG_DATA_HOME", "~/.local/share")
