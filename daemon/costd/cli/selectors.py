"""What a claim speaks of, as options of a command."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from costd.core.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

OWN_SESSION = ("CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID")
"""Where Claude Code and Codex tell the commands that they run which session it is."""

SAID_HERE = {"source": "cli"}
"""How a claim of the command line was made, for the list of claims."""

_OPTIONS = {
    "session": ("ID", "A session, by its id; it need not exist yet."),
    "agent": ("ID", "A subagent, by its id."),
    "pid": ("PID", "A process that runs an agent."),
    "branch": ("GLOB", "A branch, or a pattern: feature/*."),
    "cwd": ("DIR", "A directory and all below it, or a pattern."),
}
_WILD = frozenset("*?[")


def selectors(command: Command) -> Command:
    """One option for each kind of selector."""
    for name, (metavar, text) in reversed(_OPTIONS.items()):
        command = click.option(f"--{name}", metavar=metavar, help=text)(command)
    return command


def chosen(params: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The parameters with exactly one selector, as the daemon takes it.

    Args:
        params: those of the command line.
        environ: says which session an agent's command runs in.

    Raises:
        UsageError: there is no selector, or there are several.
    """
    names = [name for name in _OPTIONS if params.get(name)]
    if not names and (session := own_session(environ)):
        return {**params, "session": session}
    if len(names) != 1:
        wanted = ", ".join(f"--{name}" for name in _OPTIONS)
        raise UsageError(f"it takes one of {wanted}", "As in: --session 1a2b3c4d")
    if names == ["cwd"]:
        return {**params, "cwd": _absolute(params["cwd"])}
    if names == ["pid"] and not params["pid"].isdecimal():
        raise UsageError("--pid takes a number", "As in: --pid 4711")
    return dict(params)


def own_session(environ: Mapping[str, str]) -> str:
    """The session in which a command runs; empty where none or several are named.

    An agent that another one started has the variables of both.
    """
    found = [environ[name] for name in OWN_SESSION if environ.get(name)]
    return found[0] if len(found) == 1 else ""


def present(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given; here none of them is a filter of several values."""
    return {name: value for name, value in params.items() if value not in (None, "")}


def _absolute(cwd: str) -> str:
    """The directory from the root; a pattern that begins anywhere stays as it is."""
    if cwd[0] in _WILD:
        return cwd
    return os.path.abspath(os.path.expanduser(cwd))  # noqa: PTH100, PTH111 - it may be a pattern, which pathlib would tidy
