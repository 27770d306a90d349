"""The process that reads logs, perhaps started before anybody knows that it is needed.

It takes as long to load as the engine does. Where there is no ledger yet a command that
hosts the engine will probably read everything: then both load at the same time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import costd

Process = subprocess.Popen[bytes]

_early: dict[int, Process] = {}
"""By the longest line that it takes."""


def begin(max_line_bytes: int) -> None:
    """Start it now, for whoever will ``take`` it."""
    _early[max_line_bytes] = _start(max_line_bytes)


def take(max_line_bytes: int) -> Process:
    """The process that was begun, else a new one; whoever takes it ends it."""
    return _early.pop(max_line_bytes, None) or _start(max_line_bytes)


def end() -> None:
    """Nobody needed it."""
    while _early:
        _, process = _early.popitem()
        process.kill()
        process.communicate()


def _start(max_line_bytes: int) -> Process:
    return subprocess.Popen(  # noqa: S603 - this interpreter, this package
        [sys.executable, "-P", "-m", "costd.engine.worker", str(max_line_bytes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # its end is noticed, its words may hold paths
        cwd="/",
        env={**os.environ, "PYTHONPATH": _own_path()},
        close_fds=True,
    )


def _own_path() -> str:
    """Where this very package is, also when it is not installed."""
    own = str(Path(costd.__file__).resolve().parents[1])
    return os.pathsep.join(filter(None, (own, os.environ.get("PYTHONPATH"))))
