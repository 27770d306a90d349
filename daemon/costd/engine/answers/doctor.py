"""``doctor``: what is wrong and what to do about it."""

from __future__ import annotations

import os
from typing import Any

from costd.core.summary import envelope
from costd.engine.answers.health import problems, shares
from costd.engine.answers.keeping import size_of
from costd.engine.view import Params, View
from costd.ledger.database import sqlite_version
from costd.ledger.health import skipped

_SHOWN = 20
_MUCH = 0.5


def doctor(view: View, _params: Params) -> dict[str, Any]:
    """Every check, also those that are well.

    The engine looks at the ledger's pages first, unless it is asked with ``quick``.
    """
    present = {problem["code"]: problem for problem in problems(view)}
    checks = [
        _check(code, good, present.pop(code, None)) for code, good in _GOOD.items()
    ]
    checks.extend(_check(code, "", problem) for code, problem in present.items())
    checks.append(_unattributed(view))
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
            "bytes": size_of(view.ledger.database.path),
            "sqlite": sqlite_version(),
        },
    )


_GOOD = {
    "no_logs": "There are session logs.",
    "unreadable_directory": "Every directory of logs can be read.",
    "unreadable_logs": "Every log can be read.",
    "compressed_logs": "Every compressed log can be read.",
    "skipped_lines": "Every line could be used.",
    "misdated": "Every response has a date that can be.",
    "unpriced_models": "Every model has a price.",
    "ledger_busy": "No other program holds the ledger.",
    "ledger_readonly": "The ledger can be written.",
    "ledger_io": "The disk reads and writes the ledger.",
    "disk_full": "The ledger's disk is not full.",
    "disk_low": "The ledger's disk has space.",
    "ledger_replaced": "The ledger's file is the one that is open.",
    "ledger_damaged": "The ledger is whole.",
    "ledger_recovered": "The ledger was not mended.",
    "snapshot_old": "The ledger has a recent snapshot.",
    "snapshot_failed": "Snapshots can be made.",
    "clock_jumped": "The clock goes steadily.",
    "session_map": "Every session map can be used.",
    "watch_polling": "Changes are seen at once.",
    "stale": "The beat is regular.",
    "stuck": "What waits is read.",
}


def _unattributed(view: View) -> dict[str, Any]:
    """A share, not a fault: whoever works without issues is well too."""
    share = shares(view)["unattributed_cost"]
    message = "Nothing was spent yet."
    if share is not None:
        message = f"{share:.0%} of the cost has no issue."
    fix = "costd suggest" if share is not None and share > _MUCH else ""
    return {"code": "unattributed", "ok": True, "message": message, "fix": fix}


def _check(code: str, good: str, problem: dict[str, Any] | None) -> dict[str, Any]:
    if problem is None:
        return {"code": code, "ok": True, "message": good, "fix": ""}
    return {
        "code": code,
        "ok": False,
        "message": problem["message"],
        "fix": problem["fix"],
    }
