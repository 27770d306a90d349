"""``costd hook``: what an agent's hook says of a session, passed on.

It prints nothing, ends with 0 and takes a moment, whatever happens: what it prints may
enter a conversation, and an agent waits for it. Of what the agent says only ids, paths
and the event's name are looked at; nothing of the conversation leaves this process.
"""

from __future__ import annotations

import json
import os
import sys

# The module below ``signal``, which makes enumerations that nobody here needs.
from _signal import (  # type: ignore[import-not-found]  # typeshed knows it not
    ITIMER_REAL,
    SIGALRM,
    setitimer,
    signal,
)
from collections.abc import Mapping

from costd import client

MOST_BYTES = 16 << 20
"""An answer of the agent may be in what it says; more than this is not read."""

SECONDS = 1.0
"""After so long it ends, wherever it is."""

NAMES = (
    "COSTD_ISSUE",
    "OVERDECK_ISSUE_ID",
    "PAN_ISSUE_ID",
    "GT_ISSUE",
    "GT_WORK_BEAD",
    "AO_ISSUE_ID",
    "LINEAR_ISSUE_IDENTIFIER",
    "ADE_LINEAR_ISSUE_IDS",
    "PAPERCLIP_TASK_ID",
    "MULTICA_TASK_ID",
    "EMDASH_TASK_ID",
)
"""Variables that name an issue: a copy of ``core.attribution.environment``'s."""

ROLES = (
    "COSTD_ROLE",
    "OVERDECK_SESSION_TYPE",
    "PANOPTICON_CONVOY_ROLE",
    "GT_ROLE",
)
"""Variables that name a role: the same."""

OTEL, OTEL_BEAD = "OTEL_RESOURCE_ATTRIBUTES", "gt.work_bead"

_FIELDS = {
    "session": "session_id",
    "event": "hook_event_name",
    "source": "source",
    "agent": "agent_id",
    "agent_type": "agent_type",
}
_LONGEST_ID = 128
_LONGEST = 1024
_LONGEST_PATH = 4096
_PRIME = 4_294_967_291  # the largest of 32 bits
# These begin a conversation: whatever is in it belongs to whoever started it.
_FRESH = ("startup", "clear", None)


def run(words: list[str]) -> int | None:
    """Always 0; None for the forms that people use."""
    if words or sys.stdin is None or sys.stdin.isatty():
        return None
    before = signal(SIGALRM, _leave)
    setitimer(ITIMER_REAL, SECONDS)
    try:
        message = told(_everything(0), os.environ)
        if message is not None:
            client.tell("hook", message, keep="environment" in message)
    except BaseException:  # noqa: BLE001 - no agent may notice
        return 0
    finally:
        setitimer(ITIMER_REAL, 0)
        signal(SIGALRM, before)
    return 0


def told(data: bytes, environ: Mapping[str, str]) -> dict[str, object] | None:
    """What to pass on; None where nothing is said of any session.

    Args:
        data: JSON, as an agent gives it to its hooks.
        environ: the hook's environment, which is the agent's.
    """
    try:
        about = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(about, dict):
        return None
    message: dict[str, object] = {
        name: value
        for name, field in _FIELDS.items()
        if (value := _plain(about.get(field), _LONGEST_ID))
    }
    if "session" not in message:
        return None
    if cwd := _plain(about.get("cwd"), _LONGEST_PATH):
        message["cwd"] = cwd
    if transcript := _transcript(about):
        message["transcript"] = transcript
    if owner := owners(environ):
        message["environment"] = owner
        message["key"] = f"hook:{message['session']}:{_digest(owner):08x}"
        if not _is_fresh(about):
            message["from"] = client.moment()
    return message


def owners(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that say whose the work is; empty where none names an issue."""
    found = _named(environ, NAMES)
    bead = [
        pair.strip()
        for pair in environ.get(OTEL, "").split(",")
        if pair.partition("=")[0].strip() == OTEL_BEAD
    ]
    if bead and _plain(bead[0], _LONGEST):
        found[OTEL] = bead[0]
    return {**found, **_named(environ, ROLES)} if found else {}


def _named(environ: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {
        name: value for name in names if (value := _plain(environ.get(name), _LONGEST))
    }


def _plain(value: object, longest: int) -> str:
    """A short text in which nothing is hidden, or an empty one."""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        return ""
    return value.strip()


def _transcript(about: dict[str, object]) -> str:
    """The log that has grown: the subagent's where there is one, by its real path."""
    for field in ("agent_transcript_path", "transcript_path"):
        path = _plain(about.get(field), _LONGEST_PATH)
        if path.startswith("/"):
            return os.path.realpath(path)
    return ""


def _is_fresh(about: dict[str, object]) -> bool:
    return about.get("hook_event_name") == "SessionStart" and (
        about.get("source") in _FRESH
    )


def _digest(owner: dict[str, str]) -> int:
    """A number for what is said: the same for the same, in every process."""
    said = json.dumps(owner, sort_keys=True).encode()
    return int.from_bytes(said, "big") % _PRIME


def _everything(descriptor: int) -> bytes:
    data = bytearray()
    while part := os.read(descriptor, 1 << 16):
        data += part
        if len(data) > MOST_BYTES:
            return b""
    return bytes(data)


def _leave(_signal: int, _frame: object) -> None:
    os._exit(0)
