"""The orchestrators' client beside a real daemon: link, ask, and through a restart."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import places
from costd import client
from e2e.agents import write_agent
from e2e.daemons import PATIENCE_SECONDS, RealDaemon, environment, until

SESSION = "1a2b3c4d-0000-4000-8000-00000000000a"


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[RealDaemon]:
    """A daemon that does not run yet, and a session's log with two responses."""
    with places.short_dir() as top:
        env = environment(top)
        monkeypatch.setenv("COSTD_STATE_DIR", env["COSTD_STATE_DIR"])
        agent = write_agent(top / "bin/agent")
        words = [str(agent), "--session-id", SESSION]
        subprocess.run(words, env=env, stdin=subprocess.DEVNULL, check=True)
        running = RealDaemon(env)
        yield running
        running.kill()


def cost(issue: str) -> float:
    """What the daemon says; nothing while it knows nothing."""
    try:
        answer = client.cost(issue, PATIENCE_SECONDS)
    except client.RefusedError:
        return 0.0
    found = answer["totalCost"]
    assert isinstance(found, float)
    return found


@pytest.mark.parametrize("issue", ["MIN-123", "owner/name#45"])
def test_what_is_linked_can_be_asked_for(daemon: RealDaemon, issue: str) -> None:
    daemon.start()
    assert cost(issue) == 0
    assert (
        client.link(
            session=SESSION, issue=issue, role="review", seconds=PATIENCE_SECONDS
        )
        == "done"
    )
    until(lambda: cost(issue) > 0, "its cost")
    answer = client.cost(issue, PATIENCE_SECONDS)
    assert answer["issueId"] == issue
    assert "cannot be an issue" in client.link(
        session=SESSION, issue="../x", seconds=PATIENCE_SECONDS
    )


def test_a_link_outlives_the_daemon_that_was_not_there(daemon: RealDaemon) -> None:
    assert client.link(session=SESSION, issue="MIN-1", key="k") == "spooled"
    with pytest.raises(OSError, match="daemon"):
        client.cost("MIN-1")
    daemon.start()
    until(lambda: cost("MIN-1") > 0, "its cost")
    daemon.kill()
    assert client.link(session=SESSION, issue="MIN-1", key="k") == "spooled"
    daemon.start()
    spool = Path(daemon.env["COSTD_STATE_DIR"], "spool")
    until(lambda: not list(spool.glob("*")), "an empty spool")
    assert len(daemon.ask("claims", "--all")["rows"]) == 1
