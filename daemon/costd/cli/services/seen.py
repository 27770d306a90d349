"""What a service manager says of costd, whichever it is. Values only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

from costd.cli.services.steps import Steps

CURRENT, OUTDATED, FOREIGN, MISSING = "current", "outdated", "foreign", "missing"


class File(NamedTuple):
    """A service file: where, and whether it says what it should.

    ``current``, ``outdated`` (costd would write it otherwise today), ``foreign`` (costd
    has not written it) or ``missing``.
    """

    path: str
    state: str


class Seen(NamedTuple):
    """The service as its manager sees it; None is what cannot be known.

    Attributes:
        active: ``active``, ``activating``, ``inactive``, ``failed``, ….
        says: what costd itself told the manager last.
        enabled: whether it starts by itself.
        pid: of the daemon.
        restarts: how often the manager has restarted it.
        exit_code: of the last end.
        result: why it ended, in the manager's words.
        since: when it came to be so, in the manager's words.
    """

    active: str | None = None
    says: str | None = None
    enabled: bool | None = None
    pid: int | None = None
    restarts: int | None = None
    exit_code: int | None = None
    result: str | None = None
    since: str | None = None


class Service(Protocol):
    """costd as one service manager has it."""

    manager: str
    scope: str
    name: str
    options: str
    """What a command line needs to mean this one, with a blank before it."""

    @property
    def kept(self) -> str:
        """Where the ledger is, which no uninstall touches."""
        ...

    @property
    def hides_agents(self) -> bool:
        """Whether costd cannot see the environment of running agents from there."""
        ...

    def texts(self) -> dict[str, str]:
        """The service files as they should be, by their paths."""
        ...

    def files(self) -> list[File]:
        """The service files and how they stand."""
        ...

    def seen(self) -> Seen:
        """How the manager sees it."""
        ...

    def install(self, steps: Steps, *, force: bool, start: bool) -> None:
        """Have it there, enabled, and running where that is wanted."""
        ...

    def uninstall(self, steps: Steps) -> None:
        """Have it gone, with all that was made for it and nothing else."""
        ...

    def start(self, steps: Steps) -> None:
        """Have it run."""
        ...

    def stop(self, steps: Steps) -> None:
        """Have it stopped until the next start."""
        ...

    def restart(self, steps: Steps) -> None:
        """Have it begin anew."""
        ...

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        """The command that shows its log."""
        ...

    def lingers(self) -> bool | None:
        """Whether it goes on when the user logs out; None where that is no question."""
        ...


def is_installed(files: list[File]) -> bool:
    """Whether there is a service file, whoever wrote it."""
    return any(file.state != MISSING for file in files)


def file_state(text: str | None, wanted: str, *, ours: bool) -> str:
    """How a file stands that should say ``wanted``."""
    if text is None:
        return MISSING
    if not ours:
        return FOREIGN
    return CURRENT if text == wanted else OUTDATED


def as_json(files: list[File]) -> list[dict[str, Any]]:
    """Files as an answer has them."""
    return [file._asdict() for file in files]


def lingers(user: str) -> bool:
    """Whether systemd keeps this user's services when nobody is logged in."""
    return Path("/var/lib/systemd/linger", user).exists()
