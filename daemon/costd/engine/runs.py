"""Runs get what only the ledger knows: their tokens and costs, and a report that says so.

A report comes when its run ends, and the agent's log is read a moment later. So a run
is looked at again whenever responses of its time were recorded, until nothing of it can
change any more; its report says ``pending`` until then, and is written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import orjson

from costd.core.capabilities import capability_of, runtime_of, spelt
from costd.core.instants import DAY, HOUR, MINUTE, SECOND
from costd.core.posts import posted
from costd.engine.attempts import Attempts
from costd.engine.intake import NOTHING
from costd.engine.jobs import Job, Jobs
from costd.engine.report_files import ReportFiles
from costd.engine.run_costs import Spent, spent
from costd.engine.told import told_run
from costd.ledger import Ledger, outbox
from costd.ledger import runs as stored
from costd.ledger.runs import DueRun, NewRun, Part

Json = dict[str, Any]
Fact = TypeVar("Fact")
WorkOut = Callable[[], Json]

PATIENCE_MS = 10 * MINUTE
"""So long after a run's end its log may still be on its way."""

FAR = 5_000
"""More events than that are not taken in before a question is answered."""

LOG_MS = 8 * SECOND
"""So long a webhook waits for the cost of a run."""

AT_ONCE = 100
_SLACK_MS = SECOND
"""A last line may carry a time just after the end of its process."""
_REMEMBERED = 32
_PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class Posted(NamedTuple):
    """What a webhook is told: of which outcomes, and whether with iterations."""

    events: frozenset[str]
    include_iterations: bool


class Runs:
    """The runs of a ledger, and the directory of their reports.

    Args:
        ledger: where they are kept.
        folder: ``<outputs>/reports``; None writes no reports.
    """

    def __init__(self, ledger: Ledger, folder: Path | None) -> None:
        self._ledger = ledger
        self._files = ReportFiles(folder)
        self._attempts = Attempts(ledger)
        self._next_at = self._after = 0
        self._is_behind = False
        self.posted: Posted | None = None
        """Which runs a webhook is told of; None: there is none."""
        self.max_age_days: int | None = None
        """After so many days a report is removed; None: never."""
        self._clean_at = 0
        self._facts: dict[Hashable, Any] = {}
        self.version = 0
        """Raised whenever something about attempts is different."""
        self._changed_since = NOTHING

    def move_to(self, ledger: Ledger) -> None:
        """Go on with another ledger."""
        self._ledger, self._attempts = ledger, Attempts(ledger)
        self._next_at = self._after = 0
        self.version += 1
        self._facts.clear()

    def take(self, report: Json, source: str = "") -> tuple[NewRun, bool]:
        """Keep a run that somebody reports; whether it is new.

        Raises:
            UsageError: it is no report of a run.
        """
        if report.get("truncated") is True:
            report = self._files.whole(report)
        run = told_run(report, source)
        with self._ledger.database.transaction(told=True) as connection:
            is_new = stored.put(connection, run)
        if is_new:
            self._attempts.reported(run.issue, run.run_id, run.started_at)
        self._next_at = 0
        return run, is_new

    def changed(self, since: int) -> None:
        """Responses from ``since`` on are not what they were, milliseconds."""
        self._changed_since = min(self._changed_since, since)
        self._next_at = 0

    def repriced(self) -> None:
        """Every cost may be another one."""
        self.changed(0)
        self.version += 1
        self._facts.clear()

    def is_due(self, now: int) -> bool:
        """Whether something may have to be worked out."""
        # A clock that was set back must not make anybody wait for it to come round.
        is_early = 0 < self._next_at - now <= LOG_MS
        return not is_early or self._attempts.is_behind()

    def refresh(self, now: int, most: int = AT_ONCE) -> bool:
        """Work out some of what is due; whether anything is different now.

        Args:
            now: milliseconds since the epoch.
            most: so many runs; the next call goes on with the next ones.
        """
        if not self.is_due(now):
            return False
        self._unsettle()
        self._clean_old(now)
        self._files.write_again(
            partial(stored.report_at, self._ledger.database.connection)
        )
        followed = self._attempts.follow()
        self._is_behind = followed.has_more
        runs = stored.due(self._ledger.database.connection, self._after, most)
        changed = [run for run in runs if self._complete(run, now)]
        self._after = runs[-1].id if len(runs) == most else 0
        # Whose log is on its way is looked at when that is read, and in the end.
        is_behind = self._after or self._is_behind
        self._next_at = 0 if is_behind else now + LOG_MS
        if changed or followed.is_new:
            self.version += 1
            self._facts.clear()
        return bool(changed) or self._is_behind

    def once(self, key: Hashable, work_out: Callable[[], Fact]) -> Fact:
        """A fact about attempts alone, which holds until one of them is different."""
        if key not in self._facts:
            if len(self._facts) >= _REMEMBERED:
                self._facts.clear()
            self._facts[key] = work_out()
        fact: Fact = self._facts[key]
        return fact

    def refresh_all(self, now: int) -> None:
        """Work out everything that is due, for an answer about all runs."""
        self.refresh(now)
        while self._after or self._is_behind:
            self.refresh(now)

    def caught_up(self, now: int, jobs: Jobs, work_out: WorkOut) -> Json | Job:
        """What is worked out of all runs and events, once they are taken in.

        Args:
            now: milliseconds since the epoch.
            jobs: where that is done a step at a time, if there is much to take in.
            work_out: works it out.
        """
        if self._attempts.lag() <= FAR:
            self.refresh_all(now)
            return work_out()
        return jobs.begin(Job(self._steps(now), work_out))

    def catch_up(self, now: int, jobs: Jobs) -> None:
        """Begin to take in what is too much for one go, unless somebody does."""
        if self._attempts.lag() > FAR and not jobs:
            jobs.begin(Job(self._steps(now), dict))

    def _steps(self, now: int) -> Iterator[None]:
        self._next_at = 0
        self.refresh(now)
        while self._after or self._is_behind:
            yield
            self.refresh(now)

    def _unsettle(self) -> None:
        if self._changed_since < NOTHING:
            with self._ledger.database.transaction() as connection:
                stored.unsettle(connection, self._changed_since - _SLACK_MS)
            self._changed_since = NOTHING

    def clean(self, before: int, now: int) -> list[str]:
        """Remove the reports of runs that began before; their places."""
        connection = self._ledger.database.connection
        found = stored.cleanable(connection, before)
        if not found:
            return []
        with self._ledger.database.transaction() as changing:
            stored.clean(changing, [number for number, _ in found], now)
        self.version += 1
        self._facts.clear()
        for _, place in found:
            self._files.remove(place)
        return [place for _, place in found]

    def _clean_old(self, now: int) -> None:
        """As the configuration says, once an hour."""
        if self.max_age_days is not None and now >= self._clean_at:
            self._clean_at = now + HOUR
            self.clean(now - self.max_age_days * DAY, now)

    def _complete(self, run: DueRun, now: int) -> bool:
        """Work one run out; whether its report is another one now."""
        told = orjson.loads(run.told)
        connection = self._ledger.database.connection
        sessions = stored.sessions_of(connection, run, told["run"].get("pid"))
        told["run"]["sessions"] = sessions
        until, parts = run.ended_at + _SLACK_MS, list[Part]()
        if sessions:
            parts = stored.parts(connection, sessions, run.started_at, until)
        samples = [stored.sample(connection, part) for part in parts]
        is_over = now > run.ended_at + PATIENCE_MS
        found = spent(told, parts, samples, self._ledger.card, is_over=is_over)
        report = _completed(told, run, found)
        capability, is_inferred = self._capability(report, sessions)
        data = orjson.dumps(report, option=_PRETTY)
        is_different = data != run.report
        figures = {
            "agent": runtime_of(report["run"]["agent"] or ""),
            "model": report["run"]["model"] or "",
            "status": report["outcome"]["status"],
            "capability": capability,
            "is_inferred": is_inferred,
            "cost": found.nano,
            "tokens": found.tokens["total"],
            "settled": is_over,
        }
        if is_different or is_over:
            with self._ledger.database.transaction() as changing:
                stored.complete(changing, run, data, figures)
        if is_different:
            self._files.write(run.place, data)
        self._post(run, report, now)
        return is_different

    def _post(self, run: DueRun, report: Json, now: int) -> None:
        """Have a webhook told, once its cost is known or does not come."""
        status, state = report["outcome"]["status"], report["cost"]["state"]
        posts = self.posted
        if posts is None or status not in posts.events or now > run.ended_at + DAY:
            return
        is_early = now < run.ended_at + LOG_MS
        if state == "pending" and report["run"]["sessions"] and is_early:
            return  # the next beat comes soon enough
        body = orjson.dumps(posted(report, include_iterations=posts.include_iterations))
        key = f"run:{run.run_id}:{status}"
        with self._ledger.database.transaction() as changing:
            outbox.put(
                changing,
                key=key,
                event=status,
                subject=run.run_id,
                body=body,
                now=now,
            )

    def _capability(self, report: Json, sessions: list[str]) -> tuple[str, bool]:
        """The kind of work: as it was told, else as the first branch with a word says."""
        if told := report["run"].get("capability"):
            return spelt(str(told)), False
        branches = [str(report["run"].get("branch") or "")]
        if sessions:
            branches += stored.branch_of(self._ledger.database.connection, sessions)
        found = next(filter(None, map(capability_of, branches)), "")
        return found, bool(found)

    @property
    def troubles(self) -> Mapping[str, str]:
        """What ``health`` must say of the reports."""
        return self._files.troubles


def _completed(told: Json, run: DueRun, found: Spent) -> Json:
    """The report with what the ledger and events know."""
    about, outcome = told["run"], told["outcome"]
    report = {**told, "tokens": found.tokens, "cost": found.cost}
    report["run"] = {
        **about,
        "agent": about.get("agent") or found.agent or None,
        "model": about.get("model") or found.model or None,
    }
    if run.said_status and outcome["status"] == "unknown":
        said = {"status": run.said_status, "evidence": run.said_evidence}
        report["outcome"] = {**outcome, **said}
    return report
