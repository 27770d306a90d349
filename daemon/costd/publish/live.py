"""Who wants to know at once when the ledger has changed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from costd.core.errors import BusyError

MOST_WATCHES = 16


class Watch:
    """One listener's end: woken from any thread, awaited in its own event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()

    def wake(self, *, closed: bool) -> None:
        """Say that something changed, or that the daemon stops."""
        try:
            self._loop.call_soon_threadsafe(self._set, closed)
        except RuntimeError:  # its loop has ended: nobody is there to be woken
            return

    def _set(self, closed: bool) -> None:  # noqa: FBT001  call_soon passes by position
        self._changed.set()
        if closed:
            self._closed.set()

    async def change(self, seconds: float) -> bool:
        """Wait for the next change; False when ``seconds`` pass without one."""
        happened = await _within(seconds, self._changed)
        self._changed.clear()
        return happened

    async def pause(self, seconds: float) -> None:
        """Let changes gather for a while; cut short when the daemon stops."""
        await _within(seconds, self._closed)


async def _within(seconds: float, event: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


class Live:
    """Passes "something changed" from the engine's thread to those who watch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the daemon stops: every stream ends now."""
        return self._closed

    def changed(self) -> None:
        """The ledger has changed. From any thread; free when nobody watches."""
        self._wake()

    def close(self) -> None:
        """End every stream. From any thread."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            watches = tuple(self._watches)
        for watch in watches:
            watch.wake(closed=self._closed)

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """Listen, inside an event loop.

        Raises:
            BusyError: as many listen as are allowed.
        """
        watch = Watch()
        with self._lock:
            if len(self._watches) >= MOST_WATCHES:
                raise BusyError(
                    f"{MOST_WATCHES} live streams are open already",
                    "Close one, or ask /api/status now and then.",
                )
            self._watches.add(watch)
        try:
            yield watch
        finally:
            with self._lock:
                self._watches.discard(watch)
