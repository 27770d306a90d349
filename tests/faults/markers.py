"""Logs in which every free text is a marker that is nowhere else in the world.

A value is either one of the few that costd may keep (ids, times, counts, the model, the
directory, the branch, links to pull requests, the kind of a subagent), or a marker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from loglines import Line, encode, session, uuid

MARKER = "xq7secret"
ALLOWED = frozenset(
    "type subtype sessionId session_id uuid parentUuid logicalParentUuid requestId "
    "request_id id model timestamp cwd gitBranch agentId stop_reason role version "
    "speed inference_geo service_tier prUrl prRepository tool_use_id worktreePath "
    "worktreeBranch originalCwd branch agentType parentAgentId messageUuid operation "
    "name status relocatedCwd".split()
)
"""The names of the values that are no free text; ``name`` is that of a tool."""

_numbers = count(1)


def marker() -> str:
    """A text with a secret in it that was never used before."""
    number = next(_numbers)
    return (
        f"please use {MARKER}{number}z and sk-ant-api03-{MARKER}{number} "
        f"for https://github.com/o/n/issues/{number}?t={MARKER}#{MARKER} and {MARKER}-{number}"
    )


def marked(value: Any, key: str = "", allowed: frozenset[str] = ALLOWED) -> Any:
    """``value`` with a marker for every text that is not on the list."""
    if isinstance(value, dict):
        return {name: marked(inner, name, allowed) for name, inner in value.items()}
    if isinstance(value, list):
        return [marked(inner, key, allowed) for inner in value]
    if isinstance(value, str) and key not in allowed:
        return marker()
    return value


def _assistant(number: int) -> dict[str, Any]:
    value = Line(number, branch=f"feature/min-{number}", read=50).value()
    value["message"]["content"] = [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": "", "citations": [{"cited_text": "", "url": ""}]},
        {
            "type": "tool_use",
            "id": "toolu_1",
            "name": "Bash",
            "input": {"command": "", "description": "", "env": {"KEY": ""}},
        },
        {"type": "server_tool_use", "id": "st_1", "name": "web_search", "input": [""]},
        {"type": "web_search_tool_result", "tool_use_id": "st_1", "content": [""]},
    ]
    value["message"]["stop_sequence"] = ""
    value["message"]["stop_details"] = {"explanation": ""}
    value["message"]["diagnostics"] = [""]
    value["slug"] = value["userType"] = value["entrypoint"] = value["effort"] = ""
    value["attributionSkill"] = value["attributionMcpTool"] = value["error"] = ""
    return value


def _user(content: Any, result: Any) -> dict[str, Any]:
    return {
        "parentUuid": uuid(1),
        "type": "user",
        "sessionId": session(1),
        "uuid": uuid(77),
        "timestamp": "2026-11-01T08:00:00.000Z",
        "cwd": "/home/dev/project",
        "gitBranch": "main",
        "message": {"role": "user", "content": content},
        "toolUseResult": result,
        "promptId": "",
    }


KINDS = (
    "summary last-prompt ai-title custom-title tag agent-name agent-color agent-setting "
    "mode permission-mode queue-operation file-history-snapshot file-history-delta "
    "relocated continued-in content-replacement api-request api-request-shape "
    "api-request-blob fork-context-ref frame-link ended-by-model bridge-session "
    "history-suppression attribution-snapshot isolation-latch dev-mods memory-mode "
    "atis-latch observer-ref teleported-from artifact-index marble-origami-map result "
    "attachment of-a-version-to-come"
).split()


def _conversation() -> Iterator[dict[str, Any]]:
    """What is said and done, its texts still empty."""
    yield _assistant(1)
    yield _user("", "")
    yield _user(
        [{"type": "tool_result", "tool_use_id": "toolu_1", "content": ""}],
        {
            "stdout": "",
            "stderr": "",
            "filePath": "",
            "oldString": "",
            "structuredPatch": [{"lines": ["", ""]}],
            "content": [{"type": "text", "text": ""}],
            "prompt": "",
            "outputFile": "",
            "searchCount": 1,
        },
    )
    yield _user([{"type": "image", "source": {"data": "", "media_type": ""}}], [""])
    progress = _assistant(2)
    yield {
        "type": "progress",
        "sessionId": session(1),
        "timestamp": "2026-11-01T09:00:00.000Z",
        "data": {
            "type": "agent_progress",
            "prompt": "",
            "agentId": "a1",
            "message": progress,
        },
    }


def _notes() -> Iterator[dict[str, Any]]:
    """Every other kind of line, its texts still empty."""
    for subtype in (
        *("turn_duration", "stop_hook_summary", "compact_boundary", "api_error"),
        *("away_summary", "local_command", "informational"),
    ):
        yield {
            "type": "system",
            "subtype": subtype,
            "sessionId": session(1),
            "content": "",
            "error": {"message": "", "headers": {"authorization": ""}},
            "compactMetadata": {"trigger": "", "preTokens": 5},
        }
    for kind in KINDS:
        yield {
            "type": kind,
            "sessionId": session(1),
            "summary": "",
            "lastPrompt": "",
            "title": "",
            "value": "",
            "content": "",
            "snapshot": {"trackedFileBackups": {"a": {"backupFileName": ""}}},
            "body": {"messages": [{"content": ""}], "system": ""},
        }


def _links() -> Iterator[dict[str, Any]]:
    """Lines of which costd keeps a part."""
    yield {
        "type": "pr-link",
        "sessionId": session(1),
        "prNumber": 7,
        "prUrl": "https://github.com/o/n/pull/7",
        "prRepository": "o/n",
        "timestamp": "2026-11-01T09:00:00.000Z",
        "title": "",
    }
    yield {
        "type": "worktree-state",
        "sessionId": session(1),
        "worktreeSession": {
            "originalCwd": "/home/dev/project",
            "worktreePath": "/home/dev/wt",
            "worktreeBranch": "feature/min-9",
            "note": "",
        },
    }
    yield {
        "type": "cost-state",
        "sessionId": session(1),
        "totalCostUSD": 9.5,
        "modelUsage": {"claude-opus-5": {"note": ""}},
        "note": "",
    }


def good_lines() -> bytes:
    """Every kind of line, each whole."""
    return b"".join(
        encode(marked(value)) for value in (*_conversation(), *_notes(), *_links())
    )


def damaged_lines() -> bytes:
    """What cannot be read, with markers where an error message would quote it."""
    whole = encode(marked(_assistant(30)))
    other = encode(marked(_assistant(31)))
    odd_count = marked(_assistant(32))
    odd_count["message"]["usage"]["input_tokens"] = marker()
    odd_types = marked(_assistant(33))
    odd_types["message"]["content"] = {marker(): marker()}
    odd_types["toolUseResult"] = 7
    odd_types["timestamp"] = marker()
    odd_key = marked(_assistant(34))
    odd_key[marker()] = odd_key["message"]["usage"][marker()] = marker()
    text = marker().encode()
    return b"".join(
        [
            text + b"\n",
            b'{"type":"assistant","message":{"content":"' + text + b"\n",
            whole[:-300] + other,
            b"\0" * 40 + encode(marked(_assistant(35))),
            b"\xff\xfe" + text + b"\xff\n",
            b'["' + text + b'"]\n',
            b'"' + text + b'"\n',
            b"[" * 2_000 + text + b"\n",
            b'{"type":"assistant","message":{"usage":{"input_tokens":"'
            + text
            + b'"}}}\n',
            b'{"a":"' + text * 4_000 + b'"}\n',
            encode(odd_count),
            encode(odd_types),
            encode(odd_key),
            json.dumps({"type": marker(), "sessionId": session(1)}).encode() + b"\n",
            b'{"type":"user","message":"' + text,  # and never an end
        ]
    )


def subagent(folder: Path) -> None:
    """A subagent's log with the note beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "agent-a0123456789abcdef.jsonl"
    value = marked(_assistant(40))
    value["agentId"], value["isSidechain"] = "a0123456789abcdef", True
    log.write_bytes(encode(value))
    note = {"agentType": "Explore", "description": "", "toolUseId": "", "prompt": ""}
    log.with_suffix(".meta.json").write_bytes(encode(marked(note)))
