"""Each row that docs/reliability.md claims has a test with its number, and each test a row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+) \|.*$", PAGE, re.MULTILINE)
NUMBERED = re.compile(r"test_(\d\d)_")


def claimed() -> list[tuple[int, str, str]]:
    """Row, test and file of every claim."""
    found = []
    for row in re.finditer(r"^\| (\d+) \|.*\|.*\| (.*) \|$", PAGE, re.MULTILINE):
        tests = re.findall(r"\[`(\w+)`\]\(\.\./(tests/[\w/]+\.py)\)", row[2])
        assert tests, f"row {row[1]} names no test"
        found += [(int(row[1]), name, file) for name, file in tests]
    return found


def test_every_row_is_once_on_the_page_and_in_order() -> None:
    numbers = [int(number) for number in ROWS]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(1, 81))
    assert set(numbers) == {row for row, _, _ in claimed()}


def test_every_claim_has_a_test_with_its_number() -> None:
    for row, name, file in claimed():
        assert name.startswith(f"test_{row:02d}_"), (row, name)
        assert name in named_in(ROOT / file), (row, name)


def test_every_numbered_test_is_on_the_page() -> None:
    on_page = {name for _, name, _ in claimed()}
    for file in sorted((ROOT / "tests" / "faults").glob("test_*.py")):
        for name in named_in(file):
            if NUMBERED.match(name):
                assert name in on_page, f"add {name} to its row in docs/reliability.md"


def named_in(file: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
