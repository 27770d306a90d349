"""Replacing a file that others write too, without losing what they wrote meanwhile.

The new file and the one that is there change places in one step, and then one looks
at what one holds: is it not what was looked at before, somebody has written in between,
and that has to be merged in. Where the system cannot exchange two files, the one that
is there is compared just before it is replaced.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from costd.core.errors import PublishError
from costd.publish.files import problem_of, sync_directory, write_temporary

MOST_BYTES = 256 * 1024 * 1024
_TRIES = 20
_CHUNK = 1 << 16
_NEW_MODE = 0o600
_PAUSE = 0.05
"""Seconds in which a program that writes in place goes on."""

Merge = Callable[[list[bytes]], bytes | None]
"""What the file should hold, given what it holds and what was put in its place for a
moment; None: leave it as it is."""


def look(path: Path) -> bytes | None:
    """What is in the file; None where there is none.

    Raises:
        PublishError: there is something that cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise problem_of(path, error) from None
    try:
        return _contents(path, descriptor)
    except OSError as error:
        raise problem_of(path, error) from None
    finally:
        os.close(descriptor)


def _contents(path: Path, descriptor: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
        raise PublishError(f"{path} is not a file that can be read.", "Move it away.")
    # As long as it is at once: what grows in between is there twice for a moment.
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        return file.readall()


def update(path: Path, merge: Merge) -> bytes | None:
    """Make the file hold what ``merge`` says of whatever is in it.

    Returns:
        What it holds now.

    Raises:
        PublishError: it cannot be written, or others write without end.
    """
    target = Path(os.path.realpath(path))
    displaced: list[bytes] = []
    for _ in range(_TRIES):
        there = look(target)
        contents = [data for data in (there, *displaced) if data is not None]
        wanted = merge(contents)
        if wanted is None and displaced:
            wanted = displaced.pop()  # theirs, whatever it is: put it back
        if wanted is None or wanted == there:
            return there
        try:
            held = _replace(target, there, wanted)
        except OSError as error:
            raise problem_of(path, error) from None
        if held == there:
            return wanted
        if held:
            displaced.append(held)  # somebody was quicker: that has to go in too
    raise PublishError(
        f"{path} is written by others all the time.", "The next tick tries again."
    )


def _replace(target: Path, there: bytes | None, wanted: bytes) -> bytes | None:
    """Put the file in place; what it has replaced."""
    temporary = write_temporary(target, wanted, _mode(target))
    try:
        if there is None:
            return _create(temporary, target)
        if _exchange(temporary, target):
            sync_directory(target.parent)
            return _held(temporary, there)
        if look(target) != there:
            return None  # nothing was replaced: the next try sees it
        temporary.replace(target)
        sync_directory(target.parent)
        return there
    finally:
        with suppress(OSError):
            temporary.unlink()


def _held(temporary: Path, there: bytes) -> bytes:
    """What the file that was replaced holds, when nobody writes to it any more."""
    if _holds(temporary, there):
        return there
    held = temporary.read_bytes()
    while held != there:
        time.sleep(_PAUSE)
        again = temporary.read_bytes()
        if again == held:
            break
        held = again
    return held


def _holds(path: Path, expected: bytes) -> bool:
    """Whether a file holds just this; a large one is not read as a whole."""
    with path.open("rb") as file:
        for start in range(0, len(expected), _CHUNK):
            if file.read(_CHUNK) != expected[start : start + _CHUNK]:
                return False
        return not file.read(1)


def _create(temporary: Path, target: Path) -> bytes | None:
    """Give a new file its name, unless somebody has just made one."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        return b""  # nothing was replaced: the next try sees it
    except OSError:  # a file system without links
        temporary.replace(target)
    sync_directory(target.parent)
    return None


def _mode(target: Path) -> int:
    """Others' files keep their mode; a new one is ours alone."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except OSError:
        return _NEW_MODE


def _exchange(one: Path, other: Path) -> bool:
    """Let two files change places in one step; False where that cannot be done."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        names = os.fsencode(one), os.fsencode(other)
        if sys.platform == "darwin":
            swap = 2
            return bool(libc.renamex_np(*names, ctypes.c_uint(swap)) == 0)
        here, exchange = ctypes.c_int(-100), ctypes.c_uint(2)
        return bool(libc.renameat2(here, names[0], here, names[1], exchange) == 0)
    except (OSError, AttributeError):
        return False
