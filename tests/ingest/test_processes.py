from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from costd.ingest.processes import running, session_of_process


def running_sessions(roots: list[str]) -> set[str]:
    return {process.session_id for process in running(roots)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "projects").mkdir()
    return tmp_path / "projects"


def register(root: Path, name: str, content: object) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (root.parent / "sessions" / name).write_text(text)


def ended_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_session_runs_while_its_process_does(root: Path) -> None:
    gone = ended_pid()
    register(root, f"{os.getpid()}.json", {"pid": os.getpid(), "sessionId": "alive"})
    register(root, f"{gone}.json", {"pid": gone, "sessionId": "ended", "cwd": "/w"})
    assert running_sessions([str(root)]) == {"alive"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"pid": "1", "sessionId": "x"}',
        '{"pid": 1}',
        '{"pid": -1, "sessionId": "x"}',
        '{"pid": 99999999999999999999, "sessionId": "x"}',
    ],
)
def test_rubbish_in_the_registry_is_no_evidence(root: Path, content: str) -> None:
    register(root, "7.json", content)
    register(root, "note.txt", {"pid": os.getpid(), "sessionId": "not json"})
    assert running_sessions([str(root)]) == set()


def test_no_registry_means_nothing_runs(tmp_path: Path) -> None:
    assert running_sessions([str(tmp_path / "projects")]) == set()


def test_the_session_of_a_process(root: Path) -> None:
    register(root, "4711.json", {"pid": 4711, "sessionId": "s"})
    register(root, "12.json", {"pid": 13, "sessionId": "another's"})
    assert session_of_process([str(root)], 4711) == "s"
    assert session_of_process([str(root)], 12) is None
    assert session_of_process([str(root)], 1) is None
