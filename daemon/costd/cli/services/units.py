"""Systemd's unit files: the templates with this installation's values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from costd.cli.services.plan import Plan
from costd.cli.services.templates import template

MARK = "# Written by `costd service install`, which writes it anew; removed by `costd service uninstall`."
"""By this first line costd knows which files are its own."""
MADE = "# Directories made for it: "

_NAMESPACED = frozenset(
    "PrivateUsers PrivateMounts ProtectSystem ProtectHome ReadWritePaths PrivateTmp"
    " PrivateDevices ProtectClock ProtectControlGroups ProtectHostname"
    " ProtectKernelLogs ProtectKernelModules ProtectKernelTunables".split()
)
"""What a user's manager can do with user namespaces only."""
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def service_unit(plan: Plan, *, sandbox: bool, socket: bool) -> str:
    """The unit of a user's own manager.

    Args:
        plan: the service.
        sandbox: whether it is to be kept from the rest of the machine.
        socket: whether systemd holds its socket.
    """
    runtime = [] if plan.runtime else ["COSTD_RUNTIME_DIR=%t/costd"]
    values = {
        **_common(plan),
        "ExecStartPre": [f"+{_words(['mkdir', '-p', *plan.made])}"],
        "Environment": [*_assignments(plan.environment), *runtime],
    }
    text = _with(template("systemd", "costd.service"), values)
    if socket:
        bound = ["Requires=costd.socket", "After=costd.socket"]
        text = _inserted(text, "StartLimitIntervalSec", bound)
    return text if sandbox else _without(text, _NAMESPACED)


def socket_unit(plan: Plan) -> str:
    """The socket of that unit; its directory is private, as costd itself wants it."""
    listen = plan.socket if plan.runtime is None else _escaped(plan.socket)
    text = template("systemd", "costd.socket")
    return _with(text, {"ListenStream": [listen]})


def system_unit(plan: Plan, name: str) -> str:
    """The unit of the whole system that runs as one user.

    Args:
        plan: the service.
        name: the unit's, without its ending.
    """
    made, user = _words(["-p", *plan.made]), _word(plan.user)
    environment = {"HOME": str(plan.home), **plan.environment}
    runtime = [] if plan.runtime else [f"COSTD_RUNTIME_DIR=%t/{_escaped(name)}"]
    values = {
        **_common(plan),
        "User": [_escaped(plan.user)],
        "ExecStartPre": [f"+runuser -u {user} -- mkdir {made}"],
        "Environment": [*_assignments(environment), *runtime],
        "RuntimeDirectory": [_escaped(name)],
    }
    return _with(template("systemd", "costd-system.service"), values)


def signed(text: str, made: Iterable[Path]) -> str:
    """A unit with costd's mark and what was made for it, in place of the template's."""
    folders = [str(folder) for folder in made]
    head = [MARK, *([MADE + ", ".join(folders)] if folders else [])]
    return "\n".join(head) + "\n\n" + text[text.index("[Unit]") :]


def is_ours(text: str) -> bool:
    """Whether costd wrote this file."""
    return text.startswith(MARK)


def made_for(text: str) -> list[Path]:
    """The directories that were made for a unit."""
    lines = [line for line in text.splitlines() if line.startswith(MADE)]
    return [Path(p) for line in lines for p in line.removeprefix(MADE).split(", ")]


def _common(plan: Plan) -> dict[str, Sequence[str]]:
    writable = [*plan.made, *plan.writable]
    return {
        "ExecStart": [_words(plan.command)],
        "ExecReload": [_words([*plan.command[:-1], "config", "reload"])],
        "ReadWritePaths": [_places(writable)],
        "PrivateTmp": ["no" if plan.sees_temporary else "yes"],
    }


def _assignments(variables: Mapping[str, str]) -> list[str]:
    pairs = (f"{name}={value}" for name, value in variables.items())
    # A dollar means nothing here, and one that is doubled would stay so.
    return [_word(pair, dollars=False) for pair in pairs]


def _words(words: Iterable[object]) -> str:
    """A command as Exec lines take it, each word whole whatever is in it."""
    program, *rest = (str(word) for word in words)
    # The program's own name is no place for variables.
    return " ".join([_word(program, dollars=False), *map(_word, rest)])


def _places(paths: Iterable[Path]) -> str:
    return " ".join(_word(f"-{path}", dollars=False) for path in paths)


def _word(text: str, *, dollars: bool = True) -> str:
    escaped = _escaped(text)
    if _PLAIN.fullmatch(escaped):
        return escaped
    escaped = escaped.replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped.replace("$", "$$") if dollars else escaped}"'


def _escaped(text: str) -> str:
    """Text in which nothing is a specifier."""
    return text.replace("%", "%%")


def _with(text: str, values: Mapping[str, Sequence[str]]) -> str:
    """The unit with other values; a key that the template has not is a fault here."""
    left, lines = dict(values), list[str]()
    for line in text.splitlines():
        key = line.partition("=")[0]
        if key not in values or line.startswith("#"):
            lines.append(line)
        elif key in left:
            lines += [f"{key}={value}" for value in left.pop(key)]
    if left:
        raise LookupError(*left)
    return "\n".join(lines) + "\n"


def _inserted(text: str, before: str, new: Sequence[str]) -> str:
    lines = text.splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith(f"{before}="))
    return "\n".join([*lines[:place], *new, *lines[place:]]) + "\n"


def _without(text: str, keys: frozenset[str]) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if line.partition("=")[0] not in keys)
