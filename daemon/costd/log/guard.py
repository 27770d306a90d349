"""What may be written, and how an exception is told without its text."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import MutableMapping
from pathlib import PurePath
from types import TracebackType
from typing import Any

from costd.core.errors import CostdError
from costd.core.plain import one_line, redact

Event = MutableMapping[str, Any]

TEXT_KEYS = frozenset(
    {
        # what this module and structlog add
        *("event", "level", "timestamp", "logger", "dropped"),
        # errors: class, functions, causes; message and fix of a CostdError
        *("error", "stack", "caused_by", "message", "fix"),
        # identifiers out of the logs, never their content
        *("source", "session_id", "agent_id", "response_id", "request_id"),
        *("event_id", "run_id", "node_id", "agent", "provider", "model", "models"),
        # answers of costd
        *("issue", "role", "rule", "bucket", "branch", "state", "status", "kind"),
        # costd's own words: constants, settings, versions
        *("reason", "code", "setting", "question", "outlet", "signal", "version"),
        *("method", "host", "table", "phase", "mode"),
        # costd's own files and directories; a session log goes by its path_hash
        *("place", "path_hash"),
    }
)
"""The keys under which text is written."""

_LONGEST = 256
_SCANNED = 8_192  # enough to see a whole key that starts before the cut
_MOST_ITEMS = 20
_MOST_FRAMES = 12
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


def path_hash(path: str | os.PathLike[str]) -> str:
    """Twelve digits that stand for a session log: its path names people's projects."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def explain_exception(_logger: object, _method: str, event: Event) -> Event:
    """Replace ``exc_info`` by class and stack; a processor of structlog."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event.update(_explained(error))
    return event


def guard(_logger: object, _method: str, event: Event) -> Event:
    """Keep what may be written and nothing else; the last processor before the text."""
    kept: Event = {}
    dropped = []
    for key, value in event.items():
        named = _NAME.fullmatch(key) is not None
        if named and (key in TEXT_KEYS or isinstance(value, int | float | None)):
            kept[key] = _safe(value)
        else:
            dropped.append(key if named else "?")
    if not _NAME.fullmatch(str(event.get("event"))):
        kept["event"] = "event_refused"
    if dropped:
        kept["dropped"] = sorted(dropped)[:_MOST_ITEMS]
    return kept


def _safe(value: object) -> object:
    """A value that any renderer can write and any terminal can show."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):  # JSON's numbers end at 64 bits
        return int(value) if abs(value) < 2**63 else str(value)[:_LONGEST]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str | PurePath):
        return one_line(redact(str(value)[:_SCANNED]))[:_LONGEST]
    if isinstance(value, list | tuple):
        return [_safe(item) for item in value[:_MOST_ITEMS]]
    return f"<{type(value).__name__}>"


def _explained(error: BaseException) -> dict[str, object]:
    fields: dict[str, object] = {
        "error": _class_of(error),
        "stack": _stack(error.__traceback__),
    }
    if isinstance(error, CostdError):
        fields["message"] = error.message
        fields["fix"] = error.fix
    if isinstance(error, BaseExceptionGroup):
        fields["caused_by"] = [_class_of(inner) for inner in error.exceptions]
    elif causes := _causes(error):
        fields["caused_by"] = causes
    return fields


def _class_of(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__name__
        if kind.__module__ == "builtins"
        else (f"{kind.__module__}.{kind.__name__}")
    )


def _causes(error: BaseException) -> list[str]:
    causes: list[str] = []
    seen = {id(error)}
    inner = error.__cause__ or error.__context__
    while inner is not None and id(inner) not in seen and len(causes) < _MOST_ITEMS:
        seen.add(id(inner))
        causes.append(_class_of(inner))
        inner = inner.__cause__ or inner.__context__
    return causes


def _stack(traceback: TracebackType | None) -> list[str]:
    """``file:function:line`` of the innermost frames, the innermost last."""
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        file = "/".join(PurePath(code.co_filename).parts[-2:])
        frames.append(f"{file}:{code.co_qualname}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return frames[-_MOST_FRAMES:]
