"""Which line of a TOML file a key is on; tomllib does not say."""

from __future__ import annotations

import tomllib
from collections import Counter

Key = tuple[str | int, ...]


def key_lines(text: str) -> dict[Key, int]:
    """The first line, from 1, of every key and table in a valid TOML ``text``.

    A statement ends where the lines since its start are valid TOML by themselves, so
    tomllib itself knows about strings and arrays over many lines. The tables of an
    array have their number in the key, as in ``("prices", "overrides", "m", 0)``.
    """
    found: dict[Key, int] = {}
    tables: Counter[Key] = Counter()
    prefix: Key = ()
    start, statement = 1, ""
    for number, line in enumerate(text.split("\n"), start=1):
        statement += line + "\n"
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        head = statement.lstrip()
        if head.startswith("["):
            prefix = _only_path(parsed)
            if head.startswith("[["):
                tables[prefix] += 1
                prefix = (*prefix, tables[prefix] - 1)
            found.setdefault(prefix, start)
        else:
            for path in _paths(parsed):
                found.setdefault((*prefix, *path), start)
        start, statement = number + 1, ""
    return found


def line_of(key: Key, lines: dict[Key, int]) -> int | None:
    """The line of ``key``, or of the nearest table or value that holds it."""
    for length in range(len(key), 0, -1):
        if key[:length] in lines:
            return lines[key[:length]]
    below = [number for path, number in lines.items() if path[: len(key)] == key]
    return min(below, default=None)


def _only_path(table: object) -> Key:
    """``("a", "b")`` of the parsed header ``[a.b]`` or ``[[a.b]]``."""
    path: Key = ()
    while isinstance(table, dict) and table:
        (name, table), *_ = table.items()
        path = (*path, name)
    return path


def _paths(table: dict[str, object]) -> list[Key]:
    found: list[Key] = []
    for name, value in table.items():
        found.append((name,))
        if isinstance(value, dict):
            found.extend((name, *path) for path in _paths(value))
    return found
