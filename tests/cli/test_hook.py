"""``costd hook``: ids and paths are passed on, nothing else, and nobody notices."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cli.canned import Daemon
from cli.conftest import Shown
from costd.cli.agents import hook
from costd.cli.agents.hook import owners, told
from costd.core.attribution import environment

SESSION = "1a2b3c4d-0000-4000-8000-00000000000a"


def event(**changes: object) -> dict[str, object]:
    return {
        "session_id": SESSION,
        "hook_event_name": "SessionStart",
        "source": "startup",
        "cwd": "/p/app",
        "transcript_path": "/p/t.jsonl",
        **changes,
    }


def sent(environ: dict[str, str] | None = None, **changes: object) -> dict[str, Any]:
    message = told(json.dumps(event(**changes)).encode(), environ or {})
    assert message is not None
    return message


def test_the_variables_are_those_that_the_rules_read() -> None:
    assert hook.NAMES == environment.ISSUE_NAMES
    assert hook.ROLES == environment.ROLE_NAMES
    for name in hook.NAMES:
        value = {name: "MIN-1", "COSTD_ROLE": "review"}
        assert environment.declared(owners(value)).issue == "MIN-1"
        assert owners(value) == value
    otel = {hook.OTEL: f"service.name=x, {hook.OTEL_BEAD}=gt-abc12,secret=1"}
    assert environment.declared(owners(otel)) == environment.declared(otel)
    assert environment.declared(otel).issue == "gt-abc12"


def test_ids_and_paths_are_passed_on() -> None:
    assert sent() == {
        "session": SESSION,
        "event": "SessionStart",
        "source": "startup",
        "cwd": "/p/app",
        "transcript": "/p/t.jsonl",
    }


def test_nothing_of_a_conversation_is() -> None:
    secret = "SECRET words"
    fields = (
        "prompt last_assistant_message tool_input session_title error custom".split()
    )
    message = sent(
        {"COSTD_ISSUE": "MIN-1", "ANTHROPIC_API_KEY": secret},
        **dict.fromkeys(fields, secret),
        agent_id="a1",
        agent_type="Explore",
        background_tasks=[{"x": secret}],
    )
    assert secret not in json.dumps(message)
    assert (message["agent"], message["agent_type"]) == ("a1", "Explore")


def test_an_owner_is_told_once_for_each_session() -> None:
    mine = {"COSTD_ISSUE": "MIN-1", "COSTD_ROLE": "review", "PATH": "/bin"}
    first = sent(mine)
    assert first["environment"] == {"COSTD_ISSUE": "MIN-1", "COSTD_ROLE": "review"}
    assert sent(mine, hook_event_name="Stop")["key"] == first["key"]
    assert sent(mine, session_id="other")["key"] != first["key"]
    assert sent({**mine, "COSTD_ISSUE": "MIN-2"})["key"] != first["key"]
    assert sent({**mine, "COSTD_ROLE": "test"})["key"] != first["key"]
    assert len(sent(mine, session_id="s" * 128)["key"]) <= 200


@pytest.mark.parametrize(
    ("name", "source", "whole"),
    [
        ("SessionStart", "startup", True),
        ("SessionStart", "clear", True),
        ("SessionStart", None, True),
        ("SessionStart", "resume", False),
        ("SessionStart", "compact", False),
        ("SessionStart", "fork", False),
        ("Stop", None, False),
        ("SessionEnd", None, False),
    ],
)
def test_what_was_done_before_it_was_resumed_keeps_its_owner(
    name: str, source: str | None, whole: bool
) -> None:
    message = sent({"COSTD_ISSUE": "MIN-1"}, hook_event_name=name, source=source)
    assert ("from" not in message) is whole


def test_a_role_alone_names_no_owner() -> None:
    assert "environment" not in sent({"COSTD_ROLE": "review", "GT_ROLE": "polecat"})


@pytest.mark.parametrize(
    "value", ["", " ", "x" * 4097, "a\nb", "a\0b", "\x1b[2J", "\ud800", 7, None, [], {}]
)
@pytest.mark.parametrize("field", ["cwd", "transcript_path", "agent_id", "source"])
def test_what_is_no_plain_text_is_left_out(field: str, value: object) -> None:
    message = told(json.dumps(event(**{field: value})).encode(), {})
    assert message is not None
    assert set(message) >= {"session", "event"}
    assert json.dumps(value) not in json.dumps(message) or not value


@pytest.mark.parametrize(
    "value", ["", "x" * 4096, "../x\n", "\x1b]0;x\x07", "a\0b", 7, None]
)
def test_without_a_session_there_is_nothing_to_say(value: object) -> None:
    assert told(json.dumps(event(session_id=value)).encode(), {}) is None


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 99_999, b'{"session_id": NaN}']
)
def test_what_is_no_event_says_nothing(data: bytes) -> None:
    assert told(data, {"COSTD_ISSUE": "MIN-1"}) is None


def test_the_log_is_named_by_its_real_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    message = sent(transcript_path=str(tmp_path / "link/t.jsonl"))
    assert message["transcript"] == os.path.realpath(tmp_path / "real/t.jsonl")
    ended = sent(agent_transcript_path="/p/agent.jsonl")
    assert ended["transcript"] == "/p/agent.jsonl"
    assert "transcript" not in sent(transcript_path="relative")


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file that is standard input while a command runs."""
    path = tmp_path / "stdin"
    path.write_bytes(json.dumps(event()).encode())
    return path


def piped(
    costd: Shown, stdin: Path, monkeypatch: pytest.MonkeyPatch, *argv: str
) -> Any:
    kept = os.dup(0)
    with stdin.open("rb") as file:
        os.dup2(file.fileno(), 0)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.FileIO(0, closefd=False)))
        try:
            return costd("hook", *argv)
        finally:
            os.dup2(kept, 0)
            os.close(kept)


def test_it_tells_the_daemon_and_prints_nothing(
    costd: Shown, daemon: Daemon, stdin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.put(hook={"schema_version": 1})
    monkeypatch.setenv("COSTD_ISSUE", "MIN-1")
    shown = piped(costd, stdin, monkeypatch)
    assert (shown.code, shown.raw, shown.err) == (0, b"", "")
    (asked,) = daemon.asked
    assert (asked.method, asked.target) == ("POST", "/api/hook")
    assert json.loads(asked.body)["environment"] == {"COSTD_ISSUE": "MIN-1"}


@pytest.mark.parametrize("issue", ["MIN-1", "../x", None])
def test_without_a_daemon_only_an_owner_is_kept(
    costd: Shown,
    state_dir: Path,
    stdin: Path,
    monkeypatch: pytest.MonkeyPatch,
    issue: str | None,
) -> None:
    if issue is not None:
        monkeypatch.setenv("COSTD_ISSUE", issue)
    shown = piped(costd, stdin, monkeypatch)
    assert (shown.code, shown.raw, shown.err) == (0, b"", "")
    assert len(list(state_dir.glob("spool/*.json"))) == (issue is not None)


def test_even_nonsense_ends_well(
    costd: Shown, state_dir: Path, stdin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data in (b"", b"\0", b"{" * 10_000):
        stdin.write_bytes(data)
        shown = piped(costd, stdin, monkeypatch)
        assert (shown.code, shown.raw, shown.err) == (0, b"", "")


def test_a_try_shows_what_would_be_sent_and_sends_nothing(
    costd: Shown, state_dir: Path, stdin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTD_ISSUE", "min-1")
    monkeypatch.setenv("COSTD_ROLE", "reviewer")
    shown = piped(costd, stdin, monkeypatch, "--test")
    assert shown.code == 0
    assert "links the session to MIN-1 in the role review, by COSTD_ISSUE" in shown.out
    assert "would wait in" in shown.out
    answer = json.loads(piped(costd, stdin, monkeypatch, "--test", "--json").out)
    assert answer["message"]["session"] == SESSION
    assert (answer["issue"], answer["role"], answer["daemon"]) == (
        "MIN-1",
        "review",
        False,
    )
    assert not (state_dir / "spool").exists()


def test_a_try_finds_the_daemon(
    costd: Shown, daemon: Daemon, stdin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.put(version={"version": "1"})
    shown = piped(costd, stdin, monkeypatch, "--test")
    assert "A daemon is there" in shown.out
    assert "No variable names an issue" in shown.out
    assert [request.method for request in daemon.asked] == ["GET"]


def test_a_try_of_nothing_shows_a_sample(
    costd: Shown, state_dir: Path, stdin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin.write_bytes(b"")
    assert "a sample is shown" in piped(costd, stdin, monkeypatch, "--test").out
    stdin.write_bytes(b"[]")
    assert "nothing is sent" in piped(costd, stdin, monkeypatch, "--test").out


def test_a_try_breaks_no_terminal(
    costd: Shown, state_dir: Path, stdin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in hook.NAMES:
        monkeypatch.setenv(name, "\u202e../x" + "\x1b[2J" * 900)
    stdin.write_text(json.dumps(event(cwd="/p\u202eapp\x1b[2J")))
    shown = piped(costd, stdin, monkeypatch, "--test")
    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out
