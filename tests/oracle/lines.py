"""What the recount sees in a tree of Claude Code logs: plain lines, nothing decided.

Each record that says something about cost becomes one small value; which of them are
one response, and whose, is the matter of ``dedup`` and ``fold``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from oracle.records import (
    BadNumberError,
    Json,
    instant,
    mapping,
    physical_lines,
    records_of,
    session_logs,
    text,
    whole,
)
from oracle.usage import (
    Iteration,
    Usage,
    any_tokens,
    iterations_of,
    searches_of,
    usage_of,
)


@dataclass(frozen=True)
class Line:
    """One assistant line, or the copy of one inside a progress line."""

    path: str  # relative to the root; progress copies have a name of their own
    number: int
    nested: bool  # inside a progress line of the parent's log
    sidechain: bool
    forked: bool  # carries forkedFrom
    at: int | None
    uuid: str | None
    parent_uuid: str | None
    message_id: str | None
    request_id: str | None
    session_id: str
    agent_id: str | None
    cwd: str | None
    branch: str | None
    model: str | None
    stop_reason: str | None
    usage: Usage
    searches: int | None
    speed: str | None
    geo: str | None
    iterations: tuple[Iteration, ...] | None

    @property
    def in_agent_file(self) -> bool:
        """Whether the file belongs to one subagent."""
        return self.path.rsplit("/", 1)[-1].startswith("agent-")


@dataclass(frozen=True)
class SearchResult:
    """A tool result that says how many searches a side call made."""

    tool_use_id: str
    path: str
    count: int
    session_id: str
    agent_id: str | None
    cwd: str | None
    branch: str | None
    at: int | None


@dataclass(frozen=True)
class CostState:
    """The session's total as the agent saw it, and when."""

    session_id: str
    total: str
    at: int | None


@dataclass
class Seen:
    """Everything a tree says about cost."""

    lines: list[Line] = field(default_factory=list)
    searches: list[SearchResult] = field(default_factory=list)
    cost_states: list[CostState] = field(default_factory=list)
    # tool_use id -> (tool name, path and number of each line that shows the use)
    tools: dict[str, set[tuple[str, str, int]]] = field(default_factory=dict)
    first_at: dict[str, int] = field(default_factory=dict)
    forks: set[str] = field(default_factory=set)
    files: int = 0
    skipped_lines: int = 0
    salvaged_lines: int = 0


def read_tree(root: Path) -> Seen:
    """Reads every session log under ``root``.

    Args:
        root: a directory; logs are found at any depth, links are not followed.
    """
    seen = Seen()
    for path in session_logs(root):
        seen.files += 1
        name = path.relative_to(root).as_posix()
        read_log(seen, name, path.read_bytes())
    return seen


def read_log(seen: Seen, path: str, data: bytes) -> None:
    """Adds what one file says to ``seen``."""
    clock: int | None = None
    for number, (raw, terminated) in enumerate(physical_lines(data)):
        records, damaged = records_of(raw)
        if damaged and not terminated:
            continue  # half a line: its writer may still finish it
        seen.salvaged_lines += damaged and bool(records)
        seen.skipped_lines += damaged and not records
        for record in records:
            at = instant(record.get("timestamp"))
            clock = at if at is not None else clock
            if clock is not None:
                seen.first_at.setdefault(path, clock)
            if isinstance(record.get("forkedFrom"), dict):
                seen.forks.add(path)
            try:
                read_record(seen, path, number, record, clock)
            except BadNumberError:
                seen.skipped_lines += 1


def read_record(
    seen: Seen, path: str, number: int, record: Json, clock: int | None
) -> None:
    """Sorts one record by its kind; kinds that say nothing about cost are passed by."""
    kind = record.get("type")
    if kind == "assistant":
        add_assistant(seen, (path, number), record, record, clock)
    elif kind == "progress":
        data = mapping(record.get("data"))
        inner = mapping(data.get("message"))
        if data.get("type") == "agent_progress" and inner.get("type") == "assistant":
            outer = record | {"agentId": data.get("agentId"), "isSidechain": True}
            add_assistant(seen, (path, number), outer, inner, clock)
    elif kind == "user":
        add_search(seen, path, record, clock)
    elif kind == "cost-state":
        total = record.get("totalCostUSD")
        if isinstance(total, int | float) and not isinstance(total, bool):
            seen.cost_states.append(
                CostState(session_of(record, path), repr(total), clock)
            )


def add_assistant(
    seen: Seen, place: tuple[str, int], outer: Json, inner: Json, clock: int | None
) -> None:
    """Adds an assistant line; ``inner`` differs from ``outer`` in progress lines."""
    path, number = place
    nested = inner is not outer
    where = f"{path}#progress" if nested else path
    message = mapping(inner.get("message"))
    add_tools(seen, where, number, message)
    reported = message.get("usage")
    if not isinstance(reported, dict):
        return
    at = instant(inner.get("timestamp"))
    usage = usage_of(reported)
    iterations = iterations_of(reported)
    searches = searches_of(reported)
    empty = usage.total == 0 and not searches and not any_tokens(iterations)
    if message.get("model") == "<synthetic>" or empty:
        return
    seen.lines.append(
        Line(
            path=where,
            number=number,
            nested=nested,
            sidechain=outer.get("isSidechain") is True,
            forked=isinstance(outer.get("forkedFrom"), dict),
            at=at if at is not None else clock,
            uuid=text(inner.get("uuid")),
            parent_uuid=text(inner.get("parentUuid")),
            message_id=text(message.get("id")),
            request_id=text(inner.get("requestId")) or text(inner.get("request_id")),
            session_id=session_of(outer, path),
            agent_id=agent_of(outer, path),
            cwd=text(outer.get("cwd")),
            branch=text(outer.get("gitBranch")),
            model=text(message.get("model")),
            stop_reason=text(message.get("stop_reason")),
            usage=usage,
            searches=searches,
            speed=text(reported.get("speed")),
            geo=text(reported.get("inference_geo")),
            iterations=iterations,
        )
    )


def add_tools(seen: Seen, path: str, number: int, message: Json) -> None:
    """Remembers the name of each tool the line uses."""
    content = message.get("content")
    for block in content if isinstance(content, list) else []:
        use = mapping(block)
        key, name = text(use.get("id")), text(use.get("name"))
        if use.get("type") == "tool_use" and key and name:
            seen.tools.setdefault(key, set()).add((name, path, number))


def add_search(seen: Seen, path: str, record: Json, clock: int | None) -> None:
    """Adds a tool result that reports searches."""
    count = whole(mapping(record.get("toolUseResult")).get("searchCount"))
    content = mapping(record.get("message")).get("content")
    blocks = content if isinstance(content, list) else []
    for key in (text(mapping(block).get("tool_use_id")) for block in blocks):
        if key and count:
            seen.searches.append(
                SearchResult(
                    key,
                    path,
                    count,
                    session_of(record, path),
                    agent_of(record, path),
                    text(record.get("cwd")),
                    text(record.get("gitBranch")),
                    clock,
                )
            )


def session_of(record: Json, path: str) -> str:
    """The session a record names, else the one its file belongs to."""
    named = text(record.get("sessionId")) or text(record.get("session_id"))
    parts = path.split("/")
    if named:
        return named
    if "subagents" in parts[1:]:
        return parts[parts.index("subagents") - 1]
    return parts[-1].removesuffix(".jsonl")


def agent_of(record: Json, path: str) -> str | None:
    """The subagent a record or its file names."""
    named = text(record.get("agentId"))
    name = path.rsplit("/", maxsplit=1)[-1].removesuffix(".jsonl")
    if named or not name.startswith("agent-"):
        return named
    return name.removeprefix("agent-")
