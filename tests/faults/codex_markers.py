"""Rollouts of Codex in which every free text is a marker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faults.markers import marked, marker

THREAD = "01a10b13-a800-7001-8000-000000000001"
_ALLOWED = frozenset(
    "timestamp type id session_id turn_id cwd model effort branch role call_id status "
    "forked_from_id parent_thread_id agent_role name service_tier cli_version".split()
)
_COUNTS = {
    "input_tokens": 1_000,
    "cached_input_tokens": 200,
    "output_tokens": 100,
    "reasoning_output_tokens": 10,
    "total_tokens": 1_100,
}


def _payloads() -> Iterator[tuple[str, Any]]:
    """One of each kind of line, its texts still empty."""
    yield from _places()
    yield from _conversation()
    yield "compacted", {"message": "", "replacement_history": [{"content": ""}]}
    yield "world_state", {"files": {"a": ""}}
    counts = {"total_token_usage": _COUNTS, "last_token_usage": _COUNTS}
    yield "event_msg", {"type": "token_count", "info": {**counts, "note": ""}}


def _places() -> Iterator[tuple[str, Any]]:
    yield (
        "session_meta",
        {
            "id": THREAD,
            "cwd": "/home/dev/app",
            "originator": "",
            "instructions": "",
            "base_instructions": {"text": ""},
            "git": {"branch": "feature/min-8", "commit_hash": "", "repository_url": ""},
        },
    )
    yield (
        "turn_context",
        {
            "turn_id": "t1",
            "cwd": "/home/dev/app",
            "model": "gpt-5.5",
            "user_instructions": "",
            "developer_instructions": "",
            "sandbox_policy": {"writable_roots": ["", ""]},
        },
    )


def _conversation() -> Iterator[tuple[str, Any]]:
    for item in (
        {"type": "message", "role": "user", "content": [{"type": "t", "text": ""}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "t", "text": ""}],
        },
        {"type": "reasoning", "summary": [{"text": ""}], "encrypted_content": ""},
        {"type": "function_call", "name": "shell", "arguments": "", "call_id": "c1"},
        {"type": "function_call_output", "call_id": "c1", "output": ""},
        {"type": "custom_tool_call", "name": "patch", "input": "", "call_id": "c2"},
        {"type": "local_shell_call", "action": {"command": ["", ""], "env": {"K": ""}}},
        {"type": "web_search_call", "action": {"query": ""}},
        {"type": "of tomorrow", "anything": [{"deep": ""}]},
    ):
        yield "response_item", item
    for event in (
        {"type": "user_message", "message": "", "images": [""]},
        {"type": "agent_message", "message": ""},
        {"type": "agent_reasoning", "text": ""},
        {
            "type": "exec_command_begin",
            "command": ["", ""],
            "parsed_cmd": [{"cmd": ""}],
        },
        {
            "type": "exec_command_end",
            "stdout": "",
            "stderr": "",
            "formatted_output": "",
        },
        {"type": "error", "message": "", "codex_error_info": {"reason": ""}},
        {"type": "turn_aborted", "reason": ""},
        {"type": "token_count", "info": None, "rate_limits": {"limit_name": ""}},
    ):
        yield "event_msg", event


def _line(kind: str, payload: Any, second: int) -> bytes:
    value = {
        "timestamp": f"2026-10-05T08:00:{second:02d}.000Z",
        "type": kind,
        "payload": marked(payload, "", _ALLOWED),
    }
    return json.dumps(value).encode() + b"\n"


def write_rollouts(home: Path) -> None:
    """A whole one, and one in which much is damaged."""
    folder = home / ".codex" / "sessions" / "2026" / "10" / "05"
    folder.mkdir(parents=True)
    whole = [_line(*found, n) for n, found in enumerate(_payloads())]
    name = f"rollout-2026-10-05T08-00-00-{THREAD}.jsonl"
    (folder / name).write_bytes(b"".join(whole))
    text = marker().encode()
    odd = {"type": "token_count", "info": {"total_token_usage": {"input_tokens": ""}}}
    damaged = [
        whole[0],
        text + b"\n",
        whole[2][:-40] + whole[3],
        b"\0" * 30 + whole[4],
        b'{"type":"event_msg","payload":"' + text + b'"}\n',
        b'{"type":["' + text + b'"],"payload":{}}\n',
        _line("event_msg", odd, 5),
        _line("session_meta", {"id": THREAD, "git": "", "source": [""]}, 6),
        b'{"a":"' + text * 4_000 + b'"}\n',
        whole[-1],
        b'{"type":"response_item","payload":{"' + text,
    ]
    other = name.replace("000000000001", "000000000002")
    (folder / other).write_bytes(b"".join(damaged))
