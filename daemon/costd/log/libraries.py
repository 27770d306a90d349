"""Records, warnings and crashes of others on their way through the guard.

Their templates are kept, the texts put into them are not: uvicorn, APScheduler and
asyncio write arguments and exceptions into their messages, and those hold anything.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import PurePath
from types import TracebackType
from typing import Any

from costd.log.events import PRIORITIES, get_logger


def bridge_libraries(threshold: int) -> None:
    """Send ``logging``, ``warnings`` and uncaught exceptions to the log.

    Args:
        threshold: costd's own level; libraries are heard from ``WARNING`` on.
    """
    root = logging.getLogger()  # noqa: TID251 - the libraries' root, to be bridged
    # alone: another handler would write what this one leaves out
    root.handlers[:] = [_Bridge()]
    root.setLevel(max(threshold, logging.WARNING))
    warnings.showwarning = _log_warning
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash
    sys.unraisablehook = _log_unraisable


class _Bridge(logging.Handler):
    """One record of a library, as an event."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        write = getattr(
            get_logger(record.name), level if level in PRIORITIES else "warning"
        )
        write("library_logged", message=_template(record), exc_info=record.exc_info)


def _template(record: logging.LogRecord) -> str:
    """The first line of the message with its numbers, and the classes of the rest."""
    if not isinstance(record.msg, str):
        return f"<{type(record.msg).__name__}>"
    text = record.msg.partition("\n")[0]
    if record.name == "asyncio":  # puts the arguments of a callback into its message
        text = re.split(r"[(<]", text, maxsplit=1)[0]
    args = record.args
    if not args:
        return text
    try:
        if isinstance(args, Mapping):
            return text % {key: _number(value) for key, value in args.items()}
        return text % tuple(_number(value) for value in args)
    except (TypeError, ValueError, KeyError):  # a template that wants more than numbers
        return text


def _number(value: object) -> object:
    return value if isinstance(value, int | float) else f"<{type(value).__name__}>"


def _log_warning(*warning: Any, **_more: Any) -> None:
    """Class and place: the text of one of watchdog's lists every watched path."""
    _text, category, filename, line, *_ = warning
    file = "/".join(PurePath(filename).parts[-2:])
    get_logger("python").warning(
        "warning_raised", kind=category.__name__, place=f"{file}:{line}"
    )


def _log_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):  # somebody at a terminal, who did it
        sys.__excepthook__(kind, error, trace)
    else:
        get_logger("python").critical("process_crashed", exc_info=error)


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_type is not SystemExit:  # the quiet way to end a thread
        get_logger("python").critical("thread_crashed", exc_info=crash.exc_value)


def _log_unraisable(failure: Any) -> None:
    get_logger("python").error("cleanup_failed", exc_info=failure.exc_value)
