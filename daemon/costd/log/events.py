"""How an event becomes a line: structlog, set up for a terminal, a pipe or journald."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import Any, TextIO, cast

import orjson

from costd.log.guard import explain_exception, guard

# structlog imports rich when it finds it: 40 ms and 4 MB for tables that a log has not.
_HIDE_RICH = "rich" not in sys.modules
if _HIDE_RICH:
    sys.modules["rich"] = None  # type: ignore[assignment]  # means "do not import"
import structlog  # noqa: E402 - after rich is hidden
from structlog.typing import EventDict, FilteringBoundLogger, Processor  # noqa: E402 - after rich is hidden

if _HIDE_RICH:
    del sys.modules["rich"]

PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
"""The priorities of syslog by the names of the levels."""


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of one part of costd: ``engine``, ``tail``, ``http``."""
    return cast("FilteringBoundLogger", structlog.get_logger(name))


def write_events(threshold: int, log_format: str, stream: TextIO | None) -> None:
    """Write events of level ``threshold`` and above to ``stream``.

    None is whatever standard error is at the time of each line.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_name,
            explain_exception,
            guard,
            _renderer(log_format, stream or sys.stderr),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_Lines(stream),
        # a cached logger would not notice a reload
        cache_logger_on_first_use=False,
    )


def lost_lines() -> int:
    """How many lines could not be written since the last ``configure``."""
    factory = structlog.get_config()["logger_factory"]
    return factory.lost if isinstance(factory, _Lines) else 0


class _Lines:
    """Writes each line whole, from any thread, and survives a full disk."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.lost = 0

    def __call__(self, name: str) -> _Logger:
        return _Logger(name, self)

    def write(self, line: str) -> None:
        with self._lock:
            try:
                _put(self._stream or sys.stderr, line + "\n")
            except (OSError, ValueError):
                # The ledger does not depend on the log, and there is nobody to tell
                # here: status shows the count.
                self.lost += 1


class _Logger:
    """What structlog calls with the finished line; it has the name of its part."""

    def __init__(self, name: str, lines: _Lines) -> None:
        self.name = name
        self._lines = lines

    def msg(self, line: str) -> None:
        self._lines.write(line)

    debug = info = warning = error = critical = msg


def _put(stream: TextIO, line: str) -> None:
    try:
        stream.write(line)
    except UnicodeEncodeError:
        stream.write(line.encode("ascii", "backslashreplace").decode())
    stream.flush()


def _add_name(logger: Any, _method: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


def _renderer(log_format: str, stream: TextIO) -> Processor:
    journal = _is_journal(stream)
    terminal = stream.isatty()
    if log_format == "console" or (log_format == "auto" and terminal and not journal):
        colours = terminal and not os.environ.get("NO_COLOR")
        render: Any = structlog.dev.ConsoleRenderer(colors=colours)
    elif log_format == "auto" and journal:
        render = structlog.processors.LogfmtRenderer(
            key_order=["event", "logger"], drop_missing=True
        )
    else:
        render = _json
    return _for_journal(render) if journal else render


def _json(_logger: object, _method: str, event: EventDict) -> str:
    return orjson.dumps(event).decode()


def _for_journal(render: Any) -> Processor:
    """Put ``<priority>`` before the line; journald itself keeps level and time."""

    def prefixed(logger: Any, method: str, event: EventDict) -> str:
        priority = PRIORITIES.get(event.pop("level", "info"), 6)
        event.pop("timestamp", None)
        return f"<{priority}>{render(logger, method, event)}"

    return prefixed


def _is_journal(stream: TextIO) -> bool:
    """Whether ``stream`` is the connection that ``JOURNAL_STREAM`` names.

    Children inherit the variable while their output goes elsewhere, so it alone
    proves nothing.
    """
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no file, or a closed one
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


# Until somebody configures it, as in a command that hosts the engine for a moment:
# structlog's own default would print everything, unguarded, between the answers.
write_events(logging.WARNING, "console", None)
