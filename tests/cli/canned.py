"""A real server on a real Unix socket that gives prepared answers; and what it gives."""

from __future__ import annotations

import json
import socketserver
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from costd import __version__

SESSION = "1a2b3c4d-0000-4000-8000-000000000000"
TOKENS = {
    "input": 10,
    "output": 500,
    "cache_read": 20000,
    "cache_creation_5m": 0,
    "cache_creation_1h": 1000,
    "total": 21510,
}
SUMS = {
    "responses": 12,
    "sessions": 2,
    "tokens": TOKENS,
    "cost_usd": 0.03255,
    "lower_bound": False,
    "unfinalised_responses": 0,
    "unpriced_responses": 0,
    "unpriced_tokens": 0,
}
CARD = {"version": "2026-11-22.1", "as_of": "2026-11-22"}
BASIS = "list-price equivalent"


def status(**changes: Any) -> dict[str, Any]:
    """An answer to ``status``, with changes."""
    return {
        "schema_version": 1,
        "generated_at": "2026-11-22T10:00:00Z",
        "version": __version__,
        "pid": 4711,
        "started_at": "2026-11-22T07:00:00Z",
        "daemon": True,
        "timezone": "Europe/Oslo",
        "sources": [
            {
                "name": "claude",
                "roots": ["/home/u/.claude/projects"],
                "files": 1234,
                "bytes_behind": 0,
                "last_record_at": "2026-11-22T09:59:48Z",
                "skipped_lines": 0,
                "salvaged_lines": 0,
                "rewrites": 0,
                "last_error": None,
            }
        ],
        "totals": {
            "today": {"cost_usd": 12.345, "tokens": 3_400_000, "responses": 512},
            "week": {"cost_usd": 112.5, "tokens": 43_400_000, "responses": 5120},
            "month": {"cost_usd": 1112.5, "tokens": 943_400_000, "responses": 15120},
            "all": {"cost_usd": 5112.5, "tokens": 2_943_400_000, "responses": 75120},
        },
        "live": [],
        "unattributed": {},
        "unpriced": {"models": [], "tokens": 0, "responses": 0},
        "lower_bound": {"responses": 0, "reasons": {}},
        "health": [],
        "price_card": CARD,
        "basis": BASIS,
        **changes,
    }


def live(**changes: Any) -> dict[str, Any]:
    """A live session of a status, with changes."""
    return {
        "session_id": SESSION,
        "agent": "claude",
        "issue": "MIN-123",
        "role": "review",
        "project": "app",
        "branch": "feature/min-123-a-branch-with-a-long-name",
        "model": "claude-opus-5",
        "started_at": "2026-11-22T09:00:00Z",
        "last_at": "2026-11-22T09:59:48Z",
        "cost_usd": 1.23,
        "estimated_cost_usd": 1.31,
        "usd_per_hour": 4.5,
        "tokens": 1_234_567,
        "subagents": 0,
        "lower_bound": False,
        "unpriced_responses": 0,
        **changes,
    }


def report(**changes: Any) -> dict[str, Any]:
    """An answer to ``report --by day,model``, with changes."""
    return {
        "schema_version": 1,
        "generated_at": "2026-11-22T10:00:00Z",
        "timezone": "Europe/Oslo",
        "since": "2026-11-01",
        "until": None,
        "by": ["day", "model"],
        "rows": [{"day": "2026-11-21", "model": "claude-opus-5", **SUMS}],
        "total": SUMS,
        "ownership": {
            "issues_usd": 0.03,
            "buckets_usd": 0.00255,
            "total_usd": 0.03255,
            "exact": True,
        },
        "price_card": CARD,
        "basis": BASIS,
        **changes,
    }


def session_row(**changes: Any) -> dict[str, Any]:
    """A row of ``sessions``, with changes."""
    return {
        "session_id": SESSION,
        "agent": "claude",
        "project": "app",
        "branch": "main",
        "issue": "none:default-branch",
        "role": None,
        "models": ["claude-opus-5", "claude-haiku-5"],
        "started_at": "2026-11-22T09:00:00Z",
        "last_at": "2026-11-22T09:59:48Z",
        **SUMS,
        "subagents": 1,
        "live": False,
        **changes,
    }


@dataclass
class Request:
    """What somebody asked."""

    method: str
    target: str
    body: bytes


@dataclass
class Daemon:
    """A server with prepared answers by path; a path without one is not found.

    An answer is a value, bytes to be sent as they are, or a status and a value.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    version: str = __version__
    socket: Path = Path()

    def put(self, **answers: Any) -> None:
        """Prepare answers for ``/api/<name>``."""
        self.answers.update({f"/api/{name}": value for name, value in answers.items()})


class Server(socketserver.ThreadingUnixStreamServer):
    """The server of a ``Daemon``."""

    daemon_threads = True

    def __init__(self, daemon: Daemon) -> None:
        self.canned = daemon
        super().__init__(str(daemon.socket), Replies)


class Replies(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def _reply(self) -> None:
        canned = self.server.canned
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        canned.asked.append(Request(self.command, self.path, body))
        missing = (404, {"error": "Not Found", "fix": "Look elsewhere.", "code": 2})
        found = canned.answers.get(self.path.partition("?")[0], missing)
        status, value = found if isinstance(found, tuple) else (200, found)
        data = value if isinstance(value, bytes) else compact(value)
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.send_header("costd-version", canned.version)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: object) -> None:
        """Say nothing: there is nobody's address to print."""


def compact(value: Any) -> bytes:
    """JSON as the daemon writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode() + b"\n"


def serve(daemon: Daemon) -> tuple[Server, threading.Thread]:
    """Start a server; the caller ends it."""
    server = Server(daemon)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    return server, thread
