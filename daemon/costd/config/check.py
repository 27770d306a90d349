"""From a TOML table to settings, and from a wrong one to every error in it.

msgspec converts a right file at once, in C. It stops at the first error and hides the
keys of dictionaries, so only when it refuses are the leaves tried one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from costd.config.model import Settings, is_rate
from costd.config.zone import is_zone

Key = tuple[str | int, ...]
Hook = Callable[[type, object], object]

_SHOWN_CHARS = 60
_WORDS = {
    bool: "true or false",
    str: "a string",
    Path: 'a path, absolute or starting with "~/"',
}


class Problem(NamedTuple):
    """One thing that is wrong at one key, in words."""

    key: Key
    text: str


def read_settings(
    table: Mapping[str, object], home: Path
) -> tuple[Settings, list[Problem]]:
    """The settings in ``table``; the defaults when there are problems."""
    hook = _path_hook(home)
    try:
        settings = msgspec.convert(table, Settings, dec_hook=hook)
    except msgspec.ValidationError as error:
        found = list(_problems(table, Settings, (), hook))
        # The leaves are the same types, so this is a difference between the two ways.
        return Settings(), [*found, *_zone_problems(table)] or [Problem((), str(error))]
    return settings, list(_zone_problems(table))


def absolute(text: object, home: Path) -> Path:
    """The absolute path that ``text`` names.

    Raises:
        ValueError: it is not one; ``~user`` and relative paths are not.
    """
    if not isinstance(text, str) or "\0" in text:
        raise ValueError("not a path")
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    if not text.startswith("/"):
        raise ValueError("not an absolute path")
    return Path(text)


def nearest(name: str, names: list[str]) -> str:
    """``; did you mean "…"?`` for a name that is close to one of ``names``."""
    import difflib  # noqa: PLC0415 - 7 ms that only an error is worth

    close = difflib.get_close_matches(name, names, n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _path_hook(home: Path) -> Hook:
    def convert(kind: type, value: object) -> object:
        if kind is Path:
            return absolute(value, home)
        raise NotImplementedError(kind)

    return convert


def _problems(value: object, hint: Any, key: Key, hook: Hook) -> Iterator[Problem]:
    kind = _choose(value, hint)
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _table_problems(value, kind, key, hook)
    elif origin is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from _problems(item, get_args(kind)[1], (*key, name), hook)
    elif origin is tuple and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _problems(item, get_args(kind)[0], (*key, number), hook)
    elif not _fits(value, hint, hook):
        yield Problem(key, _mismatch(value, hint))


def _table_problems(
    value: object, kind: type[msgspec.Struct], key: Key, hook: Hook
) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(key, f"expected a table, got {_shown(value)}")
        return
    hints = get_type_hints(kind, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    names = sorted(fields)
    for name, item in value.items():
        if name in fields:
            hint = hints[fields[name].name]
            yield from _problems(item, hint, (*key, name), hook)
        else:
            expected = f"expected {_either(names)}, got {_shown(name)}"
            yield Problem((*key, name), expected + nearest(name, names))
    for name, field in fields.items():
        if field.required and name not in value:
            yield Problem(key, f'expected the key "{name}", got none')


def _zone_problems(table: Mapping[str, object]) -> Iterator[Problem]:
    zone = table.get("timezone")
    if isinstance(zone, str) and not is_zone(zone):
        import zoneinfo  # noqa: PLC0415 - the list of zones is for this error only

        expected = f'expected a time zone such as "Europe/Oslo", got {_shown(zone)}'
        known = sorted(zoneinfo.available_timezones())
        yield Problem(("timezone",), expected + nearest(zone, known))


def _choose(value: object, hint: Any) -> Any:
    """The member of a union that ``value`` was meant for, without annotations."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) not in {Union, UnionType}:
        return hint
    members = [_choose(value, member) for member in get_args(hint)]
    lists = [member for member in members if get_origin(member) is tuple]
    return lists[0] if lists and isinstance(value, list) else members[0]


def _fits(value: object, hint: Any, hook: Hook) -> bool:
    try:
        msgspec.convert(value, hint, dec_hook=hook)
        return _choose(value, hint) is not Decimal or is_rate(
            Decimal(cast("Decimal | str | int", value))
        )
    except (msgspec.ValidationError, InvalidOperation):
        return False


def _mismatch(value: object, hint: Any) -> str:
    choices = [str(c) for c in _choices(hint)]
    guess = nearest(value, choices) if isinstance(value, str) else ""
    return f"expected {_expected(hint)}, got {_shown(value)}{guess}"


def _expected(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        description = get_args(hint)[1].description
        return str(description or _expected(get_args(hint)[0]))
    if get_origin(hint) in {Union, UnionType}:
        return _expected(get_args(hint)[0])
    if choices := _choices(hint):
        return _either([f'"{choice}"' for choice in choices])
    if get_origin(hint) is dict:
        return "a table"
    return _WORDS.get(hint, str(hint))


def _choices(hint: Any) -> tuple[object, ...]:
    return get_args(hint) if get_origin(hint) is Literal else ()


def _either(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _shown(value: object) -> str:
    """A value of the user's own file, short; ``repr`` keeps it on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "…"
        return '"' + repr(text)[1:-1] + '"'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return str(value) if isinstance(value, int | Decimal | date) else "a time"
