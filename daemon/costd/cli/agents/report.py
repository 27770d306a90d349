"""The report of one command: what is known without asking anybody."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Any

from costd import client
from costd.cli.agents.tree import Tree

RUN_ID = "COSTD_RUN_ID"
"""Where the command finds what its run goes by."""

AGENTS = frozenset(
    "aider amp claude codex copilot cursor-agent droid gemini opencode pi qwen".split()
)
"""Programs that are agents; of others the logs tell which one was run."""

SECONDS = 0.1
"""What the daemon gets to hear of it; else it waits in the spool."""

_BY_SIGNAL, _LAST_SIGNAL = 128, 64
_STOPPED = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGTERM})
_NOT_STARTED = {126: "it could not be started", 127: "there is no such command"}

Json = dict[str, Any]


class Report:
    """Times and files of a command, from just before it is started.

    Attributes:
        run_id: what the run goes by; the command finds it in its environment.
    """

    def __init__(self) -> None:
        raw = os.urandom(16).hex()
        self.run_id = f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
        self._began, self._began_ms = time.perf_counter(), _now_ms()
        self._released, self._ended, self._ended_ms = self._began, 0.0, 0
        self._tree: Tree | None = None
        with suppress(Exception):  # whatever it is: the command begins
            self._tree = Tree(os.getcwd())  # noqa: PTH109 - pathlib is slow to load

    def release(self) -> None:
        """The command begins now."""
        if self._tree is not None:
            with suppress(Exception):
                self._tree.hold()
        self._released = time.perf_counter()

    def end(self) -> None:
        """The command is over now."""
        self._ended, self._ended_ms = time.perf_counter(), _now_ms()

    def leave(self, about: Json, status: int) -> bool:
        """Write the report and tell costd; whether it is kept anywhere.

        Args:
            about: ``issue role capability command pid sessions``.
            status: the command's exit status, as a shell has it.
        """
        from costd.runs.leave import (  # noqa: PLC0415 - the command is over: there is time
            message,
            write,
        )

        report = self._report(about, status)
        is_written = False
        with suppress(Exception):
            write(report)
            is_written = True
        said = client.tell("run", message(report), SECONDS)
        return is_written or said in ("done", "spooled")

    def _report(self, about: Json, status: int) -> Json:
        from costd.runs import MetricsCollector  # noqa: PLC0415 - for the same reason

        began, released, ended = self._began, self._released, self._ended
        seconds = iter((began, began, released, released, ended, ended))
        milliseconds = iter((self._began_ms, self._ended_ms))
        name = os.path.basename(about["command"])  # noqa: PTH119 - pathlib is slow to load
        run = MetricsCollector(
            run_id=self.run_id,
            issue=about["issue"],
            role=about["role"] or None,
            capability=about["capability"] or None,
            agent=name if name in AGENTS else None,
            sessions=about["sessions"],
            clock=lambda: next(seconds),
            wall=lambda: next(milliseconds),
        )
        for phase in ("start", "command"):
            run.start_phase(phase)
            run.end_phase(phase)
        run.record_outcome(*outcome_of(status))
        report = run.to_report()
        report["outcome"]["exit_code"] = status
        report["timing"]["phases"].pop("other", None)  # there is none in between
        report["run"] |= {"source": "exec", "command": name, "pid": about["pid"]}
        report["run"] |= {"project": None, "branch": None, "commit": None}
        self._add_files(report)
        return report

    def _add_files(self, report: Json) -> None:
        found = self._tree.changed() if self._tree is not None else None
        if self._tree is not None and self._tree.root:
            report["run"]["project"] = _shown(self._tree.root.rpartition("/")[2])
        if found is None:
            return
        changes, before, after = found
        listed = {kind: [_shown(path) for path in changes[kind]] for kind in changes}
        report["files"] = {**listed, "count": sum(map(len, listed.values()))}
        report["run"] |= {
            "branch": _shown(after.branch) or None,
            "commit": after.commit or None,
            "commit_before": before.commit or None,
        }


def outcome_of(status: int) -> tuple[str, str]:
    """What an exit status proves of the work, and how it is put.

    That an agent has ended well does not say that its work is done: that is
    ``unknown`` until somebody says more. Nor does it fail because it was stopped.
    """
    if status == 0:
        return "unknown", "exit status 0 says that it ended, not that the work is done"
    if status in _NOT_STARTED:
        return "failed", f"exit status {status}: {_NOT_STARTED[status]}"
    number = status - _BY_SIGNAL
    if 0 < number <= _LAST_SIGNAL:
        with suppress(ValueError):
            name = signal.Signals(number).name
            is_stopped = number in _STOPPED
            how = "it was stopped" if is_stopped else "it was ended"
            return "unknown" if is_stopped else "failed", f"{how} by {name}"
    return "failed", f"exit status {status}"


def _shown(text: str) -> str:
    """As JSON can have it."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000  # noqa: TID251 - exec stands alone: nobody lends it a clock
