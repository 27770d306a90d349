"""The generator of the benchmark: the same tree for the same seed, and its totals true."""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

from benchmarks.tree import Totals, generate
from books import Book, Sum
from recount import recount

SIZE = 2_000_000
SEED = 18
"""So small a tree often has no fork or no subagent; this one has both."""


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): blake2b(path.read_bytes()).hexdigest()
        for path in root.rglob("*.jsonl")
    }


def subagents(root: Path) -> int:
    return len(list(root.rglob("subagents/agent-*.jsonl")))


def forks(root: Path) -> int:
    """How many logs begin with a line that another one begins with too."""
    logs = [log for log in root.rglob("*.jsonl") if log.parent.name != "subagents"]
    first = [json.loads(log.read_text().partition("\n")[0])["uuid"] for log in logs]
    return len(first) - len(set(first))


def as_sum(totals: Totals) -> Sum:
    return Sum(
        responses=totals.responses,
        input=totals.input_tokens,
        output=totals.output_tokens,
        cache_read=totals.cache_read_tokens,
        cache_creation_5m=totals.cache_creation_5m_tokens,
        cache_creation_1h=totals.cache_creation_1h_tokens,
        cost=Decimal(totals.cost_nano_usd) / 10**9,
        unfinalised=0,
    )


def test_the_same_seed_makes_the_same_tree(tmp_path: Path) -> None:
    first = generate(tmp_path / "first", SIZE, SEED)
    second = generate(tmp_path / "second", SIZE, SEED)
    other = generate(tmp_path / "other", SIZE, SEED + 1)
    assert first == second
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    assert first != other


def test_files_and_bytes_are_those_on_disk(tmp_path: Path) -> None:
    totals = generate(tmp_path, SIZE, SEED)
    sizes = [path.stat().st_size for path in tmp_path.rglob("*.jsonl")]
    assert (totals.files, totals.bytes) == (len(sizes), sum(sizes))
    assert totals.bytes >= SIZE


def test_the_totals_are_what_a_ledger_and_a_recount_find(
    tmp_path: Path, memory_dir: Path
) -> None:
    totals = generate(tmp_path / "tree", SIZE, SEED)
    assert subagents(tmp_path) > 0
    assert forks(tmp_path) > 0
    book = Book(memory_dir / "ledger.db", tmp_path / "tree")
    book.catch_up()
    assert book.total() == as_sum(totals)
    book.close()
    counted = recount(tmp_path / "tree").total
    assert counted.responses == totals.responses
    assert counted.cost * 10**9 == totals.cost_nano_usd
