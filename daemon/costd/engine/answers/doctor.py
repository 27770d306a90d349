"""``doctor``: what is wrong and what to do about it."""

from __future__ import annotations

import os
from typing import Any

from costd.core.summary import envelope
from costd.engine.answers.health import problems
from costd.engine.view import Params, View
from costd.ledger.database import sqlite_version
from costd.ledger.health import quick_check, skipped

_SHOWN = 20


def doctor(view: View, params: Params) -> dict[str, Any]:
    """Every check, also those that are well; ``quick`` leaves the ledger's pages out."""
    present = {problem["code"]: problem for problem in problems(view)}
    checks = [
        _check(code, good, present.pop(code, None)) for code, good in _GOOD.items()
    ]
    checks.extend(_check(code, "", problem) for code, problem in present.items())
    if params.get("quick") is not True:
        checks.append(_integrity(view))
    return envelope(
        view.now,
        ok=all(check["ok"] for check in checks),
        checks=checks,
        skipped_lines=[
            {
                "file": os.fsdecode(line.path).encode("utf-8", "replace").decode(),
                "offset": line.offset,
                "length": line.length,
                "reason": line.reason,
            }
            for line in skipped(view.connection, _SHOWN)
        ],
        ledger={
            "path": str(view.ledger.database.path),
            "bytes": _size(view),
            "sqlite": sqlite_version(),
        },
    )


def _integrity(view: View) -> dict[str, Any]:
    """Whether the ledger's pages are whole: reads all of them."""
    is_whole = quick_check(view.connection) == "ok"
    return {
        "code": "ledger_integrity",
        "ok": is_whole,
        "message": "The ledger's pages are whole."
        if is_whole
        else "The ledger's pages are damaged.",
        "fix": ""
        if is_whole
        else "Stop costd, move ledger.db aside, start it: it reads the logs again.",
    }


_GOOD = {
    "no_logs": "There are session logs.",
    "unreadable_directory": "Every directory of logs can be read.",
    "unreadable_logs": "Every log can be read.",
    "compressed_logs": "Every compressed log can be read.",
    "skipped_lines": "Every line could be used.",
    "misdated": "Every response has a date that can be.",
    "unpriced_models": "Every model has a price.",
    "ledger_busy": "The ledger can be written.",
    "ledger_replaced": "The ledger's file is the one that is open.",
    "session_map": "Every session map can be used.",
    "watch_polling": "Changes are seen at once.",
    "stale": "The beat is regular.",
}


def _check(code: str, good: str, problem: dict[str, Any] | None) -> dict[str, Any]:
    if problem is None:
        return {"code": code, "ok": True, "message": good, "fix": ""}
    return {
        "code": code,
        "ok": False,
        "message": problem["message"],
        "fix": problem["fix"],
    }


def _size(view: View) -> int:
    try:
        return view.ledger.database.path.stat().st_size
    except OSError:
        return 0
