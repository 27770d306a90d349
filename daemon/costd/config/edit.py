"""``costd config set``: change one value in the file and keep everything else in it."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from costd.config.check import Problem, read_settings
from costd.config.load import Loaded, dotted, parse, read_file
from costd.core.errors import ConfigError, UsageError


def set_value(path: Path, key: str, value_text: str) -> tuple[object, object]:
    """Set ``key`` to ``value_text`` in the file at ``path``, which may not exist yet.

    Args:
        path: the configuration; a link stays a link to the changed file.
        key: dotted, as in ``engine.tick_seconds`` or ``prices.aliases."my.model"``.
        value_text: a TOML value; what is none, or does not fit as one, is a string.

    Returns:
        The value in the file before (None where it had none), and the one now.

    Raises:
        UsageError: ``key`` is not a key.
        ConfigError: the file with the change would have an error that it has not now.
    """
    parts = _key_parts(key)
    before = read_file(path, required=False)
    known = _problems(before)
    refusals = []
    for value in _readings(value_text):
        after = _changed(before, parts, value, path)
        new = [problem for problem in _problems(after) if problem not in known]
        if not new:
            _write(path, after.text)
            return _at(before.table, parts), _at(after.table, parts)
        refusals.append([f"{dotted(problem.key)}: {problem.text}" for problem in new])
    raise ConfigError("\n".join(refusals[0]), f"{path} has not been changed.")


def _key_parts(key: str) -> tuple[str, ...]:
    try:
        table: object = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        table = {}
    parts = []
    while isinstance(table, dict) and len(table) == 1:
        ((name, table),) = table.items()
        parts.append(name)
    if table != 0 or not parts:
        raise UsageError(
            f"{key!r} is not a key", "Write it as section.name: engine.tick_seconds"
        )
    return tuple(parts)


def _readings(text: str) -> Iterator[object]:
    """What ``text`` may mean: the TOML value, and then the string."""
    with contextlib.suppress(TOMLKitError):
        document = tomlkit.parse(f"value = {text}\n")
        if list(document) == ["value"]:
            yield document["value"]
    yield text


def _problems(loaded: Loaded) -> list[Problem]:
    return read_settings(loaded.table, Path("/"))[1]


def _changed(
    before: Loaded, parts: tuple[str, ...], value: object, path: Path
) -> Loaded:
    """The file with the change; a commented default makes room for it, if it can."""
    wanted = _with_value(before.table, parts, value)
    for text in (_uncommented(before.text, parts), before.text):
        with contextlib.suppress(TOMLKitError, ConfigError, TypeError):
            after = parse(_edited(text, parts, value).encode(), path)
            if after.table == wanted:
                return after
    raise ConfigError(
        f"{'.'.join(parts)} cannot be set in {path} without changing something else",
        "Edit the file, then run: costd config check",
    )


def _edited(text: str, parts: tuple[str, ...], value: object) -> str:
    document = tomlkit.parse(text)
    table: MutableMapping[str, Any] = document
    *sections, name = parts
    for depth, section in enumerate(sections, start=1):
        if section not in table:
            if depth == 1 and document.body:
                document.add(tomlkit.nl())
            # Only the last table gets a header: [prices.aliases] without [prices].
            table[section] = tomlkit.table(is_super_table=depth < len(sections))
        table = table[section]
    table[name] = value
    return tomlkit.dumps(document)


def _with_value(
    table: dict[str, object], parts: tuple[str, ...], value: object
) -> dict[str, object]:
    """``table`` as it must read afterwards; the numbers as ``parse`` reads them."""
    name, *rest = parts
    if rest:
        inner = table.get(name, {})
        if not isinstance(inner, dict):
            raise ConfigError(
                f"{name} is a value, not a section", "Name the value itself."
            )
        return {**table, name: _with_value(inner, tuple(rest), value)}
    document = tomlkit.document()
    document[name] = value
    return {**table, **parse(tomlkit.dumps(document).encode(), Path(name)).table}


def _uncommented(text: str, parts: tuple[str, ...]) -> str:
    """``text`` with the line ``# name = default`` of that section turned on."""
    *sections, name = parts
    commented = re.compile(rf"#\s*(?:e\.g\. )?(?P<live>{re.escape(name)}\s*=.*)")
    lines = text.splitlines(keepends=True)
    here: list[str] = []
    for number, line in enumerate(lines):
        if line.startswith("["):
            here = _header(line)
        match = commented.match(line)
        if match and here == sections:
            lines[number] = match["live"] + "\n"
            return "".join(lines)
    return text


def _header(line: str) -> list[str]:
    try:
        table: object = tomllib.loads(line)
    except tomllib.TOMLDecodeError:  # the middle of a long array
        return []
    names: list[str] = []
    while isinstance(table, dict) and table:
        ((name, table),) = table.items()
        names.append(name)
    return names


def _at(table: object, parts: tuple[str, ...]) -> object:
    for part in parts:
        if not isinstance(table, dict) or part not in table:
            return None
        table = table[part]
    return table


def _write(path: Path, text: str) -> None:
    """Replace the file at once, so that a reader sees the old one or the new one."""
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o755 if target.exists() else 0o600
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot write {target}: {error.strerror}", "Nothing has been changed."
        ) from error
