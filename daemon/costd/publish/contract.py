"""The contract as ``docs/summary-json.md`` says it, as JSON schemas.

The page is what tests hold against real answers, field by field; so what is made of it
here is true, and nobody has to say anything twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

_NAME = "summary-json.md"
_HEADING = re.compile(r"^#{2,4} (.+)$")
_ROW = re.compile(r"^\| `([^`]+)` \|([^|]*)\|(.*)\|$")
_ASKED = re.compile(
    r"^\| (?P<what>.*?) \| `(?P<method>GET|POST) (?P<path>[^`]+)` \|(?P<takes>.*)\|$",
    re.MULTILINE,
)
_LINK = re.compile(r"\[([^\]]*)\]\(#?([^)\s]+)\)")
_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "object": {"type": "object"},
    "list": {"type": "array"},
    "instant": {"type": "string", "format": "date-time"},
    "day": {"type": "string", "format": "date"},
}

Schema = dict[str, Any]


class Asked(NamedTuple):
    """A way to ask: what for, how, and what its parameters are, in words.

    ``anchor`` names the section that describes the answer; empty for none.
    """

    label: str
    anchor: str
    method: str
    path: str
    takes: str


def contract_text() -> str:
    """The page: a wheel carries it inside the package, a checkout among its docs."""
    packaged = files("costd") / _NAME
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / "docs" / _NAME).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """The text below each heading, up to the next one, by title."""
    found, title = dict[str, str](), ""
    for line in text.splitlines():
        heading = _HEADING.match(line)
        title = heading[1] if heading else title
        found[title] = found.get(title, "") + ("" if heading else line + "\n")
    return found


def anchor(title: str) -> str:
    """The name that a heading has in links."""
    return re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-")


def ways(text: str) -> list[Asked]:
    """Every path of the table, in its order."""
    found = []
    for row in _ASKED.finditer(text):
        link = _LINK.search(row["what"])
        inside = link[2] if link and ".md" not in link[2] else ""
        path = row["path"].replace(":path}", "}")
        words = plain(row["what"])
        found.append(Asked(words, inside, row["method"], path, row["takes"].strip()))
    return found


def schemas(text: str) -> dict[str, Schema]:
    """A schema for each section with fields, by its anchor."""
    found = {}
    for title, body in sections(text).items():
        if "| field |" in body:
            found[anchor(title)] = _section(body)
    return found


def plain(markdown: str) -> str:
    """A cell without its links and marks."""
    return _LINK.sub(r"\1", markdown).replace("`", "").strip()


def _section(body: str) -> Schema:
    top: Schema = {"type": "object"}
    for line in body.splitlines():
        row = _ROW.match(line)
        if row:
            _place(top, row[1], row[2].strip(), row[3])
    return top


def _place(top: Schema, name: str, types: str, meaning: str) -> None:
    """Put a row of a table where its name says."""
    if name.endswith("…"):
        here = _at(top, name.removesuffix("…").rstrip("."))
        link = _LINK.search(meaning)
        if link:
            reference = {"$ref": f"#/components/schemas/{link[2]}"}
            if "null" in types:
                here["anyOf"] = [reference, _TYPES["null"]]
            else:
                here.setdefault("allOf", []).append(reference)
        return
    here = _at(top, name.removesuffix("[]"))  # the type is that of the list itself
    said = [_TYPES[word] for word in types.split(" or ") if word in _TYPES]
    if said and not here:
        here.update(said[0] if len(said) == 1 else {"anyOf": said})
    if text := plain(meaning):
        here.setdefault("description", text)


def _at(top: Schema, name: str) -> Schema:
    """The schema of ``a[].{b}.c`` within that of an answer; made where it is missing."""
    here = top
    for step in _steps(name):
        if step == "[]":
            _become(here, "array")
            here = here.setdefault("items", {})
        elif step.startswith("{"):
            _become(here, "object")
            here = here.setdefault("additionalProperties", {})
        else:
            _become(here, "object")
            here = here.setdefault("properties", {}).setdefault(step, {})
    return here


def _become(here: Schema, kind: str) -> None:
    if "anyOf" not in here:
        here.setdefault("type", kind)


def _steps(name: str) -> Iterator[str]:
    for part in name.split("."):
        bare = part.removesuffix("[]")
        if bare:
            yield bare
        if bare != part:
            yield "[]"
