"""Everything costd knows about watchdog, and the only module that imports it.

What must be worked around in watchdog 7.1: its own reads wake it unless open and close
are left out of the filter; a handler that raises ends the dispatching thread and lets
the queue grow for ever; a reader thread that died leaves ``is_alive()`` true; its
warnings and log records hold the path of everything watched. On macOS the same class
is used over FSEvents; that half is written from documents and has not been run.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from errno import ENOSPC
from pathlib import Path
from typing import Literal, NamedTuple

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirModifiedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver, EventEmitter, ObservedWatch

from costd.ingest import kernel

Mode = Literal["inotify", "fsevents"]

STOP_SECONDS = 5.0
_FILTER: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
if sys.platform == "darwin":
    # FSEvents may say no more than that something in a directory changed.
    _FILTER.append(DirModifiedEvent)


def identity(place: str) -> tuple[int, int] | None:
    """Which directory is at ``place``, as ``(dev, ino)``; None if there is none."""
    try:
        status = Path(place).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


class _Armed(NamedTuple):
    """A watched directory and which one it was, for one may take another's name."""

    watch: ObservedWatch
    identity: tuple[int, int]


class Lookout:
    """One running observer and the places it watches.

    Args:
        hear: called in the dispatching thread with each event's path, that of a
            directory too; must neither block nor raise.
        overflowed: called in the reading thread when the kernel dropped events;
            must neither block nor raise.
    """

    def __init__(
        self, hear: Callable[[str], None], overflowed: Callable[[], None]
    ) -> None:
        self.mode: Mode = "fsevents" if sys.platform == "darwin" else "inotify"
        self._handler = _Hints(hear)
        self._overflow = _OverflowRecords(overflowed)
        self._armed: dict[str, _Armed] = {}
        _quieten()
        self._observer = _new_observer()

    def start(self) -> None:
        """Begin, with no place yet."""
        _logger().addHandler(self._overflow)
        self._observer.start()

    def stop(self) -> bool:
        """End; false if a thread hangs and had to be left behind."""
        _logger().removeHandler(self._overflow)
        # watchdog joins its threads without a limit; a daemon must be able to end.
        stopping = threading.Thread(target=self._end, daemon=True)
        stopping.start()
        stopping.join(STOP_SECONDS)
        return not stopping.is_alive()

    def _end(self) -> None:
        self._observer.stop()
        if self._observer.is_alive():
            self._observer.join()

    def tend(self, places: Mapping[str, bool]) -> bool:
        """Arm what appeared or was replaced, disarm what went away.

        Args:
            places: real paths of directories, existing or not; whether with all that
                is under them.

        Returns:
            Whether anything was armed: what happened there before was not heard.

        Raises:
            OSError: the kernel refuses more watches (ENOSPC).
        """
        for place in [p for p in self._armed if p not in places]:
            self._disarm(place)
        fresh = [self._tend(p, recursive=r) for p, r in places.items()]
        return any(fresh)

    def is_armed(self, place: str) -> bool:
        """Whether ``place`` was there when it was last tended."""
        return place in self._armed

    def _tend(self, place: str, *, recursive: bool) -> bool:
        now = identity(place)
        armed = self._armed.get(place)
        if armed is not None:
            if armed.identity == now and self._hears(armed.watch):
                return False
            self._disarm(place)
        if now is None:
            return False
        try:
            watch = self._observer.schedule(
                self._handler, place, recursive=recursive, event_filter=_FILTER
            )
        except OSError as error:
            if error.errno == ENOSPC:
                raise
            return False  # it went away just now; the next time will tell
        self._armed[place] = _Armed(watch, now)
        return True

    def _disarm(self, place: str) -> None:
        self._observer.unschedule(self._armed.pop(place).watch)

    def _hears(self, watch: ObservedWatch) -> bool:
        emitters: set[EventEmitter] = self._observer.emitters
        return any(e.watch == watch and e.is_alive() for e in emitters.copy())

    def dead_part(self) -> str:
        """The name of a thread that died; empty if all live."""
        if not self._observer.is_alive():
            return "dispatching"
        reader = getattr(self._observer, "_inotify_fd", None)
        if isinstance(reader, threading.Thread) and not reader.is_alive():
            return "reading"
        return ""

    def backlog(self) -> int:
        """How many events wait to be dispatched."""
        return self._observer.event_queue.qsize()

    def watches(self) -> int | None:
        """How many directories the kernel watches for this observer; None: unknown."""
        reader = getattr(self._observer, "_inotify_fd", None)
        descriptor = getattr(reader, "_inotify_fd", None)
        if not isinstance(descriptor, int):
            return None
        return kernel.inotify_watches(descriptor)


class _Hints(FileSystemEventHandler):
    """Passes paths on, whatever the event was."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear

    def dispatch(self, event: FileSystemEvent) -> None:
        self._hear(os.fsdecode(event.src_path))
        if event.dest_path:
            self._hear(os.fsdecode(event.dest_path))


class _OverflowRecords(logging.Handler):
    """Listens for the one record by which watchdog tells of an overflow.

    Each watched place logs a record of its own after it; only the reader's counts.
    """

    def __init__(self, overflowed: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._overflowed = overflowed

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.endswith("inotify_c") and "overflow" in str(record.msg):
            self._overflowed()


def _new_observer() -> BaseObserver:
    """The native observer; watchdog's own polling costs ten times a sweep.

    Raises:
        ImportError: this platform has none.
        OSError: the kernel gives out no more inotify instances.
    """
    if sys.platform == "linux":
        from watchdog.observers.inotify import (  # noqa: PLC0415 - cannot be imported elsewhere
            InotifyObserver,
        )

        return InotifyObserver()
    if sys.platform == "darwin":
        from watchdog.observers.fsevents import (  # noqa: PLC0415 - cannot be imported elsewhere
            FSEventsObserver,
        )

        return FSEventsObserver()
    raise ImportError("no native file events on this platform")


def _logger() -> logging.Logger:
    return logging.getLogger("watchdog")  # noqa: TID251 - watchdog's logger, not ours


def _quieten() -> None:
    """Keep watchdog's records and warnings, which hold paths, out of every log."""
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="watchdog")
    logger = _logger()
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    if not any(isinstance(h, logging.NullHandler) for h in logger.handlers):
        # Without it, records of an observer being stopped would go to stderr.
        logger.addHandler(logging.NullHandler())
