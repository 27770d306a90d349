"""Lines as Claude Code writes them, for tests that write logs of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

BEGAN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
GATEWAY_ID = "chatcmpl-0"
"""An id that some gateways give to every response."""


def session(number: int) -> str:
    """The id of a session."""
    return f"5e551000-0000-4000-8000-{number:012d}"


def uuid(number: int) -> str:
    """The uuid of a line."""
    return f"0000{number:04x}-0000-4000-8000-{number:012d}"


@dataclass(frozen=True)
class Line:
    """One assistant line; ``number`` gives it its ids, its time and its uuid."""

    number: int
    out: int = 100
    fresh: int = 10
    read: int = 0
    short: int = 0
    hour: int = 0
    stop: str | None = "end_turn"
    session_id: str = session(1)
    model: str = "claude-opus-5"
    message_id: str | None = ""
    request_id: str | None = ""
    block: int = 0
    agent_id: str = ""
    cwd: str = "/home/dev/project"
    branch: str = "main"
    at: str = ""

    def having(self, **changes: Any) -> Line:
        """The same line but for some fields."""
        return replace(self, **changes)

    @property
    def ids(self) -> tuple[str | None, str | None]:
        """Message id and request id; empty ones are made from the number."""
        message, request = self.message_id, self.request_id
        if message == "":
            message = f"msg_01{self.number:022d}"
        return message, f"req_{self.number}" if request == "" else request

    def value(self) -> dict[str, Any]:
        """The line as JSON has it."""
        message, request = self.ids
        moment = BEGAN + timedelta(minutes=7 * self.number, milliseconds=self.block)
        usage = {
            "input_tokens": self.fresh,
            "cache_creation_input_tokens": self.short + self.hour,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.short,
                "ephemeral_1h_input_tokens": self.hour,
            },
            "output_tokens": self.out,
        }
        found: dict[str, Any] = {
            "parentUuid": None,
            "isSidechain": bool(self.agent_id),
            "cwd": self.cwd,
            "sessionId": self.session_id,
            "gitBranch": self.branch,
            "type": "assistant",
            "uuid": uuid(self.number * 10 + self.block),
            "timestamp": self.at
            or moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "message": {
                "model": self.model,
                "id": message,
                "type": "message",
                "role": "assistant",
                "content": [{"type": "text", "text": "Grüße, 世界 🙂"}],
                "stop_reason": self.stop,
                "usage": usage,
            },
            "requestId": request,
        }
        if self.agent_id:
            found["agentId"] = self.agent_id
        return found

    def text(self) -> bytes:
        """The line's bytes, with its newline."""
        return encode(self.value())


def encode(value: Any) -> bytes:
    """A value as a line."""
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def user(number: int, text: str = "Please go on.") -> bytes:
    """A line of the person at the keyboard."""
    return encode(
        {
            "parentUuid": None,
            "type": "user",
            "sessionId": session(1),
            "uuid": uuid(90_000 + number),
            "timestamp": "2026-11-01T08:00:00.000Z",
            "message": {"role": "user", "content": text},
        }
    )


def lines(*numbers: int, **fields: Any) -> bytes:
    """One finished response for each number."""
    return b"".join(Line(number, **fields).text() for number in numbers)
