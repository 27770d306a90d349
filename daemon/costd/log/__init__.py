"""The log: one line an event on standard error, and never the text of a transcript.

``get_logger("tail").warning("line_skipped", source="claude", offset=512)``

What comes out is decided here and not where it is said:

* an event is a name, ``noun_verbed``; anything else is written as ``event_refused``;
* a number, a truth value and None pass under any key;
* text passes only under a key of ``TEXT_KEYS``. Other keys are left out and their names
  listed under ``dropped``, so that nothing disappears unseen;
* text is cut at 256 characters, keys and tokens are redacted, control characters and
  bidirectional marks are escaped;
* an exception is its class and the functions it came through, without local variables
  and without its message, which often quotes its input. Only a ``CostdError`` has a
  message that is written for people;
* what libraries say through ``logging`` and ``warnings``, and what nobody caught, goes
  the same way.
"""

from __future__ import annotations

import logging
from typing import TextIO

from costd.log.events import get_logger, lost_lines, write_events
from costd.log.guard import TEXT_KEYS, path_hash
from costd.log.libraries import bridge_libraries

__all__ = ["TEXT_KEYS", "configure", "get_logger", "lost_lines", "path_hash"]


def configure(level: str, log_format: str, stream: TextIO | None = None) -> None:
    """Send the events, warnings and crashes of this process to ``stream``.

    May be called again, as after a reload; before the first time, warnings go to
    standard error through the same filter. uvicorn must be given ``log_config=None``,
    or it puts its own handlers before this.

    Args:
        level: the least level that is written: debug, info, warning or error.
        log_format: ``json``, ``console``, or ``auto``: plain text for journald, colours
            on a terminal, else JSON. For journald every line has its priority.
        stream: standard error by default.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    write_events(threshold, log_format, stream)
    bridge_libraries(threshold)
