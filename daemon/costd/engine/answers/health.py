"""Problems that are present now; nothing is silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from costd.core.amounts import plural
from costd.core.instants import DAY, MINUTE
from costd.engine.answers.keeping import file_problems
from costd.engine.answers.problem import ERROR, Problem, quoted
from costd.engine.history import buckets, everything, sums_by
from costd.engine.view import View
from costd.ingest.compressed import MISSING
from costd.ledger.health import Coverage, covered_together, misdated

_FIRST_RESPONSE = 1_577_836_800_000
"""The beginning of 2020: no agent that costd reads is older."""


def problems(view: View) -> list[dict[str, Any]]:
    """All of them, worst first; an empty list means well."""
    found = [*file_problems(view), *_logs(view), *_beat(view), *_money(view)]
    found.extend(_trouble(code, message) for code, message in view.troubles.items())
    if view.telling.trouble:
        found.append(_trouble("event_log", view.telling.trouble))
    found.sort(key=lambda problem: problem.severity != ERROR)
    return [problem._asdict() for problem in found]


WARNINGS = {
    "spool": "`ls *.bad` there shows them; `rm` those that are of no use.",
    "webhook": "Look at [webhook]; what could not be sent is tried again for a while.",
    "event_log": "Mend whoever writes it; what was skipped counts in nothing.",
    "session_map": "Mend the file or move it away; what it said before stands until then.",
    "agents_hidden": "Have the agents say it themselves: costd hook install",
}
"""Troubles of other parts that make no number wrong, and what to do about each."""
_ERRORS = {
    "config": "Look: costd config check. Then: costd config reload",
    "publish": "See `ls -ld` and `df -h` of the place that is named; costd goes on "
    "by itself.",
    "socket": "Make the place writable, or set [paths] and restart costd.",
}


def _trouble(code: str, message: str) -> Problem:
    if code in WARNINGS:
        return Problem(code, message, WARNINGS[code])
    fix = _ERRORS.get(code, "See `costd doctor` and the log.")
    return Problem(code, message, fix, ERROR)


def covered(view: View, source: str | None = None) -> Coverage:
    """How much of a source's logs has been read, and how well; without one, of all."""
    parts = view.memory.once(
        "coverage", lambda: view.intake.covering.by_source(view.connection)
    )
    wanted = parts.values() if source is None else filter(None, [parts.get(source)])
    return covered_together(wanted)


def unpriced_models(view: View) -> dict[str, int]:
    """Models without a price and their tokens, those with the most first."""
    return view.memory.once("unpriced", lambda: _unpriced(view))


def _unpriced(view: View) -> dict[str, int]:
    found = {
        model: sums.unpriced_tokens
        for (model,), sums in sums_by(view, ("model",)).items()
        if sums.unpriced
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def watched(view: View) -> dict[str, Any]:
    """How changes are noticed; without a daemon nobody watches."""
    if view.watch is None:
        return {"mode": None, "reason": None}
    return {"mode": view.watch.mode, "reason": view.watch.reason or None}


def shares(view: View) -> dict[str, float | None]:
    """What part of all tokens has no price, and of all cost no issue; None: no total."""
    return view.memory.once("shares", lambda: _shares(view))


def _shares(view: View) -> dict[str, float | None]:
    every = everything(view)
    loose = sum(sums.cost for sums in buckets(view).values())
    tokens, cost = every.total_tokens, every.cost
    return {
        "unpriced_tokens": round(every.unpriced_tokens / tokens, 6) if tokens else None,
        "unattributed_cost": round(loose / cost, 6) if cost else None,
    }


def _logs(view: View) -> list[Problem]:
    found = []
    sweep = view.intake.last_sweep
    if not sweep.roots or all(p.kind == "root_missing" for p in sweep.problems):
        missing = sum(p.kind == "root_missing" for p in sweep.problems)
        if missing == sum(map(len, view.intake.roots.values())):
            found.append(
                Problem(
                    "no_logs",
                    "None of the directories with session logs is there yet.",
                    "Start an agent, or name the place: "
                    "`costd config set sources.claude.roots '[\"DIRECTORY\"]'`",
                )
            )
    for problem in sweep.problems:
        if problem.kind == "unreadable":
            found.append(
                Problem(
                    "unreadable_directory",
                    f"A directory of logs cannot be read ({problem.error}).",
                    f"`find {_places(view)} -type d ! -perm -u+rx` finds it, "
                    "`chmod u+rx DIRECTORY` mends it.",
                    ERROR,
                )
            )
            break
    found.extend(_unreadable(view))
    known = covered(view)
    if known.skipped_lines:
        found.append(
            Problem(
                "skipped_lines",
                f"{plural(known.skipped_lines, 'damaged line')} could not be used.",
                "`costd doctor` names files and offsets; nothing else is left out.",
            )
        )
    return [*found, *_misdated(view)]


def _misdated(view: View) -> list[Problem]:
    """They are in the total, and in no day that anybody looks at."""
    count = misdated(view.connection, _FIRST_RESPONSE, view.now + DAY)
    if not count:
        return []
    return [
        Problem(
            "misdated",
            f"{count} {'response is' if count == 1 else 'responses are'} dated more "
            "than a day ahead or before 2020: in the total, and in no period of today.",
            "Check the clock of the machine whose agent wrote them.",
        )
    ]


def _places(view: View) -> str:
    """The directories with logs, as a shell takes them."""
    roots = (root for some in view.intake.roots.values() for root in some)
    there = [root for root in roots if Path(root).is_dir()]
    return " ".join(quoted(root) for root in there)


def _unreadable(view: View) -> list[Problem]:
    """Logs that are there and could not be read, by why."""
    reasons = list(view.intake.unreadable.values())
    found = []
    if compressed := reasons.count(MISSING):
        found.append(
            Problem(
                "compressed_logs",
                f"{compressed} compressed logs cannot be read; their cost is missing.",
                "`python -m pip install backports.zstd` where costd is installed.",
                ERROR,
            )
        )
    if others := [reason for reason in reasons if reason != MISSING]:
        count, reason = len(others), others[0]
        path = next(p for p, why in view.intake.unreadable.items() if why == reason)
        found.append(
            Problem(
                "unreadable_logs",
                f"{plural(count, 'log')} cannot be read ({reason}); "
                "what is in them is missing.",
                f"`chmod u+r {quoted(path)}`"
                + (", and likewise the others" if count > 1 else ""),
                ERROR,
            )
        )
    return found


def _beat(view: View) -> list[Problem]:
    found = []
    if view.is_daemon and view.now - view.last_tick_at > 3 * view.tick_ms:
        found.append(
            Problem("stale", "The beat has stopped.", "`costd service restart`", ERROR)
        )
    if waited := view.alarm.stuck_ms(view.now):
        behind = view.intake.progress.bytes_behind
        said = (
            f"{behind:,} bytes wait, and nothing was read for {waited // MINUTE} min."
        )
        found.append(Problem("stuck", said, "`costd service restart`", ERROR))
    if view.watch is not None and view.watch.reason:
        fix = view.watch.fix or "Nothing is lost: costd looks at the files instead."
        found.append(
            Problem("watch_polling", f"Watching by looking: {view.watch.reason}", fix)
        )
    return found


def _money(view: View) -> list[Problem]:
    models = unpriced_models(view)
    if not models:
        return []
    names = ", ".join(model[:60] or "(no name)" for model in list(models)[:5])
    tokens = sum(models.values())
    return [
        Problem(
            "unpriced_models",
            f"{tokens:,} tokens of models without a price are in no total: {names}.",
            "Add [prices.overrides] or [prices.aliases] to the file that `costd config "
            "path` names, then `costd config reload` and `costd reprice`.",
        )
    ]
