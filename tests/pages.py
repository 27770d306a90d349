"""The pages of the project as tests read them: sections, tables, links, commands.

A table of fields has the columns field, type and meaning. ``a[].b`` is the field ``b``
of each entry of ``a``, ``{…}`` stands for any name, and ``a.…`` for all fields of the
section that the row links to.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ANY = "{}"
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(
    r"^\| `(?P<name>[^`]+)` \|(?P<type>[^|]*)\|(?P<rest>.*)\|$", re.MULTILINE
)
_FIELDS = re.compile(r"^\| field .*\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)
_PROMPT = re.compile(r"^\$ .*\n", re.MULTILINE)
_COMMAND = re.compile(
    r"(?:^ *(?:\$ )?|\$\()(costd(?=[\s)]|$)(?:[^|>#)\n])*?)(?: +\d?[|>#)]|\)|$)",
    re.MULTILINE,
)
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Field:
    """One field of a documented answer; ``row`` is the table and row that say it."""

    path: tuple[str, ...]
    types: frozenset[str]
    row: tuple[str, str]


@dataclass(frozen=True)
class Page:
    """A Markdown file; a ``#`` in a code block is no heading."""

    path: Path

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    @property
    def prose(self) -> str:
        """All of it but the code blocks."""
        return _FENCE.sub("", self.text)

    @property
    def anchors(self) -> list[str]:
        """What a link may point to in it."""
        return [anchor(title) for title in _HEADING.findall(self.prose)]

    @property
    def links(self) -> list[tuple[str, str]]:
        """Text and target of each link."""
        return _LINK.findall(self.prose)

    @property
    def sections(self) -> dict[str, str]:
        """The text below each heading, up to the next one, by title."""
        found, title, is_code = dict[str, str](), "", False
        for line in self.text.splitlines(keepends=True):
            is_code ^= line.lstrip().startswith("```")
            heading = None if is_code else _HEADING.match(line)
            title = heading[1] if heading else title
            found[title] = found.get(title, "") + ("" if heading else line)
        return found

    @property
    def shell(self) -> str:
        """What the code blocks let one type; in a console, after the prompt."""
        found = ""
        for kind, body in _FENCE.findall(self.text):
            if kind == "console":
                found += "".join(_PROMPT.findall(body))
            elif kind == "sh":
                found += body
        return found

    def fields(self, title: str) -> list[Field]:
        """The documented fields of an answer, shapes written out."""
        found = []
        tables = "".join(_FIELDS.findall(self.sections[title]))
        for row in _ROW.finditer(tables):
            name, here = row["name"], (title, row["name"])
            prefix = tuple(_segments(name.removesuffix("…").rstrip(".")))
            if name.endswith("…"):
                found += [
                    Field((*prefix, *field.path), field.types, field.row)
                    for field in self.fields(self._title(row[0]))
                ]
            else:
                path = prefix[:-1] if prefix[-1] == "[]" else prefix
                found.append(Field(path, _types(row["type"]), here))
        return found

    def _title(self, row: str) -> str:
        target = _LINK.findall(row)[0][1].removeprefix("#")
        return next(title for title in self.sections if anchor(title) == target)


def pages(repo: Path) -> list[Page]:
    """Every page of the project, wherever it lies."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.md"],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    names = [name for name in listed.stdout.split("\0") if name]
    if listed.returncode:  # a checkout without git
        names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        names += [f"docs/{path.name}" for path in (repo / "docs").glob("*.md")]
    return [Page(repo / name) for name in names]


def anchor(title: str) -> str:
    """The name that a heading gets for links, as forges make it."""
    plain = _LINK.sub(r"\1", title).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _segments(name: str) -> Iterator[str]:
    """``a[].{b}`` as ``a``, ``[]``, ``{}``."""
    for part in name.split("."):
        plain = part.removesuffix("[]")
        if plain:
            yield ANY if plain.startswith("{") else plain
        if plain != part:
            yield "[]"


def _types(cell: str) -> frozenset[str]:
    return frozenset(word for word in cell.strip().split(" or ") if word)


def commands(text: str) -> list[str]:
    """What ``text`` lets one type: lines that begin with costd, and ``$(costd …)``."""
    return [found[1].strip() for found in _COMMAND.finditer(text)]
