"""Two hundred agents at once, and a daemon that dies in the middle of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import places
from e2e.agents import write_agent
from e2e.daemons import PATIENCE_SECONDS, RealDaemon, environment, until

AGENTS = 200


@pytest.fixture
def daemon() -> Iterator[RealDaemon]:
    with places.short_dir() as top:
        running = RealDaemon(environment(top))
        yield running
        running.kill()


def commands(top: Path) -> list[list[str]]:
    """Agents whose session is chosen, registered by a wrapper's child, and neither."""
    claude = str(write_agent(top / "bin/claude"))
    other = str(write_agent(top / "bin/agent"))
    return [
        [claude, "-p"],
        ["sh", "-c", f"{other} --registered; true"],
        [other],
    ]


class Agents:
    """Many commands under ``costd exec``, each with an issue and a directory."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self._top = Path(env["HOME"])
        self._kinds = commands(self._top)
        self._stdin, self._go = os.pipe()
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, numbers: range) -> None:
        for number in numbers:
            kind = self._kinds[number % len(self._kinds)]
            cwd = self._top / f"work/{number}"
            cwd.mkdir(parents=True)
            words = ["exec", "--issue", f"JOB-{number}", "--role", "review", "--"]
            process = subprocess.Popen(
                [sys.executable, "-m", "costd", *words, *kind],
                env=self._env,
                cwd=cwd,
                stdin=self._stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            self._processes.append(process)

    def finish(self) -> None:
        os.close(self._stdin)
        os.close(self._go)
        for process in self._processes:
            _, said = process.communicate(timeout=PATIENCE_SECONDS)
            assert (process.returncode, said) == (0, b"")


def by_issue(daemon: RealDaemon) -> dict[str, Any]:
    rows = daemon.ask("report", "--by", "issue,role")["rows"]
    return {row["issue"]: row for row in rows}


@pytest.mark.timeout(800)
def test_every_agent_is_linked_and_none_twice(daemon: RealDaemon) -> None:
    agents = Agents(daemon.env)
    daemon.start()
    agents.start(range(AGENTS // 2))
    daemon.kill()
    agents.start(range(AGENTS // 2, AGENTS))
    daemon.start()
    issues = {f"JOB-{number}" for number in range(AGENTS)}
    until(lambda: by_issue(daemon).keys() == issues, "all of them, while they run")
    daemon.kill()
    agents.finish()
    daemon.start()
    daemon.ask("sync")
    rows = by_issue(daemon)
    assert {issue: row["responses"] for issue, row in rows.items()} == dict.fromkeys(
        issues, 2
    )
    assert {row["role"] for row in rows.values()} == {"review"}
    claims = daemon.ask("claims", "--all", "--limit", "0")["rows"]
    # What the environment of a running agent says too is evidence of its own.
    said = [claim for claim in claims if claim["rule"] == "claim"]
    sessions = [claim["value"] for claim in said if claim["selector"] == "session"]
    assert len(sessions) == len(set(sessions)) == AGENTS
    assert not list(Path(daemon.env["COSTD_STATE_DIR"], "spool").glob("*"))
