"""Work as logs show it: who made a response, where, when; for tests about owners."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from books import NOW

BEGAN = NOW - 30 * 86_400_000
"""Everything happens from here on; a multiple of nothing."""


class Worklog:
    """Writes session logs under a root, one response at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        logs = root.rglob("*.jsonl")
        self.count = sum(log.read_bytes().count(b"\n") for log in logs)

    def respond(
        self,
        session: str,
        at: int,
        *,
        cwd: str = "/src/app",
        branch: str = "main",
        agent: str = "",
        model: str = "claude-opus-5",
        output: int = 1000,
        message: str = "",
        log: str = "",
    ) -> str:
        """One finished response, ``at`` ms after ``BEGAN``; its message id.

        Args:
            session: the session's id.
            cwd: the line's directory, with its ``branch``.
            agent: the subagent that made it.
            model: what answered.
            output: output tokens.
            message: the id of a response that is copied.
            log: the log to write to, if not the session's own.
        """
        self.count += 1
        number = self.count
        message = message or f"msg_01owned{number:017d}"
        usage = {"input_tokens": 10, "output_tokens": output}
        line: dict[str, object] = {
            "type": "assistant",
            "sessionId": session,
            "cwd": cwd,
            "gitBranch": branch,
            "isSidechain": agent != "",
            "uuid": f"00000000-0000-4000-8000-{number:012d}",
            "requestId": f"req_{message}",
            "timestamp": stamp(BEGAN + at),
            "message": {
                "id": message,
                "role": "assistant",
                "model": model,
                "stop_reason": "end_turn",
                "content": [],
                "usage": usage,
            },
        }
        if agent:
            line["agentId"] = agent
        self.write(log or log_of(session, agent), line)
        return message

    def write(self, log: str, line: Mapping[str, object]) -> None:
        """One line of a log."""
        path = self.root / log
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def log_of(session: str, agent: str = "") -> str:
    """The path of a log below the root."""
    if agent:
        return f"-src-app/{session}/subagents/agent-{agent}.jsonl"
    return f"-src-app/{session}.jsonl"


def stamp(at: int) -> str:
    """An instant in milliseconds as logs write it."""
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"
