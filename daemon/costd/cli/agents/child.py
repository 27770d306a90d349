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

HELD_SECONDS = 1.0
"""So long a child waits for its release, and then goes on without it."""

NOT_FOUND, NOT_STARTED, BY_SIGNAL = 127, 126, 128
_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGHUP)
_PASSED_ON = (
    *_FROM_TERMINAL,
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
        self._signals, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._signals, False)
        held, self._release = os.pipe()
        # Nothing may arrive between the fork and the child's own way of taking it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        before = {n: signal.signal(n, _heard) for n in _HEARD}
        ignored = [n for n, way in before.items() if way is signal.SIG_IGN]
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._release)  # else it would wait for itself
            _become(command, environ, held, ignored)
        os.close(held)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)

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
            if select.select([self._signals], [], [], pause)[0]:
                self._pass_on(os.read(self._signals, 4096))
            else:
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

    def _pass_on(self, numbers: bytes) -> None:
        for number in numbers:
            # The terminal sends to the whole group, of which the child is one.
            if number in _PASSED_ON and not (
                number in _FROM_TERMINAL and _in_foreground()
            ):
                self._send(number)

    def _send(self, number: int) -> None:
        # Over, or somebody else's by now: there is nobody to tell.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, number)


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
    ignored: list[signal.Signals],
) -> None:
    """In the fork: take signals as before, wait for the release, be the command."""
    status = NOT_STARTED
    try:
        for number in (*_HEARD, *_PYTHONS):
            way = signal.SIG_IGN if number in ignored else signal.SIG_DFL
            signal.signal(number, way)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
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
