"""The rules of the house that no linter knows. CONTRIBUTING.md gives the reasons."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FILE_LINES = 400
FUNCTION_LINES = 50

BINARY = {".db", ".gif", ".gz", ".ico", ".jpg", ".png", ".woff2", ".zst"}
MADE_HERE = {".git", ".venv", "dist", "__pycache__"}

# Each with one character in brackets, so that no pattern finds itself here.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.])/(?:wor[k]|roo[t]|op[t]/(?:pypi|wheels)|tm[p]/v)/",
    "a package registry": r"(?i)\b(?:pyp[i]|npmj[s]|pythonhoste[d]|debia[n])\.(?:org|com)\b",
    "the address of an index": r"--(?:extra-)?index-ur[l]|--find-link[s]",
    "a person": r"(?i)@autho[r]\b|__autho[r]__|\bco-authored-b[y]\b",
    "an e-mail address": r"(?<![\w.+-])(?!noreply@|git@)[\w.+-]+@(?!(?:[\w-]+\.)*"
    r"(?:example(?:\.[a-z]+)?|invalid|test|service)\b)(?:[\w-]+\.)+[a-z]{2,}\b",
}
LINE_NUMBER = re.compile(r"\.(?:py|md|toml|sql):\d+|#L\d+")
DIRECTIVE = re.compile(
    r"#\s*(?P<name>(?:ruff: ?)?noqa|type: ?ignore|pragma: no \w+)\b"
    r"(?P<codes>:\s*[A-Z]+[0-9]+(?:[\s,]+[A-Z]+[0-9]+)*|\[[\w, -]+\])?",
)
WORDLESS_NAMES = re.compile(r"(?:Manager|Helper|Util|Utils|Handler)$")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[str], Iterator[str]]


def ours(repo: Path) -> list[Path]:
    """Every text file that belongs to the project, from git where there is one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repo, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        paths = [repo / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for path in repo.rglob("*") if not MADE_HERE & set(path.parts)]
    return sorted(p for p in paths if p.is_file() and p.suffix not in BINARY)


def found(repo: Path, rule: Rule, suffix: str = "") -> list[str]:
    """What a rule finds in the files whose name ends so."""
    return [
        f"{path.relative_to(repo)}: {problem}"
        for path in ours(repo)
        if path.name.endswith(suffix)
        for problem in rule(path.read_text("utf-8", "replace"))
    ]


def long_file(text: str) -> Iterator[str]:
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"{lines} lines; more than {FILE_LINES} are two things in one file"


def long_functions(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{node.name} has {lines} lines, more than {FUNCTION_LINES}"


def hidden_imports(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        match node:
            case (
                ast.Name(id="TYPE_CHECKING")
                | ast.Attribute(attr="TYPE_CHECKING")
                | ast.alias(name="TYPE_CHECKING")
            ):
                yield "TYPE_CHECKING hides an import from the layers"


def wordless_names(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and WORDLESS_NAMES.search(node.name):
            yield f"{node.name} does not say what it is"


def bare_ignores(text: str) -> Iterator[str]:
    if not DIRECTIVE.search(text):
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from bare_directives(token.string)


def bare_directives(comment: str) -> Iterator[str]:
    directives = list(DIRECTIVE.finditer(comment))
    for directive in directives:
        if directive["codes"] is None and "pragma" not in directive["name"]:
            yield f"no code: {comment}"
    reason = DIRECTIVE.sub("", comment)
    if directives and len(re.findall(r"[A-Za-z]", reason)) < 8:
        yield f"no reason: {comment}"


def forbidden_words(text: str) -> Iterator[str]:
    for what, pattern in FORBIDDEN.items():
        for match in re.finditer(pattern, text):
            yield f"{what}: {match[0]}"


def line_numbers(text: str) -> Iterator[str]:
    for match in LINE_NUMBER.finditer(text):
        yield f"line numbers move, name the function: {match[0]}"


@pytest.mark.parametrize(
    "rule", [long_functions, hidden_imports, wordless_names, bare_ignores]
)
def test_python_files_keep_the_rule(repo: Path, rule: Rule) -> None:
    assert found(repo, rule, ".py") == []


def test_no_file_of_the_package_is_long(repo: Path) -> None:
    """A file of tests may be: it is a list, and read from one heading to the next."""
    long = found(repo, long_file, ".py")
    assert [problem for problem in long if not problem.startswith("tests/")] == []


def test_migrations_are_numbered_one_after_the_other(repo: Path) -> None:
    names = sorted((repo / "daemon/costd/ledger/migrations").glob("*.sql"))
    numbers = [int(name.stem.partition("_")[0]) for name in names]
    assert numbers == list(range(1, len(names) + 1))


def test_no_file_names_a_machine_a_registry_or_a_person(repo: Path) -> None:
    assert found(repo, forbidden_words) == []


def test_pages_name_functions_not_lines(repo: Path) -> None:
    assert found(repo, line_numbers, ".md") == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (long_file, "x = 1\n" * 401),
        (long_functions, "def f():\n" + "    x = 1\n" * 50),
        (hidden_imports, "from typing import TYPE_CHECKING"),
        (hidden_imports, "import typing\nif typing.TYPE_CHECKING:\n    pass"),
        (wordless_names, "class LogManager: ..."),
        (bare_ignores, "x = 1  # noqa"),
        (bare_ignores, "x = 1  # noqa - it is fine here"),
        (bare_ignores, "x = 1  # noqa: S603"),
        (bare_ignores, "x = 1  # type: ignore  # it is fine here"),
        (bare_ignores, "x = 1  # type: ignore[misc]  # noqa: S603, B010"),
        (forbidden_words, "see /wor" + "k/notes"),
        (forbidden_words, "from pyp" + "i.org"),
        (forbidden_words, "write to somebody@" + "somewhere.com"),
        (line_numbers, "see engine.py:120"),
    ],
)
def test_each_rule_finds_its_offence(rule: Rule, text: str) -> None:
    assert list(rule(text)) != []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (long_file, "x = 1\n" * 400),
        (long_functions, "def f():\n" + "    x = 1\n" * 49),
        (bare_ignores, "x = 1  # noqa: S603, B010 - fixed arguments"),
        (bare_ignores, "x = 1  # type: ignore[misc]  # its stubs lie"),
        (bare_ignores, "text = 'a # noqa in a string'"),
        (
            forbidden_words,
            "me@example.com, git@host.com, a/wor" + "k/b, @pytest.mark.x",
        ),
    ],
)
def test_each_rule_leaves_the_rest_alone(rule: Rule, text: str) -> None:
    assert list(rule(text)) == []
