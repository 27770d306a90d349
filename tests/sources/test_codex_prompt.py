"""The first prompt of a Codex session may name its issue by an address."""

from __future__ import annotations

import json

import pytest

from costd.engine.sources import CODEX

OWN = "01a10b13-a7e8-7001-8000-000000000001"
PARENT = "01a10b00-0000-7001-8000-000000000001"
ADDRESS = "https://github.com/owner/name/issues/7"


def line(kind: str, payload: dict[str, object]) -> bytes:
    record = {"timestamp": "2026-10-05T08:00:05Z", "type": kind, "payload": payload}
    return json.dumps(record).encode() + b"\n"


def prompt(text: object) -> bytes:
    return line("event_msg", {"type": "user_message", "message": text})


def turn(thread: str) -> bytes:
    started = {"copied": "01a10b05", "own": "01a10b20"}[thread]
    return line("turn_context", {"turn_id": f"{started}-0000-7001-8000-000000000001"})


def issues(*lines: bytes) -> list[tuple[str, str]]:
    """Read line by line, with a new parser for each."""
    state, found = b"", []
    for one in lines:
        parser = CODEX.parser("/r", f"rollout-x-{OWN}.jsonl", state, 1)
        parser.take(bytearray(one), 0, len(one), 0)
        state = parser.state()
        reading = parser.finish()
        found += [(said.session_id, said.issue) for said in reading.prompted]
    return found


META = line("session_meta", {"id": OWN})


def test_the_first_prompt_names_the_issue() -> None:
    assert issues(META, prompt(f"Fix {ADDRESS}, please")) == [(OWN, "owner/name#7")]


@pytest.mark.parametrize(
    "text",
    ["Fix MIN-7", f"{ADDRESS} or {ADDRESS}1?", "", None, "https://example.org/7"],
)
def test_what_names_no_one_issue(text: object) -> None:
    assert issues(META, prompt(text)) == []


def test_only_the_first_prompt_is_looked_at() -> None:
    assert issues(META, prompt("Hello"), prompt(ADDRESS)) == []


def test_prompts_that_were_copied_are_not_its_own() -> None:
    meta = line("session_meta", {"id": OWN, "forked_from_id": PARENT})
    lines = [meta, turn("copied"), prompt(ADDRESS), turn("own")]
    assert issues(*lines, prompt(f"{ADDRESS}8")) == [(OWN, "owner/name#78")]


def test_a_subagent_is_prompted_by_its_session() -> None:
    source = {"subagent": {"thread_spawn": {"parent_thread_id": PARENT}}}
    assert (
        issues(line("session_meta", {"id": OWN, "source": source}), prompt(ADDRESS))
        == []
    )
