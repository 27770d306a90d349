"""``costd hook`` as a process: nothing printed, always 0, whatever it is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import places
from e2e.agents import write_agent
from e2e.daemons import Env, RealDaemon, environment, running, until

EVENT = {
    "session_id": "1a2b3c4d-0000-4000-8000-00000000000a",
    "hook_event_name": "SessionStart",
    "source": "startup",
    "transcript_path": "/p/t.jsonl",
}
HOOK = [sys.executable, "-m", "costd", "hook"]


@pytest.fixture
def env() -> Iterator[Env]:
    with places.short_dir() as top:
        yield environment(top)


def run(env: Env, data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        HOOK, env=env, input=data, capture_output=True, check=False, timeout=60
    )


def event(**changes: object) -> bytes:
    return json.dumps({**EVENT, **changes}).encode()


def nothing(done: subprocess.CompletedProcess[bytes]) -> bool:
    return (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    "data",
    [
        event(),
        event(session_id="../x\0" + "y" * 4096),
        event(prompt="word " * 1_000_000),
        b"",
        b"no JSON",
        b"\0" * (17 << 20),
    ],
    ids=["plain", "hostile", "long", "empty", "rubbish", "endless"],
)
def test_nobody_notices_it(env: Env, data: bytes) -> None:
    assert nothing(run(env, data))
    assert nothing(run({**env, "COSTD_ISSUE": "MIN-1"}, data))


def test_an_owner_waits_in_the_spool_without_a_word_of_the_conversation(
    env: Env,
) -> None:
    issue = {**env, "COSTD_ISSUE": "MIN-1", "ANTHROPIC_API_KEY": "SECRET"}
    assert nothing(run(issue, event(prompt="SECRET", last_assistant_message="SECRET")))
    (path,) = Path(env["COSTD_STATE_DIR"], "spool").iterdir()
    text = path.read_text()
    assert "SECRET" not in text
    assert json.loads(text)["params"]["environment"] == {"COSTD_ISSUE": "MIN-1"}


@pytest.mark.parametrize("broken", ["state is a file", "broken configuration"])
def test_what_is_broken_is_not_the_agents_trouble(env: Env, broken: str) -> None:
    state = Path(env["COSTD_STATE_DIR"])
    if broken == "state is a file":
        state.write_text("")
    else:
        del env["COSTD_STATE_DIR"]
        env["COSTD_CONFIG"] = str(state.parent / "config.toml")
        Path(env["COSTD_CONFIG"]).write_text("[paths]\nstate_dir =")
    assert nothing(run({**env, "COSTD_ISSUE": "MIN-1"}, event()))


def test_an_agent_that_never_ends_its_sentence_does_not_keep_it(env: Env) -> None:
    read, write = os.pipe()
    with running(HOOK, env=env, stdin=read) as process:
        os.write(write, b'{"session_id": "s"')
        assert process.wait(60) == 0
    os.close(read)
    os.close(write)


def test_a_daemon_reads_the_log_and_links_the_session(env: Env) -> None:
    daemon = RealDaemon(env)
    agent = write_agent(Path(env["HOME"], "bin/agent"))
    words = [str(agent), "--session-id", str(EVENT["session_id"])]
    Path(env["CLAUDE_CONFIG_DIR"], "projects").mkdir(
        parents=True
    )  # else it is waited for
    try:
        daemon.start()
        subprocess.run(words, env=env, stdin=subprocess.DEVNULL, check=True)
        (log,) = Path(env["CLAUDE_CONFIG_DIR"]).rglob("*.jsonl")
        owner = {**env, "COSTD_ISSUE": "MIN-1", "COSTD_ROLE": "reviewer"}
        for name in ("SessionStart", "Stop", "Stop", "SessionEnd"):
            data = event(hook_event_name=name, transcript_path=str(log))
            assert nothing(run(owner, data))
        until(lambda: owners(daemon) == {("MIN-1", "review", 2)}, "its owner")
        (claim,) = daemon.ask("claims")["rows"]
        assert (claim["rule"], claim["source"]) == ("env", "hook")
        assert (claim["from"], claim["until"]) == (None, None)
    finally:
        daemon.kill()


def owners(daemon: RealDaemon) -> set[tuple[str, str, int]]:
    rows = daemon.ask("report", "--by", "issue,role")["rows"]
    return {(row["issue"], row["role"], row["responses"]) for row in rows}


@pytest.mark.parametrize("issue", [None, "MIN-1"])
def test_it_imports_only_what_it_needs(env: Env, issue: str | None) -> None:
    if issue is not None:
        env["COSTD_ISSUE"] = issue
    program = (
        "import sys; from costd.cli.entry import run; code = run(['hook']);"
        "heavy = {'click', 'rich', 'msgspec', 'typing', 'pathlib', 'tomllib', 'socket',"
        " 'subprocess', 'asyncio', 'signal', 'zlib', 'importlib', 'threading',"
        " 'costd.core.attribution', 'costd.cli.quick'};"
        "print(code, sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env=env,
        input=event(),
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"0 []\n"
