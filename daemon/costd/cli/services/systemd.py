"""costd as a systemd unit: of the user's own manager, or of the whole machine."""

from __future__ import annotations

import os
from pathlib import Path

from costd.cli.services import units
from costd.cli.services.plan import Plan
from costd.cli.services.seen import (
    FOREIGN,
    File,
    Seen,
    file_state,
    is_installed,
    lingers,
)
from costd.cli.services.steps import Steps, ask, missing_above, read
from costd.core.errors import CostdError

SYSTEM_UNITS = Path("/etc/systemd/system")
_SHOWN = (
    "ActiveState StatusText UnitFileState MainPID NRestarts ExecMainStatus Result"
    " StateChangeTimestamp"
).split()
_SANDBOX_FAILED = {"217", "225", "226", "228"}
"""systemd's exit codes for namespaces, system call filters and users that it could not
set up: systemd.exec(5)."""


class Systemd:
    """One unit, and where it is wanted its socket.

    Args:
        plan: what the unit has to say.
        is_system: whether it is one of the whole machine.
        sandbox: whether it is kept from the rest of the machine; None: as it is now.
        socket: whether systemd holds its socket; None: as it is now.
    """

    manager = "systemd"

    def __init__(
        self,
        plan: Plan,
        *,
        is_system: bool = False,
        sandbox: bool | None = None,
        socket: bool | None = None,
    ) -> None:
        self._plan = plan
        self._is_system = is_system
        self._control = ("systemctl",) if is_system else ("systemctl", "--user")
        self.scope = "system" if is_system else "user"
        self.options = f" --system --user {plan.user}" if is_system else ""
        self.name = f"costd-{plan.user}.service" if is_system else "costd.service"
        folder = SYSTEM_UNITS if is_system else self._unit_folder()
        self._unit = folder / self.name
        self._socket = folder / "costd.socket"
        self._with_socket = not is_system and (
            units.is_ours(read(self._socket) or "") if socket is None else socket
        )
        text = read(self._unit) or ""
        is_open = units.is_ours(text) and "\nProtectSystem=" not in text
        self._sandbox = not is_open if sandbox is None else sandbox

    @property
    def kept(self) -> str:
        """See ``Service``."""
        return str(self._plan.made[0])

    @property
    def hides_agents(self) -> bool:
        """See ``Service``: PrivateUsers= does, which the sandbox stands on."""
        return self._sandbox and not self._is_system

    def texts(self) -> dict[str, str]:
        """See ``Service``."""
        wanted = {str(self._unit): self._wanted()}
        if self._with_socket:
            wanted[str(self._socket)] = self._wanted_socket()
        return wanted

    def files(self) -> list[File]:
        """See ``Service``."""
        found = [self._state(self._unit, self._wanted())]
        if self._with_socket or read(self._socket) is not None:
            found.append(self._state(self._socket, self._wanted_socket()))
        return found if not self._is_system else found[:1]

    def seen(self) -> Seen:
        """See ``Service``."""
        words = [*self._control, "show", self.name, f"--property={','.join(_SHOWN)}"]
        try:
            shown = ask(*words)
        except CostdError:
            return Seen()
        pairs = (line.partition("=") for line in shown.out.splitlines())
        values = {name: value for name, _, value in pairs if value}
        state = values.get("UnitFileState")
        pid = _number(values.get("MainPID"))
        active = values.get("ActiveState")
        runs = active not in {"inactive", "failed"}
        return Seen(
            active=active,
            says=values.get("StatusText") if runs else None,
            enabled=None if state is None else state.startswith("enabled"),
            pid=pid or None,
            restarts=_number(values.get("NRestarts")),
            exit_code=_number(values.get("ExecMainStatus")),
            result=values.get("Result"),
            since=values.get("StateChangeTimestamp"),
        )

    def install(self, steps: Steps, *, force: bool, start: bool) -> None:
        """See ``Service``."""
        self._refuse_foreign(force=force)
        self._reach(steps)
        wanted = {Path(path): text for path, text in self.texts().items()}
        has_changed = [steps.write(path, text) for path, text in wanted.items()]
        names = [path.name for path in wanted]
        if not self._with_socket and units.is_ours(read(self._socket) or ""):
            self._disable(steps, [self._socket])
            has_changed.append(True)
        if any(has_changed):
            steps.run(*self._control, "daemon-reload", fix=self._look)
        steps.run(*self._control, "enable", *names, fix=self._look)
        if start:
            self._begin(steps, "restart" if has_changed[0] else "start")

    def uninstall(self, steps: Steps) -> None:
        """See ``Service``."""
        mine = [self._unit] if self._is_system else [self._unit, self._socket]
        there = {path: text for path in mine if (text := read(path)) is not None}
        ours = [path for path, text in there.items() if units.is_ours(text)]
        for path in there:
            if path not in ours:
                steps.notes.append(f"{path} was not written by costd: it stays.")
        if not ours:
            return
        folders = [f for path in ours for f in units.made_for(there[path])]
        self._disable(steps, ours)
        steps.run(*self._control, "daemon-reload", may_fail=True)
        steps.run(
            *self._control, "reset-failed", *(p.name for p in ours), may_fail=True
        )
        steps.remove_empty(folders)
        extra = self._unit.with_name(f"{self.name}.d")
        if extra.exists():
            steps.notes.append(f"{extra} is yours: it stays.")

    def start(self, steps: Steps) -> None:
        """See ``Service``."""
        self._require()
        self._begin(steps, "start")

    def stop(self, steps: Steps) -> None:
        """See ``Service``."""
        self._require()
        names = [self.name, *(["costd.socket"] if self._with_socket else [])]
        steps.run(*self._control, "stop", *names, fix=self._look)

    def restart(self, steps: Steps) -> None:
        """See ``Service``."""
        self._require()
        self._begin(steps, "restart")

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        """See ``Service``."""
        whose = [] if self._is_system else ["--user"]
        how = ["--follow"] if follow else []
        unit, count = f"--unit={self.name}", f"--lines={lines}"
        return ["journalctl", *whose, unit, count, "--no-pager", *how]

    def lingers(self) -> bool | None:
        """See ``Service``."""
        return None if self._is_system else lingers(self._plan.user)

    @property
    def _look(self) -> str:
        return f"Look at: costd service logs{self.options}"

    def _unit_folder(self) -> Path:
        """Where the user's manager looks; it may know another XDG_CONFIG_HOME."""
        usual = self._plan.home / ".config/systemd/user"
        given = os.environ.get("XDG_CONFIG_HOME", "")
        if not given.startswith("/"):
            return usual
        chosen = Path(given, "systemd/user")
        try:
            shown = ask(*self._control, "show", "--property=UnitPath", "--value").out
        except CostdError:
            return chosen
        return chosen if not shown or str(chosen) in shown.split() else usual

    def _wanted(self) -> str:
        if self._is_system:
            text = units.system_unit(self._plan, self._unit.stem)
        else:
            text = units.service_unit(
                self._plan, sandbox=self._sandbox, socket=self._with_socket
            )
        return units.signed(text, self._made())

    def _wanted_socket(self) -> str:
        return units.signed(units.socket_unit(self._plan), [])

    def _made(self) -> list[Path]:
        """The directories above the unit that costd makes or has made."""
        text = read(self._unit)
        if text is not None and units.is_ours(text):
            return units.made_for(text)
        return missing_above(self._unit)

    def _state(self, path: Path, wanted: str) -> File:
        text = read(path)
        ours = text is not None and units.is_ours(text)
        return File(str(path), file_state(text, wanted, ours=ours))

    def _refuse_foreign(self, *, force: bool) -> None:
        foreign = [file.path for file in self.files() if file.state == FOREIGN]
        if foreign and not force:
            raise CostdError(
                f"{foreign[0]} was not written by costd",
                "Move it away, or replace it: costd service install --force",
            )

    def _reach(self, steps: Steps) -> None:
        """Refuse before anything is written when there is no manager to tell.

        Raises:
            CostdError: nobody answers, and what to do.
        """
        if steps.dry:
            return
        done = ask(*self._control, "show", "--property=UnitPath", "--value")
        if not done.code:
            self._refuse_unseen(done.out)
            return
        said = (done.err.strip() or done.out.strip() or "no answer").splitlines()[0]
        if self._is_system:
            raise CostdError(f"systemd does not answer: {said}", "Is it running?")
        fix = "Log in as this user, not by su or sudo, and try again."
        if not os.environ.get("XDG_RUNTIME_DIR"):
            fix = "Try: export XDG_RUNTIME_DIR=/run/user/$(id -u). Or log in as this user, not by su."
        raise CostdError(
            f"this session has no systemd of its own: {said}",
            f"{fix} For a machine where nobody logs in: costd service install --system",
        )

    def _refuse_unseen(self, places: str) -> None:
        """A unit that is written where the manager does not look is none.

        Raises:
            CostdError: this shell has another home than its user.
        """
        folder, is_told = self._unit.parent, "/systemd/user" in places
        if is_told and not self._is_system and str(folder) not in places:
            raise CostdError(
                f"this user's systemd does not look for units in {folder}",
                f"HOME is {self._plan.home} here. Log in as the user, and try again.",
            )

    def _require(self) -> None:
        if not is_installed(self.files()[:1]):
            raise CostdError(
                f"costd is no service here: there is no {self._unit}",
                f"costd service install{self.options}",
            )

    def _begin(self, steps: Steps, verb: str) -> None:
        # After a crash loop systemd refuses a start until it is told to forget.
        names = [self.name, *(["costd.socket"] if self._with_socket else [])]
        if not steps.dry and self.seen().active == "failed":
            steps.run(*self._control, "reset-failed", self.name, may_fail=True)
        if verb == "restart" and self._with_socket:
            # A socket cannot be bound under a service that runs.
            steps.run(*self._control, "stop", *names, fix=self._look)
            verb = "start"
        names.reverse()
        if not steps.run(*self._control, verb, *names, may_fail=True):
            raise self._failure(verb)

    def _failure(self, verb: str) -> CostdError:
        seen = self.seen()
        if str(seen.exit_code) in _SANDBOX_FAILED:
            return CostdError(
                "systemd could not set up the sandbox of the unit: this system lets its"
                " users make no namespaces",
                "Do without: costd service install --no-sandbox",
            )
        return CostdError(
            f"systemd could not {verb} {self.name}: {explain(seen)}",
            "costd config check" if seen.exit_code in {2, 78} else self._look,
        )

    def _disable(self, steps: Steps, paths: list[Path]) -> None:
        names = [path.name for path in paths]
        steps.run(*self._control, "disable", "--now", *names, may_fail=True)
        for path in paths:
            steps.remove(path)


def explain(seen: Seen) -> str:
    """Why a unit does not run, in words."""
    known = {
        2: "its configuration or command line makes no sense",
        64: "its command line makes no sense",
        65: "its ledger was written by a newer costd",
        75: "another costd runs already",
        78: "its configuration cannot be used",
    }
    if seen.exit_code in known:
        return known[seen.exit_code]
    if seen.result == "start-limit-hit":
        return "it failed too often in a row"
    code = f", exit code {seen.exit_code}" if seen.exit_code else ""
    return f"{seen.result or 'no reason given'}{code}"


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
