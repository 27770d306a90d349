"""An independent recount of a tree of Codex rollouts: tokens by model, in memory.

Plain, slow and meant to be obviously right, as ``recount`` is for Claude Code: each
rollout as a whole, the standard library, and no line of the daemon. It may look ahead,
which the daemon cannot.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import squeezed

FIELDS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
)
Use = tuple[int, ...]
"""Input with all that is cached, cached, written, output."""


@dataclass(frozen=True)
class Tokens:
    """Disjoint buckets, and how many responses they are of."""

    responses: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0

    def plus(self, use: Use) -> Tokens:
        fresh, cached, written, output = use
        return Tokens(
            self.responses + 1,
            self.input + fresh - cached - written,
            self.output + output,
            self.cache_read + cached,
            self.cache_creation + written,
        )


@dataclass
class Value:
    """One value of the counter, and what was said around it."""

    total: Use
    last: Use | None
    thread: str
    model: str
    imported: bool


@dataclass
class Rollout:
    """What a rollout says, line by line."""

    threads: list[tuple[str, float, str]] = field(default_factory=list)
    """Id, birth and parent; the own one first."""
    own_from: int | None = None
    values: list[Value] = field(default_factory=list)
    records: list[tuple[str, str, Use]] = field(default_factory=list)
    turn: float | None = None
    turn_id: str = ""
    model: str = ""


def recount(root: Path) -> dict[str, Tokens]:
    """The tokens of every response under ``root`` by the name of its model."""
    found: dict[str, tuple[str, Use]] = {}
    for path in sorted([*root.rglob("*.jsonl"), *root.rglob("*.jsonl.zst")]):
        for key, model, use in responses(read(path)):
            if use[0] or use[3]:
                found.setdefault(key, (model, use))
    models: dict[str, Tokens] = {}
    for model, use in found.values():
        models[model] = models.get(model, Tokens()).plus(use)
    return models


def responses(rollout: Rollout) -> Iterator[tuple[str, str, Use]]:
    """Each response: a key that its copies have too, its model, what it used."""
    alone = Counter(use for _, _, use in rollout.records)
    before: Use = (0, 0, 0, 0)
    seen: list[Use] = []
    heads: list[Use] = []  # values that no other one has gone on from
    has_parent = bool(rollout.threads and rollout.threads[0][2])
    for at, value in enumerate(rollout.values):
        now = value.total
        if now in seen[-9:]:
            continue
        used = tuple(n - b for n, b in zip(now, before, strict=True))
        from_head = [old for old in heads if value.last and fits(old, value.last, now)]
        if from_head or (not seen and has_parent and value.last is not None):
            used = value.last or used
            before = from_head[-1] if from_head else before
        elif now[0] < before[0] or now[3] < before[3]:
            later = next(
                (v.total for v in rollout.values[at + 1 :] if v.total != now), now
            )
            if later[0] >= before[0] and later[3] >= before[3]:
                continue  # the old level again: this value was only late
            is_known = value.last and fits((0, 0, 0, 0), value.last, now, least=True)
            used = value.last if value.last and is_known else now
            before = (0, 0, 0, 0)
        heads = [*(old for old in heads if old != before), now]
        before = now
        seen.append(now)
        if not value.imported:
            alone[used] -= 1
            yield f"{value.thread} {now[0]} {now[1]} {now[3]}", value.model, used
    for response_id, model, use in rollout.records:
        if alone[use] > 0:
            alone[use] -= 1
            yield response_id, model, use


def fits(old: Use, last: Use, now: Use, *, least: bool = False) -> bool:
    """Whether a counter came from ``old`` to ``now`` by ``last``, or by more."""
    steps = [(now[i] - old[i], last[i]) for i in (0, 3)]
    return all(step >= said if least else step == said for step, said in steps)


def read(path: Path) -> Rollout:
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = squeezed.decompress(data)
    found = Rollout()
    stem = path.name.removesuffix(".zst").removesuffix(".jsonl")
    name = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", stem)
    fallback = name[0] if name and stem.startswith("rollout-") else stem
    for line in data.split(b"\n"):
        for record in records(line):
            take(found, record, fallback)
    return found


def records(line: bytes) -> Iterator[dict[str, Any]]:
    """The record of a line; of a damaged one, the last that is whole."""
    for start in (0, line.rfind(b'{"timestamp":')):
        try:
            value = json.loads(line[max(start, 0) :])
        except ValueError:
            continue
        if isinstance(value, dict) and isinstance(value.get("payload"), dict):
            yield value
        return


def take(found: Rollout, record: dict[str, Any], fallback: str) -> None:
    payload, kind = record["payload"], record.get("type")
    if kind == "session_meta" and payload.get("id"):
        if payload["id"] not in [name for name, _, _ in found.threads]:
            if not found.threads:
                found.own_from = payload.get("subagent_history_start_ordinal")
            birth = made_at(payload["id"]) or clock(payload.get("timestamp")) or 0
            found.threads.append((payload["id"], birth, parent_of(payload)))
        found.model = found.model or payload.get("model") or ""
    elif kind == "turn_context" or payload.get("type") in {
        "task_started",
        "thread_settings_applied",
    }:
        told = payload.get("thread_settings", payload)
        found.model = told.get("model") or found.model
        turn_id = payload.get("turn_id")
        if turn_id and turn_id != found.turn_id:
            found.turn_id, found.turn = turn_id, made_at(turn_id)
    elif kind == "token_usage_record":
        use = counts(payload["usage"], (0, 0, 0, 0))
        if use and payload.get("response_id"):
            found.records.append((payload["response_id"], found.model, use))
    elif payload.get("type") == "token_count" and isinstance(payload.get("info"), dict):
        value(found, record, payload["info"], fallback)


def value(
    found: Rollout, record: dict[str, Any], info: dict[str, Any], fallback: str
) -> None:
    before = found.values[-1].total if found.values else (0, 0, 0, 0)
    total = counts(info.get("total_token_usage"), before)
    if total is None:
        return
    found.values.append(
        Value(
            total,
            counts(info.get("last_token_usage"), (0, 0, 0, 0)),
            whose(found, record) or fallback,
            found.model,
            found.turn_id.startswith("external-import-turn-"),
        )
    )


def whose(found: Rollout, record: dict[str, Any]) -> str:
    """The thread that was youngest when the turn began."""
    if not found.threads:
        return ""
    own, birth, parent = found.threads[0]
    ordinal = record.get("ordinal")
    if found.own_from and ordinal is not None:
        return own if ordinal >= found.own_from else parent
    began = found.turn
    if began is None:
        if len(found.threads) == 1:
            return own
        began = (clock(record.get("timestamp")) or 0) - 1_000
    if len(found.threads) == 1:
        return own if began >= birth or not parent else parent
    there = [thread for thread in found.threads if thread[1] <= began]
    if there:
        return max(there, key=lambda thread: thread[1])[0]
    return min(found.threads, key=lambda thread: thread[1])[0]


def parent_of(meta: dict[str, Any]) -> str:
    source = meta.get("source")
    if isinstance(source, dict):
        subagent = source.get("subagent")
        spawn = subagent.get("thread_spawn") if isinstance(subagent, dict) else None
        if isinstance(spawn, dict) and spawn.get("parent_thread_id"):
            return str(spawn["parent_thread_id"])
    return str(meta.get("parent_thread_id") or meta.get("forked_from_id") or "")


def counts(said: Any, before: Use) -> Use | None:
    """A field that is not there has not changed; what is no count spoils them all."""
    if not isinstance(said, dict):
        return None
    found = tuple(said.get(name, old) for name, old in zip(FIELDS, before, strict=True))
    return found if all(isinstance(n, int) and n >= 0 for n in found) else None


def made_at(name: str) -> float | None:
    """The time in a version 7 uuid, milliseconds."""
    if re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}(-[0-9a-f]+){2}", name):
        return int(name[:13].replace("-", ""), 16)
    return None


def clock(text: Any) -> float | None:
    return datetime.fromisoformat(text).timestamp() * 1000 if text else None
