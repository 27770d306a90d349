"""What orchestrators write down, read by session and never by directory."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from costd.ingest.orchestrators import Orchestrators, Said

S1, S2, S3, S4 = (f"{n}1111111-0000-4000-8000-000000000000" for n in (1, 2, 3, 4))


def write(folder: Path, name: str, content: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text)


def look(home: Path, **environ: str) -> list[Said]:
    return Orchestrators(home, environ).look()


def test_every_place_of_a_session_id(tmp_path: Path) -> None:
    agent = tmp_path / ".overdeck/agents/agent-min-3"
    write(agent, "state.json", {"issueId": "min-3", "role": "work", "sessionId": S1})
    write(agent, "sessions.json", [S2, {"id": S3, "startedAt": "x"}, 7, None])
    write(agent, "runtime.json", {"claudeSessionId": S4})
    write(agent, "session.id", f"{S1}\n")
    found = look(tmp_path)
    assert {said.session_id for said in found} == {S1, S2, S3, S4}
    assert len(found) == 4
    assert {said[1:] for said in found} == {("MIN-3", "implementation", "overdeck")}


def test_a_role_is_taken_from_whoever_names_one(tmp_path: Path) -> None:
    agents = tmp_path / ".panopticon/agents"
    for name, state in {
        "planning-min-1": {"issueId": "MIN-1"},
        "a": {"issueId": "MIN-2", "role": "review", "reviewSubRole": "security"},
        "b": {"issueId": "MIN-3", "phase": "testing"},
    }.items():
        write(agents / name, "state.json", {**state, "sessionId": S1})
    assert [(s.issue, s.role) for s in look(tmp_path)] == [
        ("MIN-2", "review"),
        ("MIN-3", "test"),
        ("MIN-1", "planning"),
    ]


@pytest.mark.parametrize(
    "state",
    [
        "",
        "{",
        "[]",
        {"role": "work"},
        {"issueId": "../x"},
        {"issueId": 7},
        {"issueId": "x" * 5000},
        '{"issueId": "MIN-1", "a": ' + "[" * 100_000,
        {"issueId": "MIN-1", "sessionId": "no uuid"},
    ],
)
def test_rubbish_is_nothing(tmp_path: Path, state: Any) -> None:
    agent = tmp_path / ".overdeck/agents/x"
    write(agent, "state.json", state)
    write(agent, "sessions.json", {"x": [S1]} if state else [S1])
    assert look(tmp_path) == []


def test_what_would_block_is_not_read(tmp_path: Path) -> None:
    agent = tmp_path / ".overdeck/agents/x"
    agent.mkdir(parents=True)
    os.mkfifo(agent / "state.json")
    (tmp_path / ".overdeck/agents/link").symlink_to("/")
    assert look(tmp_path) == []


def test_gas_towns_log_counts_where_it_names_a_session(tmp_path: Path) -> None:
    lines = [
        {"session_id": S1, "role": "polecat", "work_item": "gt-a1b2", "cost_usd": 1},
        {"session_id": "gt-rig-toast", "role": "polecat", "work_item": "gt-a1b2"},
        {"session_id": S2, "role": "mayor"},
        {"session_id": S3, "work_item": "/etc/passwd"},
        [],
    ]
    text = "\n".join(["half a line", *map(json.dumps, lines)])
    write(tmp_path / ".gt", "costs.jsonl", text)
    assert look(tmp_path) == [Said(S1, "gt-a1b2", "implementation", "gastown")]


def test_the_environment_says_where_they_are(tmp_path: Path) -> None:
    write(tmp_path / "o/agents/x", "state.json", {"issueId": "MIN-1", "sessionId": S1})
    entry = {"session_id": S2, "work_item": "gt-a1"}
    write(tmp_path / "g/.gt", "costs.jsonl", entry)
    homes = {"OVERDECK_HOME": str(tmp_path / "o"), "GT_HOME": str(tmp_path / "g")}
    assert {said.session_id for said in look(tmp_path, **homes)} == {S1, S2}


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    agent = tmp_path / ".overdeck/agents/x"
    write(agent, "state.json", {"issueId": "MIN-1"})
    write(agent, "sessions.json", [S1])
    looking = Orchestrators(tmp_path, {})
    assert [said.session_id for said in looking.look()] == [S1]
    assert looking.look() == []
    write(agent, "sessions.json", [S1, S2])
    assert [said.session_id for said in looking.look()] == [S1, S2]
    looking.forget()
    assert len(looking.look()) == 2
