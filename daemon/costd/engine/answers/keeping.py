"""How the ledger's file is kept: what ``status``, ``health`` and ``doctor`` say of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from costd.core.instants import DAY, HOUR, format_instant
from costd.core.summary import instant
from costd.engine.answers.problem import ERROR, Problem, quoted
from costd.engine.view import View

_OLD = 3 * DAY
"""Snapshots are daily; a machine may sleep over a weekend."""
_LITTLE_BYTES = 200 << 20
_SCARCE_BYTES = 20 << 20
_RESTART = "`costd service restart`"


def file_problems(view: View) -> Iterator[Problem]:
    """What is wrong with the file, its disk, its snapshots, and the clock."""
    yield from _file(view)
    yield from _kept(view)
    yield from _disk(view)
    yield from _clock(view)


def _file(view: View) -> Iterator[Problem]:
    care = view.care
    if (trouble := view.intake.problem) is not None:
        yield Problem(trouble.code, trouble.message, trouble.fix, ERROR)
    if view.ledger.database.is_replaced():
        yield Problem(
            "ledger_replaced",
            "The ledger's file was removed or replaced while it was in use.",
            f"costd puts it back with its next beat; if not: {_RESTART}",
            ERROR,
        )
    if care.damage:
        fix = "costd mends it now; ask again in a moment."
        if not view.is_daemon:
            fix = "The daemon mends it: `costd service start`, or `costd run`"
        elif not care.must_go():
            folder = quoted(view.ledger.database.path.with_name("snapshots"))
            fix = (
                "It was mended once today already: put a copy back with "
                f"`costd restore FILE`; `ls {folder}` shows them."
            )
        said = f"The ledger is damaged: {care.damage}."
        yield Problem("ledger_damaged", said, fix, ERROR)
    if care.is_recovering:
        yield Problem(
            "ledger_recovering",
            "The ledger was made anew and still reads the logs: sums are not complete.",
            "Wait for `costd sync` to end.",
            ERROR,
        )


def _kept(view: View) -> Iterator[Problem]:
    care = view.care
    if care.reports:
        latest = care.reports[0]
        yield Problem(
            "ledger_recovered",
            f"The ledger's file was mended or put back; {latest.name} says what could "
            "not be recovered.",
            f"Read it, then remove it: `rm {quoted(latest)}`",
        )
    if care.trouble is not None:
        yield Problem("snapshot_failed", care.trouble.message, care.trouble.fix)
    snapshot = care.snapshot
    if snapshot is not None and view.is_daemon and view.now - snapshot.at > _OLD:
        days = (view.now - snapshot.at) // DAY
        yield Problem(
            "snapshot_old",
            f"The newest snapshot of the ledger is {days} days old.",
            "Make a copy now: `costd backup`",
        )


def _disk(view: View) -> Iterator[Problem]:
    free = view.care.disk_free
    if free is None or free >= _LITTLE_BYTES:
        return
    place = quoted(view.ledger.database.path.parent)
    is_scarce = free < _SCARCE_BYTES
    yield Problem(
        "disk_low",
        f"{free >> 20} MiB are free on the ledger's disk.",
        f"See `df -h {place}`, and free some space.",
        *([ERROR] if is_scarce and view.intake.problem is not None else []),
    )


def _clock(view: View) -> Iterator[Problem]:
    drift = view.care.drift
    if drift.last_at and 0 <= view.now - drift.last_at < HOUR:
        yield Problem(
            "clock_jumped",
            f"The clock was set by {drift.last_seconds:+.0f} s at "
            f"{format_instant(drift.last_at)}; {drift.jumps} times since the start.",
            "See `timedatectl` (`sntp` on macOS): what it sets it by.",
        )


def kept(view: View) -> dict[str, Any]:
    """The part ``ledger`` of the status."""
    care, path = view.care, view.ledger.database.path
    return {
        "path": str(path),
        "bytes": size_of(path),
        "checked_at": instant(care.checked.at) if care.checked else None,
        "whole": None if care.checked is None else not care.damage,
        "snapshot_at": instant(care.snapshot.at) if care.snapshot else None,
        "busy_count": view.intake.busy_count,
        "recovering": care.is_recovering,
        "disk_free_bytes": care.disk_free,
        "clock_jumps": care.drift.jumps,
    }


def size_of(path: Path) -> int | None:
    """The bytes of a ledger with its write-ahead log; None where nobody can say."""
    try:
        size = path.stat().st_size
    except OSError:
        return None
    with suppress(OSError):
        size += path.with_name(path.name + "-wal").stat().st_size
    return size
