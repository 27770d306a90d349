"""What costd said last, for when nobody answers: with its age, and never as if new."""

from __future__ import annotations

import json
import time
from typing import Any

from costd.cli.configuration import load
from costd.cli.options import show
from costd.cli.render.status import status_page
from costd.core.errors import CostdError, NoDaemonError
from costd.core.instants import parse_instant


def show_last_known(config: str | None, error: CostdError, *, is_json: bool) -> int:
    """Show the status that was published last; the exit code is that of no daemon.

    Args:
        config: the configuration that the command line names.
        error: why nobody answers.
        is_json: whether a program reads it.

    Raises:
        NoDaemonError: nothing was ever published.
    """
    status = _published(config)
    if status is None:
        raise NoDaemonError(error.message, error.fix) from error
    at = parse_instant(str(status.get("generated_at", "")))
    age = "" if at is None else f"{_age(_now() - at)} ago"
    problem = {
        "code": "no_daemon",
        "message": f"{error.message.rstrip('.')}: this is what costd said {age}".strip()
        + ".",
        "fix": error.fix,
        "severity": "error",
    }
    status |= {
        "daemon": False,
        "last_known": True,
        "health": [problem, *(status.get("health") or [])],
    }
    body = json.dumps(status, ensure_ascii=False, separators=(",", ":")) + "\n"
    show(body.encode("utf-8", "backslashreplace"), status_page, is_json=is_json)
    return NoDaemonError.exit_code


def _published(config: str | None) -> dict[str, Any] | None:
    try:
        file = load(config).paths.output_dir / "status.json"
        found = json.loads(file.read_bytes())
    except (CostdError, OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "totals" in found else None


def _now() -> int:
    return time.time_ns() // 1_000_000  # noqa: TID251 - how old a file is


def _age(ms: int) -> str:
    seconds = max(0, ms // 1000)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} s"
