"""Row 69 of the fault table: what a long life costs; ``make soak`` is the long one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.soak import MEGABYTE, Soak, report
from faults.homes import NIGHTLY


def test_69_neither_memory_nor_descriptors_grow(tmp_path: Path) -> None:
    seconds, sessions = (600, 200) if NIGHTLY else (15, 40)
    soak = Soak(tmp_path, seconds, sessions)
    try:
        found = soak.run()
    finally:
        soak.home.kill()
    assert found.is_exact, report(found)
    assert found.rewrites + found.renames + found.deletions + found.kills > 0
    descriptors = [sample.descriptors for sample in found.settled]
    assert max(descriptors) - min(descriptors) <= 4
    memory = [sample.rss for sample in found.settled]
    assert max(memory) - min(memory) < 15 * MEGABYTE
    assert max(memory) < 150 * MEGABYTE
