"""The lines of Claude Code's settings.json that call ``costd hook``.

The file belongs to its owner: what is not ours stays as it is written, to the byte.
Ours are put in and taken out as text, at the places where the parser finds the values.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from json.decoder import JSONDecodeError, JSONDecoder
from typing import Any, NamedTuple

from costd.core.errors import ConfigError

EVENTS = ("SessionStart", "SessionEnd", "Stop", "SubagentStart", "SubagentStop")
TIMEOUT_SECONDS = 10

_BOM = "\ufeff"
_SPACE = re.compile(r"[ \t\r\n]*")
_read_value = JSONDecoder().raw_decode


class Part(NamedTuple):
    """A member of an object, or an item of an array; positions in the text.

    Attributes:
        name: the member's name; empty for an item.
        start: where it begins, a member with its name.
        value: where its value begins.
        end: where it ends, exclusive.
    """

    name: str
    start: int
    value: int
    end: int


class Ours(NamedTuple):
    """A command of ours: where it is, by names and numbers from the top."""

    event: str
    group: int
    number: int
    command: str


def installed(text: str, command: str) -> str:
    """The settings with a call of ``command`` for every event.

    Args:
        text: the file; empty where there is none.
        command: as a shell takes it.

    Raises:
        ConfigError: the file is not what Claude Code reads.
    """
    bom, text = _split_bom(text)
    text = text if text.strip() else "{}\n"
    calls = found(text)
    for call in calls:
        if call.command != command:
            text = _renamed(text, call, command)
    have = {call.event for call in calls}
    for event in EVENTS:
        if event not in have:
            text = _with_call(text, event, command)
    return bom + text


def removed(text: str) -> str:
    """The settings without any call of ours, and without what is empty then.

    Raises:
        ConfigError: the file is not what Claude Code reads.
    """
    bom, text = _split_bom(text)
    while text.strip() and (calls := found(text)):
        text = _without(text, calls[0])
    return bom + text


def found(text: str) -> list[Ours]:
    """Every call of ours.

    Raises:
        ConfigError: the file is not what Claude Code reads.
    """
    hooks = parsed(text).get("hooks", {})
    return [
        Ours(event, group, number, hook["command"])
        for event, groups in _pairs(hooks, "hooks")
        for group, each in enumerate(_listed(groups, f"hooks.{event}"))
        for number, hook in enumerate(_hooks_of(each))
        if is_ours(hook)
    ]


def parsed(text: str) -> dict[str, Any]:
    """The settings as a value.

    Raises:
        ConfigError: they are no JSON object, or name one thing twice.
    """
    try:
        value = json.loads(_split_bom(text)[1] or "{}", object_pairs_hook=_unique)
    except JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _unfit(f"are no JSON (at {place})") from None
    except RecursionError:
        raise _unfit("are nested too deeply") from None
    if not isinstance(value, dict):
        raise _unfit("are no JSON object")
    return value


def is_ours(hook: object) -> bool:
    """Whether a hook calls ``costd hook``, from wherever."""
    if not isinstance(hook, dict) or not isinstance(hook.get("command"), str):
        return False
    try:
        words = shlex.split(hook["command"])
    except ValueError:
        return False
    return len(words) > 1 and words[-1] == "hook" and _is_costd(words[-2])


def _is_costd(word: str) -> bool:
    return word.rpartition("/")[2] == "costd"


def _call(command: str) -> dict[str, object]:
    return {
        "type": "command",
        "command": command,
        "timeout": TIMEOUT_SECONDS,
        "async": True,
    }


def _with_call(text: str, event: str, command: str) -> str:
    """With one more group, and with everything around it that is missing."""
    group: object = {"hooks": [_call(command)]}
    root = _opened(text)
    hooks = _named(text, root, "hooks")
    if hooks is None:
        return _inserted(text, root, "hooks", {event: [group]})
    groups = _named(text, hooks.value, event)
    if groups is None:
        return _inserted(text, hooks.value, event, [group])
    return _inserted(text, groups.value, "", group)


def _renamed(text: str, call: Ours, command: str) -> str:
    """With another command at the same place."""
    hook = _path(text, call)[-1]
    part = _named(text, hook.value, "command")
    if part is None:  # it was found there a moment ago
        raise _unfit("have changed")
    return text[: part.value] + json.dumps(command) + text[part.end :]


def _without(text: str, call: Ours) -> str:
    """Without one call, and without what holds nothing else."""
    where = _path(text, call)
    # hooks of the group, groups of the event, events of hooks, members of the root
    group_hooks = _need(_named(text, where[2].value, "hooks"))
    containers = [_opened(text), where[0].value, where[1].value, group_hooks.value]
    for container, part in zip(reversed(containers), reversed(where), strict=True):
        parts = _parts(text, container)
        if len(parts) > 1 or container == containers[0]:
            return _cut(text, container, parts, parts.index(part))
    return text


def _path(text: str, call: Ours) -> tuple[Part, Part, Part, Part]:
    """``hooks``, the event, the group and the call."""
    hooks = _need(_named(text, _opened(text), "hooks"))
    event = _need(_named(text, hooks.value, call.event))
    group = _parts(text, event.value)[call.group]
    inner = _need(_named(text, group.value, "hooks"))
    return hooks, event, group, _parts(text, inner.value)[call.number]


def _need(part: Part | None) -> Part:
    if part is None:  # the text was parsed a moment ago
        raise _unfit("have changed")
    return part


def _named(text: str, container: int, name: str) -> Part | None:
    return next((p for p in _parts(text, container) if p.name == name), None)


def _parts(text: str, container: int) -> list[Part]:
    """What is in the object or array that opens at ``container``."""
    return list(_walk(text, container))


def _walk(text: str, container: int) -> Iterator[Part]:
    is_object = text[container] == "{"
    at = _skip(text, container + 1)
    while text[at] not in "]}":
        start, name = at, ""
        if is_object:
            name, at = _read_value(text, at)
            at = _skip(text, _skip(text, at) + 1)
        _, end = _read_value(text, at)
        yield Part(name, start, at, end)
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _closed(text: str, container: int) -> int:
    """Where the container's closing bracket is."""
    return _read_value(text, container)[1] - 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _opened(text: str) -> int:
    return _skip(text, 0)


def _inserted(text: str, container: int, name: str, value: object) -> str:
    """With one more part at the end of a container, written like what is there."""
    parts, close = _parts(text, container), _closed(text, container)
    name = f"{json.dumps(name)}: " if name else ""
    if parts and "\n" not in text[container : parts[-1].start]:
        end = parts[-1].end  # all on one line: so is this
        return f"{text[:end]}, {name}{json.dumps(value)}{text[end:]}"
    unit, line_end = _unit(text), "\r\n" if "\r\n" in text else "\n"
    outer = _indent(text, container)
    inner = _indent(text, parts[-1].start) if parts else outer + unit
    written = name + json.dumps(value, indent=unit).replace("\n", line_end + inner)
    if parts:
        end = parts[-1].end
        return f"{text[:end]},{line_end}{inner}{written}{text[end:]}"
    between = f"{line_end}{inner}{written}{line_end}{outer}"
    return f"{text[: container + 1]}{between}{text[close:]}"


def _cut(text: str, container: int, parts: list[Part], index: int) -> str:
    """Without one part and the comma that belongs to it."""
    if index > 0:
        start, end = parts[index - 1].end, parts[index].end
    elif len(parts) > 1:
        start, end = parts[0].start, parts[1].start
    else:
        start, end = container + 1, _closed(text, container)
    return text[:start] + text[end:]


def _unit(text: str) -> str:
    """The indentation of one step, as the file has it."""
    match = re.search(r"\{\r?\n([ \t]+)\"", text)
    return match[1] if match else "  "


def _indent(text: str, at: int) -> str:
    """The indentation of the line that ``at`` is on."""
    begin = text.rfind("\n", 0, at) + 1
    return text[begin : _skip(text, begin)]


def _split_bom(text: str) -> tuple[str, str]:
    return (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _unfit("have one name twice in an object")
    return value


def _pairs(value: object, where: str) -> list[tuple[str, object]]:
    if not isinstance(value, dict):
        raise _unfit(f"have something else than an object at {where}")
    return list(value.items())


def _listed(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise _unfit(f"have something else than an array at {where}")
    return value


def _hooks_of(group: object) -> list[Any]:
    hooks = group.get("hooks") if isinstance(group, dict) else None
    return hooks if isinstance(hooks, list) else []


def _unfit(what: str) -> ConfigError:
    return ConfigError(
        f"the settings {what}", "Mend the file first; nothing has been changed."
    )
