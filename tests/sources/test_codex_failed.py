"""What Codex says of calls that failed: the kind, and nothing of the words."""

from __future__ import annotations

import json

import pytest

from costd.core.usage import ApiError
from costd.engine.sources import CODEX

PARENT = "01a10b00-0000-7001-8000-000000000001"
OWN = "01a10b13-a7e8-7001-8000-000000000001"


def line(kind: str, payload: dict[str, object], at: str = "08:00:05") -> bytes:
    record = {"timestamp": f"2026-10-05T{at}Z", "type": kind, "payload": payload}
    return json.dumps(record).encode() + b"\n"


def errors(*lines: bytes) -> list[ApiError]:
    parser = CODEX.parser("/r", f"rollout-x-{OWN}.jsonl", b"", 1)
    data = bytearray(b"".join(lines))
    parser.take(data, 0, len(data), 0)
    reading = parser.finish()
    assert reading.skipped == []
    return reading.api_errors


@pytest.mark.parametrize(
    ("info", "message", "kind"),
    [
        ("usage_limit_exceeded", "You've hit your usage limit.", "rate limit"),
        ("context_window_exceeded", "", "context too long"),
        ("server_overloaded", "", "overloaded"),
        ("unauthorized", "", "authentication failed"),
        ("internal_server_error", "", "server error"),
        (
            {"response_stream_connection_failed": {"http_status_code": 503}},
            "secret /home/dev/app",
            "server error (503)",
        ),
        ({"http_connection_failed": {}}, "", "network error"),
        ({"http_connection_failed": 7}, "stream disconnected: timeout", "timeout"),
        (None, "Something with a secret in it", "other error"),
    ],
)
def test_the_kind_of_an_error(info: object, message: str, kind: str) -> None:
    payload: dict[str, object] = {"type": "error", "message": message}
    if info is not None:
        payload["codex_error_info"] = info
    (found,) = errors(line("event_msg", payload))
    assert found.kind == kind
    assert found.key == f"{OWN}@{found.at}"


def test_what_a_fork_copied_is_told_by_its_origin() -> None:
    copied = {"turn_id": "01a10b05-0000-7001-8000-000000000001"}
    error: dict[str, object] = {"type": "error", "message": "overloaded"}
    own = {"turn_id": "01a10b20-0000-7001-8000-000000000001"}
    meta: dict[str, object] = {"id": OWN, "forked_from_id": PARENT}
    found = errors(
        line("session_meta", meta),
        line("turn_context", dict(copied)),
        line("event_msg", error),
        line("turn_context", dict(own)),
        line("event_msg", error, "08:00:09"),
    )
    assert [seen.at % 60_000 for seen in found] == [9_000]
