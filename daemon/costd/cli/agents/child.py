"""A command that is started, waited for, and otherwise left alone.

It stays in this process group, with this terminal and these files: what the terminal
sends reaches it without us, what somebody sends to us alone is passed on. It begins as
a fork that waits to be released, so that things can be said about its process id before
it does anything.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

HELD_SECONDS = 1.0
"""So long a child waits for its release, and then goes on without it."""

NOT_FOUND, NOT_STARTED, BY_SIGNAL = 127, 126, 128
_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
_PASSED_ON = (
    *_FROM_TERMINAL,
    signal.SIGHUP,  # of a terminal that is gone only the session's leader is told
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCONT,
)
_HEARD = (*_PASSED_ON, signal.SIGCHLD)
# Python ignores these two; a program expects them as they are.
_PYTHONS = (signal.SIGPIPE, signal.SIGXFSZ)
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 5.0


class Child:
    """A command on its way.

    Args:
        command: the program, searched in the path of ``environ``, and its arguments.
        environ: its environment.
    """

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._arrivals = _Arrivals()
        held, self._release = os.pipe()
        # Nothing may arrive between the fork and the child's own way of taking it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        before = {n: signal.signal(n, _heard) for n in _HEARD}
        ignored = {n for n, way in before.items() if way is signal.SIG_IGN}
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._release)  # else it would wait for itself
            _become(command, environ, held, _Ways(ignored, mask))
        os.close(held)
        self._arrivals.begin()

    def release(self) -> None:
        """Let it begin."""
        os.close(self._release)

    def wait(self, look: Callable[[], None]) -> int:
        """Its exit status as a shell has it: 128 and the number of the signal.

        Args:
            look: called now and then, at first often.
        """
        pause = _FIRST_PAUSE
        while True:
            arrived = self._arrivals.within(pause)
            for number, is_terminals in arrived:
                # The terminal sends to the whole group, of which the child is one.
                if number in _PASSED_ON and not is_terminals:
                    self._send(number)
            if not arrived:
                look()
                pause = min(pause * 2, _LAST_PAUSE)
            status = self._state()
            if status is not None:
                return status

    def _state(self) -> int | None:
        """The exit status; None while it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
        if pid == 0:
            return None
        if os.WIFSTOPPED(status):
            self._stop_too()
            return None
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else BY_SIGNAL - code

    def _stop_too(self) -> None:
        """The shell waits for us: stopped is what it must see when the agent is."""
        if _in_foreground():
            os.kill(os.getpid(), signal.SIGSTOP)
            self._send(signal.SIGCONT)

    def _send(self, number: int) -> None:
        # Over, or somebody else's by now: there is nobody to tell.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, number)


class _Ways(NamedTuple):
    """How signals were taken before: those that were ignored, those that were held."""

    ignored: set[signal.Signals]
    mask: set[int]


class _Arrivals:
    """Signals as they come, and whether the terminal has sent them."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def begin(self) -> None:
        """Signals are held until now; where they can be waited for, they stay so."""
        if not hasattr(signal, "sigtimedwait"):
            signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)

    def within(self, seconds: float) -> list[tuple[int, bool]]:
        """What arrives first, in so many seconds; nothing when nothing does."""
        if hasattr(signal, "sigtimedwait"):
            found = signal.sigtimedwait(_HEARD, seconds)
            if found is None:
                return []
            # The kernel's own have a positive code, those of processes have not.
            is_keys = found.si_code > 0 and found.si_signo in _FROM_TERMINAL
            return [(found.si_signo, is_keys)]
        if not select.select([self._read], [], [], seconds)[0]:
            return []
        is_ours = _in_foreground()
        numbers = os.read(self._read, 4096)
        return [(number, is_ours and number in _FROM_TERMINAL) for number in numbers]


def _heard(_number: int, _frame: object) -> None:
    """Be interrupted; the number is in the pipe."""


def _in_foreground() -> bool:
    """Whether a terminal has this process group in its foreground."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _become(
    command: list[str],
    environ: dict[str, str],
    held: int,
    ways: _Ways,
) -> None:
    """In the fork: take signals as before, wait for the release, be the command."""
    status = NOT_STARTED
    try:
        for number in (*_HEARD, *_PYTHONS):
            way = signal.SIG_IGN if number in ways.ignored else signal.SIG_DFL
            signal.signal(number, way)
        signal.pthread_sigmask(signal.SIG_SETMASK, ways.mask)
        select.select([held], [], [], HELD_SECONDS)
        os.execvpe(command[0], command, environ)  # noqa: S606 - the command that was asked for
    except FileNotFoundError:
        status = NOT_FOUND
        _say(f"costd: {command[0]}: command not found\n")
    except OSError as error:
        _say(f"costd: {command[0]}: {error.strerror}\n")
    finally:
        os._exit(status)


def _say(text: str) -> None:
    from costd.core.plain import one_line  # noqa: PLC0415 - only a failure needs it

    line = one_line(text[:-1]) + "\n"
    os.write(2, line.encode("utf-8", "backslashreplace"))
