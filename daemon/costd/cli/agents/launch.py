"""``costd exec``: run an agent so that its work has an owner before its first token.

Costd that is down, slow or broken changes nothing for the command: what cannot be said
to the daemon in a moment goes into the spool, and what cannot be written there is only
warned about.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import NamedTuple

from costd import client
from costd.cli import output
from costd.cli.agents.alone import Alone
from costd.cli.agents.child import Child
from costd.cli.agents.claims import Claims
from costd.cli.agents.report import RUN_ID, Report
from costd.cli.agents.sessions import ISSUE, TOKEN, Sessions, chosen, named, slug
from costd.core.errors import UsageError

SECONDS = 0.2
"""What the daemon gets before the command begins, and again after its end."""

VARIABLES = {
    "issue": ISSUE,
    "role": "COSTD_ROLE",
    "capability": "COSTD_CAPABILITY",
}
"""What the command finds in its environment."""

_PLAIN_ISSUE = re.compile(r"[A-Z][A-Z0-9_]*-[0-9]{1,9}", re.ASCII)
_PLAIN_ROLES = frozenset({"", "planning", "implementation", "review", "test"})
_PLAIN_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,63}|", re.ASCII)


class Launch(NamedTuple):
    """What a command line asks for."""

    issue: str
    role: str
    capability: str
    picks_session: bool
    command: list[str]


def run(words: list[str]) -> int | None:
    """The exit status of the command; None where the command line is not plain."""
    launch = parse(words)
    return None if launch is None else start(launch)


def parse(words: list[str]) -> Launch | None:
    """The plain forms of the command line; None where it needs a closer look."""
    given = {"--issue": "", "--role": "", "--capability": ""}
    picks_session = True
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "--no-session-id":
            picks_session = False
        elif name in given:
            given[name] = value if equals else next(rest, "")
        elif word == "--" or not word.startswith("-"):
            command = [*rest] if word == "--" else [word, *rest]
            if not command or not given["--issue"]:
                return None
            issue, role, capability = given.values()
            return Launch(issue, role, capability, picks_session, command)
        else:
            return None
    return None


def start(launch: Launch) -> int:
    """Run the command, and say whose it is; its exit status.

    Raises:
        UsageError: the issue, the role or the capability is none; nothing was started.
    """
    launch = checked(launch)
    command, session = launch.command, named(launch.command)
    is_new = launch.picks_session and not session
    if is_new:
        command, session = chosen(command)
    token = os.urandom(8).hex()
    environ = environment(dict(os.environ), launch, token)
    claims, report = Claims(launch.issue, launch.role), Report()
    environ[RUN_ID] = report.run_id
    child = Child(command, environ)
    look = None
    with suppress(Exception):  # whatever it is: the command begins
        claims.allow(SECONDS)
        if session:
            claims.say("session", session, ends=not is_new)
        claims.say("pid", child.pid)
        look = _Look(claims, child.pid, token, environ)
    _warn(claims)
    report.release()
    child.release()
    status = child.wait(look or _see_nothing)
    report.end()
    with suppress(Exception):  # its exit status is what matters now
        _finish(claims, look)
    _warn(claims)
    _report(report, launch._replace(command=command), child.pid, claims, status)
    return status


def _report(
    report: Report, launch: Launch, pid: int, claims: Claims, status: int
) -> None:
    about = {
        "issue": launch.issue,
        "role": launch.role,
        "capability": launch.capability,
        "command": launch.command[0],
        "pid": pid,
        "sessions": claims.sessions,
    }
    is_kept = False
    with suppress(Exception):  # its exit status is what matters still
        is_kept = report.leave(about, status)
    if not is_kept:
        output.warn("costd: the command has run, but its report could not be kept")


def _finish(claims: Claims, look: _Look | None) -> None:
    if look is not None:
        look()
        look.close()
    claims.allow(SECONDS)
    claims.end()


def _see_nothing() -> None:
    """There is nothing to look at."""


class _Look:
    """Claims the sessions that the command turns out to run."""

    def __init__(
        self, claims: Claims, pid: int, token: str, environ: dict[str, str]
    ) -> None:
        self._claims = claims
        self._pid = pid
        cwd = os.getcwd()  # noqa: PTH109 - pathlib is slow to load
        self._sessions = Sessions(token, cwd, environ)
        self._alone = Alone(f"{client.state_dir()}/exec", slug(cwd))

    def __call__(self) -> None:
        with suppress(Exception):  # the command goes on, whatever it is
            found = self._sessions.running(self._pid)
            if self._alone.still():
                found |= self._sessions.begun()
            self._claims.allow(SECONDS)
            for session in sorted(found):
                self._claims.say("session", session)

    def close(self) -> None:
        """Look no more."""
        self._alone.leave()


def checked(launch: Launch) -> Launch:
    """The same with issue and role as costd spells them.

    Raises:
        UsageError: one of them cannot be used.
    """
    if not _PLAIN_WORD.fullmatch(launch.capability):
        raise UsageError(
            "--capability takes one word of up to 64 letters, digits and . _ : + -",
            "As in: --capability feature",
        )
    if _PLAIN_ISSUE.fullmatch(launch.issue) and launch.role in _PLAIN_ROLES:
        return launch
    from costd.core.attribution import (  # noqa: PLC0415 - slow to load, and seldom needed
        require_issue,
    )

    role = required_role(launch.role)
    return launch._replace(issue=require_issue(launch.issue), role=role)


def required_role(role: str) -> str:
    """The role in costd's vocabulary; empty stays empty.

    Raises:
        UsageError: the word stands for no role.
    """
    from costd.core.attribution import (  # noqa: PLC0415 - as said above
        ROLES,
        role_of,
    )

    found = role_of(role)
    if role and not found:
        raise UsageError(
            f"--role {role[:40]!r} is no role",
            f"Use one of {', '.join(sorted(ROLES))}.",
        )
    return found


def environment(environ: dict[str, str], launch: Launch, token: str) -> dict[str, str]:
    """What the command finds in its environment: this owner, and none from before."""
    for name, variable in VARIABLES.items():
        environ.pop(variable, None)
        if value := getattr(launch, name):
            environ[variable] = value
    return {**environ, TOKEN: token}


def _warn(claims: Claims) -> None:
    if claims.problem:
        output.warn(
            f"costd: the command runs, but its owner is not noted: {claims.problem}"
        )
        claims.problem = ""
