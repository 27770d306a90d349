"""However a rollout is cut into reads, and costd restarted between them: one ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import places
from books import Book

OWN = "01a10b13-a7e8-7001-8000-000000000001"
PARENT = "01a10b00-0000-7001-8000-000000000001"
TURNS = {
    "own": "01a10b20-0000-7001-8000-00000000000",
    "copied": "01a10b05-0000-7001-8000-00000000000",
    "imported": "external-import-turn-",
    "plain": "turn-",
}
FIELDS = (
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
STEPS = (
    "respond respond respond respond repeat limit turn turn settings reset lower late "
    "other record record_first compact compact_silently meta done noise broken cut"
).split()


@dataclass
class Writer:
    """Writes a rollout step by step, as many kinds of Codex and of crashes would."""

    lines: list[bytes] = field(default_factory=list)
    total: tuple[int, ...] = (0, 0, 0, 0)
    used: tuple[int, ...] = (0, 0, 0, 0)
    old: tuple[int, ...] = (0, 0, 0, 0)
    other: tuple[int, ...] = (0, 0, 0, 0)
    turns: int = 0

    def put(self, kind: str, payload: dict[str, Any]) -> None:
        at = len(self.lines)
        stamp = f"2026-10-05T{8 + at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}Z"
        record = {"timestamp": stamp, "type": kind, "payload": payload}
        self.lines.append(json.dumps(record).encode() + b"\n")

    def count(self, total: tuple[int, ...], last: tuple[int, ...] | None) -> None:
        info = {"total_token_usage": dict(zip(FIELDS, total, strict=True))}
        if last is not None:
            info["last_token_usage"] = dict(zip(FIELDS, last, strict=True))
        self.put("event_msg", {"type": "token_count", "info": info})

    def record(self) -> None:
        usage = dict(zip(FIELDS, self.used, strict=True))
        name = f"resp_{len(self.lines)}"
        self.put("token_usage_record", {"response_id": name, "usage": usage})

    def grow(self, size: int) -> None:
        self.old = self.total
        self.used = (size * 10, size * 7 % (size * 10 + 1), size, size // 2)
        self.total = tuple(t + u for t, u in zip(self.total, self.used, strict=True))

    def step(self, step: str, size: int) -> None:
        if not (self.responds(step, size) or self.tells(step, size)):
            self.breaks(step, size)

    def responds(self, step: str, size: int) -> bool:
        """The counter, and the records beside it."""
        if step == "respond":
            self.grow(size)
            self.count(self.total, None if size % 5 == 0 else self.used)
        elif step == "repeat":
            self.count(self.total, self.used)
        elif step == "limit":
            self.put("event_msg", {"type": "token_count", "info": None})
        elif step == "late":
            self.count(self.old, self.used)
        elif step == "record":
            self.record()
        elif step == "record_first":
            self.grow(size)
            self.record()
            self.count(self.total, self.used)
        elif step == "compact":
            self.grow(size)
            self.total = self.old
            self.record()
            done = {"compaction_response_id": f"resp_{len(self.lines) - 1}"}
            self.put("compacted", done)
        else:
            return False
        return True

    def tells(self, step: str, size: int) -> bool:
        """What is around responses."""
        if step == "turn":
            self.turns += 1
            name = list(TURNS)[size % len(TURNS)]
            model = ["gpt-5.5", "gpt-5.4", None][size % 3]
            turn = {"turn_id": f"{TURNS[name]}{self.turns % 10}", "model": model}
            self.put("turn_context", {**turn, "cwd": f"/home/dev/{size % 2}"})
        elif step == "settings":
            tier = {"service_tier": ["default", "priority", "flex"][size % 3]}
            settings_ = {"type": "thread_settings_applied", "thread_settings": tier}
            self.put("event_msg", settings_)
        elif step == "compact_silently":
            self.put("compacted", {"message": ""})
        elif step == "meta":
            git = {"branch": f"feature/min-{size}"}
            self.put("session_meta", {"id": [OWN, PARENT][size % 2], "git": git})
        elif step == "done":
            self.put("event_msg", {"type": "task_complete"})
        elif step == "noise":
            self.put("response_item", {"type": "message", "content": "\u00e6" * size})
        else:
            return False
        return True

    def breaks(self, step: str, size: int) -> None:
        """What processes do when they begin anew, and when they crash."""
        if step == "reset":
            self.total = (0, 0, 0, 0)
        elif step == "lower":
            self.total = tuple(n // 2 for n in self.total)
        elif step == "other":
            self.total, self.other = self.other, self.total
        elif step == "broken":
            self.lines.append(b"\0" * size + b"no record\n")
        elif self.lines:
            self.lines[-1] = self.lines[-1][: -1 - size % 40]


@st.composite
def rollouts(draw: st.DrawFn) -> bytes:
    writer = Writer()
    if draw(st.booleans()):
        kin = draw(st.sampled_from(["", "fork", "subagent"]))
        meta: dict[str, Any] = {"id": OWN, "cwd": "/home/dev/0"}
        if kin == "fork":
            meta["forked_from_id"] = PARENT
        elif kin:
            spawn = {"thread_spawn": {"parent_thread_id": PARENT}}
            meta |= {"source": {"subagent": spawn}, "session_id": PARENT}
        writer.put("session_meta", meta)
        if kin and draw(st.booleans()):
            writer.put("session_meta", {"id": PARENT, "cwd": "/home/dev/1"})
    steps = st.tuples(st.sampled_from(STEPS), st.integers(1, 400))
    for step, size in draw(st.lists(steps, min_size=1, max_size=25)):
        writer.step(step, size)
    return b"".join(writer.lines)


def ledger_of(data: bytes, cuts: list[int]) -> tuple[list[Any], list[Any]]:
    """What the ledger says of a rollout that was there up to each cut, one by one."""
    with places.memory_dir() as folder:
        book = Book(folder / "ledger.db", folder / "codex", source="codex")
        path = book.root / "sessions" / f"rollout-2026-10-05T08-00-00-{OWN}.jsonl"
        path.parent.mkdir(parents=True)
        for cut in [*cuts, len(data)]:
            path.write_bytes(data[:cut])
            book.catch_up()
            book.reopen()
        book.total()
        rows = book.query(
            "SELECT response_id, at, flags, input_tokens, output_tokens, "
            "cache_read_tokens, reasoning_tokens, cost, model, speed, agent_id, cwd, "
            "branch, session_id FROM response JOIN service s ON s.id = service_id "
            "JOIN context c ON c.id = context_id JOIN session x ON x.id = c.session "
            "ORDER BY 1"
        )
        skipped = book.query("SELECT offset, length, reason FROM skipped_line")
        book.close()
    return rows, sorted(skipped)


@given(data=rollouts(), where=st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_any_cut_gives_the_same_ledger(data: bytes, where: list[float]) -> None:
    cuts = sorted(int(share * len(data)) for share in where)
    assert ledger_of(data, cuts) == ledger_of(data, [])
