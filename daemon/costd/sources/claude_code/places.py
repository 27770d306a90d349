"""Which files are Claude Code's session logs, and whose they are, by path alone.

The project folder's name is a lossy encoding and is never decoded; what a path can
tell is the session and the subagent.
"""

from __future__ import annotations

_SET_ASIDE = (".orphaned-", ".superseded-")


def is_session_log(path: str) -> bool:
    """Whether the file at ``path`` (relative to a root) holds billable responses."""
    if not path.endswith(".jsonl"):
        return False
    folder, _, name = path.rpartition("/")
    return (
        # Asked of every file, so the cheap question comes first.
        ("tool-results" not in folder or "tool-results" not in folder.split("/"))
        and name != "journal.jsonl"
        and _SET_ASIDE[0] not in name
        and _SET_ASIDE[1] not in name
    )


def session_of(path: str) -> str:
    """The session that a log belongs to when its lines do not say so."""
    parts = path.split("/")
    if "subagents" in parts:
        return parts[parts.index("subagents") - 1]
    return parts[-1].removesuffix(".jsonl")


def agent_of(path: str) -> str:
    """The subagent that wrote the log; empty for a session's own log."""
    name = path.rpartition("/")[2]
    if name.startswith("agent-"):
        return name.removeprefix("agent-").removesuffix(".jsonl")
    return ""
