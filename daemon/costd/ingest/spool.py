"""Messages that were left while no daemon took them: ``<state>/spool/*.json``.

``costd.client`` writes them, or anybody who can rename a file: one JSON object with a
``question``, its ``params`` and ``at``, the milliseconds when it was said. A file is
removed when what it says is in the ledger. The ``key`` among the parameters makes the
same message the same again, so one that is taken in and not yet removed, because the
machine stopped there, counts once all the same.

What cannot be used is set aside as ``*.bad``: never in the way, never thrown away.
"""

from __future__ import annotations

import heapq
import os
import stat
from contextlib import suppress
from typing import Any

import msgspec

MOST_BYTES = 64 * 1024
AT_ONCE = 500
"""Messages taken in one go; the next go takes the next ones."""

_LONGEST_KEY = 200
_LEFT_OVER_MS = 60 * 60 * 1000
"""A message that was begun so long ago will not be finished."""


class Message(msgspec.Struct, frozen=True):
    """One message, as it lies in the file ``name``."""

    question: str
    params: dict[str, Any]
    at: int
    name: str = ""


_decode = msgspec.json.Decoder(Message).decode


class Spool:
    """The directory of messages.

    Args:
        folder: where they lie; it need not exist.

    Attributes:
        reason: why the last one that was set aside could not be used.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._stuck: set[str] = set()
        self._unlisted = ""
        self.reason = ""

    def waiting(self, now: int) -> list[Message]:
        """The oldest messages, at most ``AT_ONCE``; what is none is set aside.

        Args:
            now: milliseconds since the epoch.
        """
        names = heapq.nsmallest(AT_ONCE, self._names(now))
        return [message for name in names if (message := self._read(name))]

    def remove(self, message: Message) -> None:
        """What it says is in the ledger."""
        try:
            os.unlink(self._path(message.name))  # noqa: PTH108 - names, not paths, are passed on
        except FileNotFoundError:
            pass
        except OSError as error:
            self._leave(message.name, f"cannot be removed ({error.strerror})")

    def set_aside(self, name: str, reason: str) -> None:
        """It cannot be used, now or later."""
        try:
            os.rename(self._path(name), self._path(f"{name}.bad"))  # noqa: PTH104 - as said above
        except FileNotFoundError:
            pass
        except OSError:
            self._leave(name, reason)
        else:
            self.reason = reason

    def trouble(self) -> str:
        """What must be said of it; empty when all is well."""
        listed = self._listed()
        if self._unlisted:
            return f"The spool {self.folder} cannot be read ({self._unlisted})."
        self._stuck.intersection_update(listed)
        count = len(self._stuck) + sum(name.endswith(".bad") for name in listed)
        if not count:
            return ""
        last = f"; the last one {self.reason}" if self.reason else ""
        return f"{count} messages in {self.folder} could not be used{last}."

    def _names(self, now: int) -> list[str]:
        found = []
        for name in self._listed():
            if name.startswith("."):
                self._forget_unfinished(name, now)
            elif name.endswith(".json") and name not in self._stuck:
                found.append(name)
        return found

    def _listed(self) -> list[str]:
        self._unlisted = ""
        try:
            return os.listdir(self.folder)  # noqa: PTH208 - as said above
        except FileNotFoundError:
            pass
        except OSError as error:
            self._unlisted = error.strerror or type(error).__name__
        return []

    def _forget_unfinished(self, name: str, now: int) -> None:
        path = self._path(name)
        with suppress(OSError):
            if now - os.lstat(path).st_mtime_ns // 1_000_000 > _LEFT_OVER_MS:
                os.unlink(path)  # noqa: PTH108 - as said above

    def _read(self, name: str) -> Message | None:
        try:
            message = _decode(_contents(self._path(name)))
        except FileNotFoundError:
            return None
        except OSError as error:
            self.set_aside(name, f"cannot be read ({error.strerror})")
        except (ValueError, RecursionError) as error:
            self.set_aside(name, _reason(error))
        else:
            return _named(message, name)
        return None

    def _leave(self, name: str, reason: str) -> None:
        """It stays where it is; once looked at is enough."""
        self._stuck.add(name)
        self.reason = reason

    def _path(self, name: str) -> str:
        return f"{self.folder}/{name}"


def _named(message: Message, name: str) -> Message:
    """The message with its file, and with a key in any case."""
    key = message.params.get("key")
    if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_KEY:
        key = f"spool:{name!a}"[:_LONGEST_KEY]
    params = {**message.params, "key": key}
    return Message(message.question, params, message.at, name)


def _contents(path: str) -> bytes:
    """The bytes of a regular file; of anything else there are none to wait for."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("is no file")
        data = os.read(descriptor, MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > MOST_BYTES:
        raise ValueError(f"is longer than {MOST_BYTES} bytes")
    return data


def _reason(error: ValueError | RecursionError) -> str:
    """Why it is no message, in words that hold nothing of what it says."""
    if isinstance(error, msgspec.ValidationError):
        return "lacks question, params or at"
    if isinstance(error, msgspec.DecodeError | UnicodeDecodeError | RecursionError):
        return "is not JSON"
    return str(error)
