"""The sessions of a ``codex`` that ``costd exec`` runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from costd.cli.agents.sessions import Sessions, named

THREAD = "01a10b13-a7e8-7001-8000-000000000001"
OTHER = "01a10b13-a7e8-7002-8000-000000000002"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "sessions/2026/10/05").mkdir(parents=True)
    return tmp_path


def looking(home: Path) -> Sessions:
    return Sessions("t", "/p/app", {"CODEX_HOME": str(home)})


def begin(
    home: Path,
    thread: str,
    *,
    day: str = "2026/10/05",
    cwd: str = "/p/app",
    about: dict[str, object] | None = None,
) -> Path:
    path = home / "sessions" / day / f"rollout-2026-10-05T08-00-00-{thread}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    instructions = {"text": "x" * 200_000}
    meta = {
        "id": thread,
        "base_instructions": instructions,
        "cwd": cwd,
        **(about or {}),
    }
    line = json.dumps({"type": "session_meta", "payload": meta})
    path.write_text(line + '\n{"type": "turn_context"}\n')
    return path


def test_only_rollouts_that_begin_meanwhile_are_its(home: Path) -> None:
    begin(home, OTHER)
    found = looking(home)
    assert found.begun() == set()
    begin(home, THREAD)
    assert found.begun() == {THREAD}


def test_a_new_day_may_begin(home: Path) -> None:
    found = looking(home)
    begin(home, THREAD, day="2026/10/06")
    begin(home, OTHER, day="2027/01/01")
    assert found.begun() == {THREAD, OTHER}


def test_elsewhere_is_not_its(home: Path) -> None:
    found = looking(home)
    begin(home, THREAD, cwd="/p/other")
    begin(home, OTHER, day="2026/x/y")
    (home / "sessions/2026/10/05/rollout-empty.jsonl").touch()
    (home / "sessions/2026/10/05/rollout-list.jsonl").write_text("[]\n")
    (home / "sessions/2026/10/05/rollout-odd.jsonl").write_text('{"payload": 1}\n')
    (home / "sessions/2026/10/05/rollout-half.jsonl").write_text('{"payload": {"id')
    assert found.begun() == set()


@pytest.mark.parametrize(
    "mark", [{"thread_source": "subagent"}, {"source": {"subagent": "review"}}]
)
def test_a_subagent_is_of_the_session_that_started_it(
    home: Path, mark: dict[str, object]
) -> None:
    found = looking(home)
    begin(home, OTHER, about={"session_id": THREAD, **mark})
    assert found.begun() == {THREAD}


def test_where_there_is_no_codex_there_is_nothing(tmp_path: Path) -> None:
    assert looking(tmp_path / "nowhere").begun() == set()


@pytest.mark.parametrize(
    ("line", "session"),
    [
        (f"codex resume {THREAD}", THREAD),
        (f"codex exec resume {THREAD.upper()} go", THREAD),
        ("codex resume --last", ""),
        ("codex resume", ""),
        (f"codex fork {THREAD}", ""),
        (f"other resume {THREAD}", ""),
        ("codex", ""),
    ],
)
def test_a_session_that_the_arguments_name(line: str, session: str) -> None:
    assert named(line.split()) == session
