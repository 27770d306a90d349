"""The benchmark itself: it runs from end to end, and its figures are what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.sections import compared
from benchmarks.table import Row, duration, markdown
from benchmarks.timing import FailedRunError, Program, percentile, timed

SCRIPT = Path(__file__).with_name("compare.py")


def python(code: str) -> Program:
    return Program("it", (sys.executable, "-c", code), dict(os.environ))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_all_of_it_runs_on_a_small_tree_without_peers(tmp_path: Path) -> None:
    small = "--megabytes 2 --short 1 --pairs 1 --rounds 1 --idle 0.1".split()
    parts = "--only first,idle,questions,appending,growth".split()
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *small, *parts, "--cache", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ccusage is left out" in done.stderr
    assert "costd: exact" in done.stderr
    assert "`costd report --by day --json`" in done.stdout
    assert "CPU for 1.0 MB of new lines" in done.stdout
    assert not list(tmp_path.glob("run-*")), "a run leaves only its trees"


def test_a_program_is_timed_with_its_children_and_its_output() -> None:
    work = "import subprocess, sys; subprocess.run([sys.executable, '-c', '"
    work += "import time\\nwhile time.process_time() < 0.3: pass'])\nprint('done')"
    run = timed(python(work))
    assert run.output == b"done\n"
    assert run.cpu >= 0.3


def test_a_program_that_fails_is_not_a_figure() -> None:
    with pytest.raises(FailedRunError, match=r"it ended with 3: what it said"):
        timed(python("import sys; print('what it said', file=sys.stderr); sys.exit(3)"))


@pytest.mark.parametrize(
    ("percent", "value"), [(50, 50), (99, 99), (100, 100), (0.5, 1)]
)
def test_a_percentile_is_a_value_that_was_measured(percent: float, value: int) -> None:
    assert percentile(range(100, 0, -1), percent) == value


def test_a_ratio_is_the_median_of_the_pairs_and_meets_its_goal_or_not() -> None:
    seconds = {"costd": [1, 9, 3], "ccusage": [10, 10, 10]}
    assert compared("x", seconds, 0.3).ratio == "0.300"
    assert compared("x", seconds, 0.3).met is True
    assert compared("x", seconds, 0.29).met is False
    assert compared("x", {"costd": [1]}, 0.3).met is None


def test_a_table_has_the_columns_that_are_used_and_marks_what_is_not_met() -> None:
    table = markdown([Row("a", duration(0.25), goal="≤ 1", met=False), Row("b", "2")])
    assert table.splitlines() == [
        "| measured | costd  | goal | met    |",
        "|----------|--------|------|--------|",
        "| a        | 250 ms | ≤ 1  | **no** |",
        "| b        | 2      |      |        |",
    ]
