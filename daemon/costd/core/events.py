"""Events: what orchestrators, hooks and people say happened, in one vocabulary.

    task_start    task_id                 work on a task began
    task_end      task_id                 it ended, with a status
    gate_result   task_id, gate_name, passed
    review_cycle  task_id                 a review, and what it found
    activity      action or title         anything that an agent did
    execution     whose it was            one call of an agent
    run_report    run_id                  one attempt, from beginning to end

The fields of the table are required, all others optional: nobody is made to invent
what he does not know. An event never changes: one that comes again under its id is the
same event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from costd.core.event_fields import FIELDS, EventError, identifier, issue_or_none
from costd.core.outcomes import FAILED, UNKNOWN, status_of, success_of

TASK_START, TASK_END = "task_start", "task_end"
GATE_RESULT, REVIEW_CYCLE = "gate_result", "review_cycle"
ACTIVITY, EXECUTION, RUN_REPORT = "activity", "execution", "run_report"

REQUIRED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    TASK_START: (("task_id",),),
    TASK_END: (("task_id",),),
    GATE_RESULT: (("task_id",), ("gate_name",), ("passed",)),
    REVIEW_CYCLE: (("task_id",),),
    ACTIVITY: (("action", "title"),),
    EXECUTION: (("task_id", "issue", "agent", "model", "session_id", "run_id"),),
    RUN_REPORT: (("run_id",),),
}
"""What each type needs: of each group at least one."""
TYPES = tuple(REQUIRED)
TASK_TYPES = frozenset({TASK_START, TASK_END, GATE_RESULT, REVIEW_CYCLE})
"""Whoever sends one of these says that there is a task."""
_WITH_STATUS = frozenset({TASK_END, ACTIVITY, EXECUTION, RUN_REPORT})

BUCKETS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_5m_tokens",
    "cache_creation_1h_tokens",
)
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Event(NamedTuple):
    """One event; ``at`` in milliseconds, ``cost`` in nano-USD, None where unknown.

    ``node_id`` is empty and ``lamport`` None until the ledger's clock has filled them
    in. ``issue`` is what was said, or the task's name where that can be an issue's.
    ``status`` is empty for types that have none. ``details`` holds the other fields.
    """

    event_id: str
    type: str
    at: int
    node_id: str = ""
    lamport: int | None = None
    task_id: str = ""
    issue: str = ""
    session_id: str = ""
    run_id: str = ""
    agent: str = ""
    role: str = ""
    model: str = ""
    feature: str = ""
    status: str = ""
    success: bool | None = None
    duration_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_5m_tokens: int | None = None
    cache_creation_1h_tokens: int | None = None
    total_tokens: int | None = None
    cost: int | None = None
    details: Mapping[str, Any] = {}

    @property
    def has_usage(self) -> bool:
        """Whether it says anything of tokens or money."""
        return bool(self.total_tokens) or self.cost is not None


_COLUMNS = frozenset(Event._fields) - {"at", "cost", "details"}


def read(
    value: object,
    *,
    now: int,
    new_id: Callable[[], str],
    ignored: set[str] | None = None,
) -> Event:
    """The event that ``value``, a JSON object, describes.

    Args:
        value: the object; names of other programs are understood too.
        now: the time of an event that says none, in milliseconds.
        new_id: makes the id of an event that has neither an id nor a time. One that
            has a time is known again by what it says.
        ignored: collects the names of fields that nobody knows.

    Raises:
        EventError: it is none; nothing of its values is in the message.
    """
    if not isinstance(value, dict):
        raise EventError("an event is a JSON object")
    found = _fields(_flat(value), ignored)
    kind = type_of(str(found.pop("type", "")))
    _require(kind, found)
    at = found.pop("timestamp", None)
    event_id = found.pop("event_id", "")
    if not event_id:
        event_id = new_id() if at is None else _digest(kind, at, found)
    _derive(kind, found)
    columns = {name: found.pop(name) for name in _COLUMNS & found.keys()}
    columns["cost"] = found.pop("cost_usd", None)
    return Event(
        event_id=event_id,
        type=kind,
        at=now if at is None else at,
        details=found,
        **columns,
    )


def type_of(text: str) -> str:
    """The type that a word means; ``ExecutionEvent`` is an ``execution``.

    Raises:
        EventError: there is no such type.
    """
    if text in REQUIRED:
        return text
    name = _WORDS.sub("_", text).lower().replace("-", "_").removesuffix("_event")
    if name not in REQUIRED:
        problem = "there is no such type of event" if text else "an event has a type"
        raise EventError(f"{problem}: use {', '.join(TYPES)}")
    return name


def _flat(value: dict[Any, Any]) -> dict[Any, Any]:
    """Without an envelope: what is in ``payload`` is the event's own.

    ``tokens`` may be a number, or an object as costd itself shows it.
    """
    payload, found = value.get("payload"), value
    if isinstance(payload, dict):
        found = {**payload, **{k: v for k, v in value.items() if k != "payload"}}
    tokens = found.get("tokens")
    if isinstance(tokens, dict):
        found = {k: v for k, v in found.items() if k != "tokens"}
        found = {**{f"{name}_tokens": n for name, n in tokens.items()}, **found}
    return found


def _fields(value: dict[Any, Any], ignored: set[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, given in value.items():
        field = FIELDS.get(name)
        if field is None:
            if ignored is not None:
                ignored.add(str(name)[:40])
            continue
        if given is None or (field.is_alias and field.name in found):
            continue
        try:
            found[field.name] = field.read(given)
        except EventError as error:
            raise EventError(f"{field.name} {error}") from None
    return found


def _require(kind: str, found: dict[str, Any]) -> None:
    for group in REQUIRED[kind]:
        for name in group:
            if found.get(name, "") != "":
                break
        else:
            raise EventError(f"{kind} needs {' or '.join(group)}")


def _derive(kind: str, found: dict[str, Any]) -> None:
    """What follows from other fields."""
    if task := found.get("task_id"):
        issue = issue_or_none(task)
        found["task_id"] = issue or task  # min-1 and MIN-1 are one task
        found.setdefault("issue", issue)
    buckets = [found[name] for name in BUCKETS if name in found]
    if buckets:
        found["total_tokens"] = sum(buckets)
    if kind == GATE_RESULT:
        found["success"] = found["passed"]
    if kind in _WITH_STATUS:
        _judge(found)
    else:
        found.pop("status", None)


def _judge(found: dict[str, Any]) -> None:
    """Status and success from whatever is evidence of them, the plainest first."""
    said = found.get("status", "")
    status = status_of(said) if said else UNKNOWN
    success = found.get("success", success_of(status))
    if success_of(status) not in (None, success):
        raise EventError("status and success contradict each other")
    if success is None and not said:
        if found.get("error"):
            success = False
        elif "exit_code" in found:
            success = found["exit_code"] == 0
    if status == UNKNOWN and success is not None:
        status = "completed" if success else FAILED
    if said and said != status:
        found["status_said"] = identifier(said)[:64]
    found["status"], found["success"] = status, success


def _digest(kind: str, at: int, found: Mapping[str, Any]) -> str:
    """The id of an event that says when it was: the same said again is the same."""
    said = json.dumps([kind, at, found], sort_keys=True, separators=(",", ":"))
    return blake2b(said.encode(), digest_size=16).hexdigest()
