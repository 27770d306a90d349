"""costd as a launchd agent of macOS."""

from __future__ import annotations

import os
import plistlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from costd.cli.services.plan import Plan
from costd.cli.services.seen import (
    FOREIGN,
    MISSING,
    File,
    Seen,
    file_state,
)
from costd.cli.services.steps import (
    PAUSE_SECONDS,
    Steps,
    ask,
    missing_above,
    read,
)
from costd.cli.services.templates import template
from costd.core.errors import CostdError

LABEL = "dev.costd"
MARK = "<!-- Written by `costd service install`, which writes it anew; removed by `costd service uninstall`. -->"
MADE = "<!-- Directories made for it: "
LOOK = "Look at: costd service logs"
BOOTSTRAP_TRIES = 25
"""``bootout`` may come back before costd has ended, which takes ten seconds at most;
two tries a second."""


class Launchd:
    """One agent of this user.

    Args:
        plan: what the agent has to say.
        pause: waits so many seconds.
    """

    manager = "launchd"
    scope = "user"
    name = LABEL
    options = ""
    hides_agents = False

    def __init__(self, plan: Plan, pause: Callable[[float], None] = time.sleep) -> None:
        self._plan = plan
        self._pause = pause
        self._path = plan.home / "Library/LaunchAgents" / f"{LABEL}.plist"
        self._log = plan.home / "Library/Logs/costd.log"
        self._known_domain = ""

    @property
    def _domain(self) -> str:
        """That of the screen; over ssh, with nobody at one, that of the user."""
        if not self._known_domain:
            uid = os.getuid()
            try:
                has_screen = not ask("launchctl", "print", f"gui/{uid}").code
            except CostdError:  # not a Mac: somebody looks what it would be like there
                has_screen = True
            self._known_domain = f"gui/{uid}" if has_screen else f"user/{uid}"
        return self._known_domain

    @property
    def _target(self) -> str:
        return f"{self._domain}/{LABEL}"

    @property
    def kept(self) -> str:
        """See ``Service``."""
        return str(self._plan.made[0])

    def texts(self) -> dict[str, str]:
        """See ``Service``."""
        return {str(self._path): self._wanted()}

    def files(self) -> list[File]:
        """See ``Service``."""
        text = read(self._path)
        ours = text is not None and MARK in text
        return [File(str(self._path), file_state(text, self._wanted(), ours=ours))]

    def seen(self) -> Seen:
        """See ``Service``."""
        try:
            shown = ask("launchctl", "print", self._target)
        except CostdError:
            return Seen()
        if shown.code:
            # Not loaded: it is at the next log-in, if it is there.
            return Seen(active="inactive", enabled=self._path.exists())
        pid = _value(shown.out, "pid")
        code = _value(shown.out, "last exit code")
        is_running = pid is not None or _value(shown.out, "state") == "running"
        return Seen(
            active="active" if is_running else "inactive",
            enabled=True,
            pid=int(pid) if pid and pid.isdigit() else None,
            exit_code=int(code) if code and code.isdigit() else None,
        )

    def install(self, steps: Steps, *, force: bool, start: bool) -> None:
        """See ``Service``."""
        if self.files()[0].state == FOREIGN and not force:
            raise CostdError(
                f"{self._path} was not written by costd",
                "Move it away, or replace it: costd service install --force",
            )
        if not steps.dry:
            ask("launchctl", "version")  # refuses where there is none
        has_changed = steps.write(self._path, self._wanted())
        if not start:
            return
        if has_changed or not self._is_loaded(steps):
            self._load(steps)
        else:
            steps.run("launchctl", "kickstart", self._target, fix=LOOK)

    def uninstall(self, steps: Steps) -> None:
        """See ``Service``."""
        text = read(self._path)
        if text is None:
            return
        if MARK not in text:
            steps.notes.append(f"{self._path} was not written by costd: it stays.")
            return
        self._boot_out(steps)
        steps.remove(self._path)
        steps.remove_empty(_made_for(text))
        if self._log.exists():
            steps.notes.append(f"The log stays: {self._log}")

    def start(self, steps: Steps) -> None:
        """See ``Service``."""
        self._require()
        if self._is_loaded(steps):
            steps.run("launchctl", "kickstart", self._target, fix=LOOK)
        else:
            self._bootstrap(steps)

    def stop(self, steps: Steps) -> None:
        """See ``Service``: booted out it stays so, however it ends, until the log-in."""
        self._require()
        if steps.dry or self._is_loaded(steps):
            self._boot_out(steps)
        else:
            steps.notes.append("It did not run.")

    def restart(self, steps: Steps) -> None:
        """See ``Service``."""
        self._require()
        self._load(steps)

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        """See ``Service``."""
        how = ["-F"] if follow else []
        return ["tail", "-n", str(lines), *how, str(self._log)]

    def lingers(self) -> bool | None:
        """See ``Service``: an agent ends with the session of its user."""
        return None

    def _wanted(self) -> str:
        agent: dict[str, Any] = plistlib.loads(
            template("launchd", f"{LABEL}.plist").encode()
        )
        variables = {**self._plan.environment, "HOME": str(self._plan.home)}
        variables["COSTD_LOG_FILE"] = str(self._log)
        agent |= {
            "ProgramArguments": list(self._plan.command),
            "EnvironmentVariables": variables,
            "StandardErrorPath": str(self._log),
        }
        head, doctype, rest = (
            plistlib.dumps(agent, sort_keys=False).decode().partition("<plist")
        )
        made = ", ".join(str(folder) for folder in self._made())
        # Two hyphens would end a comment of XML.
        note = f"{MADE}{made.replace('--', '-&#45;')} -->\n" if made else ""
        return f"{head}{MARK}\n{note}{doctype}{rest}"

    def _made(self) -> list[Path]:
        text = read(self._path)
        if text is not None and MARK in text:
            return _made_for(text)
        return missing_above(self._path)

    def _require(self) -> None:
        if self.files()[0].state == MISSING:
            raise CostdError(
                f"costd is no service here: there is no {self._path}",
                "costd service install",
            )

    def _is_loaded(self, steps: Steps) -> bool:
        return not steps.dry and not ask("launchctl", "print", self._target).code

    def _load(self, steps: Steps) -> None:
        """``launchctl load`` fails where it is loaded already; this does not."""
        self._boot_out(steps)
        self._bootstrap(steps)

    def _boot_out(self, steps: Steps) -> None:
        """Have it end, and wait until it has: ``bootout`` may come back before that."""
        steps.run("launchctl", "bootout", self._target, may_fail=True)
        for _ in range(BOOTSTRAP_TRIES):
            if not self._is_loaded(steps):
                break
            self._pause(PAUSE_SECONDS)

    def _bootstrap(self, steps: Steps) -> None:
        # One that somebody disabled by hand cannot be loaded.
        steps.run("launchctl", "enable", self._target, may_fail=True)
        words = ("launchctl", "bootstrap", self._domain, str(self._path))
        steps.run(*words, fix=LOOK, tries=BOOTSTRAP_TRIES, pause=self._pause)


def _value(text: str, name: str) -> str | None:
    found = re.search(rf"^\s*{name} = (\S+)", text, re.MULTILINE)
    return found.group(1) if found else None


def _made_for(text: str) -> list[Path]:
    lines = [line for line in text.splitlines() if line.startswith(MADE)]
    return [
        Path(folder.replace("-&#45;", "--"))
        for line in lines
        for folder in line.removeprefix(MADE).removesuffix(" -->").split(", ")
    ]
