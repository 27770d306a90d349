"""Signals as messages, also while the main thread is busy: opening a ledger, say.

Python runs its handlers in the main thread, between two of its instructions. The byte
that the interpreter writes for each signal is read here by a thread of its own.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from costd.log import get_logger

STOP_SECONDS = 9.0
"""A service manager is promised ten before it kills."""

_STOPPING = (signal.SIGTERM, signal.SIGINT)

log = get_logger("service")


@contextmanager
def heard(stop: Callable[[], None], reload: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT ask for an end, SIGHUP for a new look at the configuration.

    An end that takes longer than ``STOP_SECONDS`` is forced, and a second request for
    one is obeyed at once; the exit status is 1 then.

    Args:
        stop: is called for the first request; from another thread.
        reload: is called for each SIGHUP; from another thread.
    """
    ours, theirs = socket.socketpair()
    theirs.settimeout(0)
    ears = _Ears(ours, stop, reload)
    before = {
        number: signal.signal(number, _noticed)
        for number in (*_STOPPING, signal.SIGHUP)
    }
    old = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    ears.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        theirs.close()  # ends the thread
        ears.join()
        ours.close()
        ears.at_ease()


def _noticed(_signal: int, _frame: object) -> None:
    """There has to be a handler; the byte says all."""


class _Ears(threading.Thread):
    def __init__(
        self,
        source: socket.socket,
        stop: Callable[[], None],
        reload: Callable[[], None],
    ) -> None:
        super().__init__(name="costd-signals", daemon=True)
        self._source = source
        self._stop_process = stop
        self._reload = reload
        self._deadline: threading.Timer | None = None

    def run(self) -> None:
        while numbers := self._source.recv(64):
            for number in numbers:
                if number == signal.SIGHUP:
                    self._reload()
                elif number in _STOPPING:
                    self._obey()

    def _obey(self) -> None:
        if self._deadline is not None:
            force_exit(tell=False)  # whoever asks twice knows that it hangs
        self._deadline = threading.Timer(STOP_SECONDS, force_exit)
        self._deadline.daemon = True
        self._deadline.start()
        self._stop_process()

    def at_ease(self) -> None:
        """Everything has ended in time."""
        if self._deadline is not None:
            self._deadline.cancel()


def force_exit(*, tell: bool = True) -> None:
    """Something hangs: leave, so that a supervisor can start anew.

    Args:
        tell: whether to say in which functions the threads are: no values, so nothing
            of a session.
    """
    log.error("stop_forced")
    with suppress(OSError, ValueError, RuntimeError):
        if tell:
            faulthandler.dump_traceback()
        sys.stderr.flush()
        if sys.stdout is not None and sys.stdout.isatty():
            os.write(sys.stdout.fileno(), b"\x1b[?25h")  # the summary hid the cursor
    os._exit(1)
