"""The pages are true: what they name exists, and what exists they name.

Commands are taken from click, keys from the configuration's types; nothing here is a
list that somebody has to keep. ``test_summary_json`` does the same for JSON.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from costd.cli.app import costd
from costd.cli.table import COMMANDS
from costd.config.model import Settings
from costd.core.errors import UsageError
from pages import Page, anchor, commands, pages

ROOT = Path(__file__).parents[2]
PAGES = pages(ROOT)
COMMANDS_PAGE = Page(ROOT / "docs/commands.md")
CONFIG = Page(ROOT / "docs/config.md")


# The commands.


def walk(command: click.Command, *words: str) -> Iterator[tuple[str, click.Context]]:
    """Every command and subcommand, by what one types."""
    # Click keeps the help option that it makes first: it must be the program's.
    context = click.Context(
        command, info_name=" ".join(words), help_option_names=["-h", "--help"]
    )
    yield " ".join(words), context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from walk(inner, *words, name)


EVERY = dict(walk(costd, "costd"))


def parse(line: str) -> None:
    """Let click read a command line to its end, without doing what it says."""
    command: click.Command = costd
    words, name, parent = shlex.split(line)[1:], "costd", None
    while True:
        parent = command.make_context(name, words, parent=parent)
        if not isinstance(command, click.Group):
            return
        rest = [*parent._protected_args, *parent.args]
        if not rest:
            return
        name, inner, words = command.resolve_command(parent, rest)  # type: ignore[assignment]  # a name there is
        assert inner is not None
        command = inner


@pytest.mark.parametrize("name", [name for name in EVERY if name != "costd"])
def test_every_command_has_its_section(name: str) -> None:
    sections = COMMANDS_PAGE.sections
    assert name in sections
    # Its own section, those of its subcommands, and what its group says of all.
    titles = [t for t in sections if t.startswith(name) or name.startswith(f"{t} ")]
    text = "".join(sections[title] for title in titles)
    assert "Exit codes: 0" in sections[name] or isinstance(
        EVERY[name].command, click.Group
    )
    for param in EVERY[name].command.params:
        for option in param.opts if isinstance(param, click.Option) else []:
            assert option in text or option in ("--json", "-h"), option
    assert [line for line in commands(text) if line.startswith(name)] or " " in name[6:]


def test_the_tables_of_commands_name_each() -> None:
    listed = re.findall(r"^\| \[costd (\w+)\]", COMMANDS_PAGE.text, re.MULTILINE)
    assert listed == list(COMMANDS)
    titles = [title for title in COMMANDS_PAGE.sections if title.startswith("costd ")]
    assert sorted(titles) == sorted(name for name in EVERY if name != "costd")


SHOWN = sorted(
    {(page.path.name, line) for page in PAGES for line in commands(page.shell)}
)


@pytest.mark.parametrize(("page", "line"), SHOWN)
def test_commands_in_pages_can_be_typed(page: str, line: str) -> None:
    parse(line)


@pytest.mark.parametrize("name", EVERY)
def test_the_help_has_examples_that_can_be_typed(name: str) -> None:
    text = EVERY[name].get_help()
    shown = commands(text.partition("Examples:")[2] or text)
    assert shown, name
    for line in shown:
        parse(re.split(r" {2,}", line)[0])


@pytest.mark.parametrize(
    "line", ["costd nothing", "costd report --by dya", "costd status --limit 3"]
)
def test_what_cannot_be_typed_is_noticed(line: str) -> None:
    with pytest.raises((UsageError, click.UsageError)):
        parse(line)


# The configuration.


def keys(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        name = prefix + field.encode_name
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from keys(field.type, name + ".")
        else:
            yield name


def test_every_key_is_described_and_no_other() -> None:
    assert sorted(
        re.findall(r"^\| `([\w.]+)` \|", CONFIG.text, re.MULTILINE)
    ) == sorted(keys(Settings))


# Links and names.


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path.name))
def test_links_lead_somewhere(page: Page) -> None:
    for _text, target in page.links:
        if "://" in target:
            continue
        name, _, fragment = target.partition("#")
        other = Page((page.path.parent / name).resolve()) if name else page
        assert other.path.exists(), target
        if fragment:
            assert fragment in other.anchors, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path.name))
def test_linked_names_are_in_their_files(page: Page) -> None:
    for text, target in page.links:
        if not target.endswith(".py") or not text.startswith("`") or "/" in text:
            continue
        names = set(defined(page.path.parent / target))
        assert text.strip("`") in names, (text, target)


def defined(path: Path) -> Iterator[str]:
    """Functions and classes of a module, methods with their class."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            for inner in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}"


def test_the_folders_in_pictures_exist() -> None:
    for page in (Page(ROOT / "README.md"), Page(ROOT / "ARCHITECTURE.md")):
        for name in re.findall(r"(?<![\w/.~<>-])([a-z]+)/(?=[\s`])", page.text):
            where = (ROOT / "daemon/costd" / name, ROOT / name, ROOT / "daemon" / name)
            assert any(path.is_dir() for path in where) or name == "run", name


def test_headings_have_different_anchors() -> None:
    for page in PAGES:
        titles = [anchor(title) for title in page.sections if title]
        if page.path.name != "CHANGELOG.md":
            assert len(set(titles)) == len(titles), page.path


def test_architecture_fits_two_pages() -> None:
    assert len(Page(ROOT / "ARCHITECTURE.md").text.splitlines()) <= 130
