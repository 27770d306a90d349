"""Files written and commands run, each told; or only told, for a look beforehand."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from costd.core.errors import CostdError

COMMAND_SECONDS = 180.0
"""A start waits until the daemon is ready, which a large ledger's migration delays."""


PAUSE_SECONDS = 0.5


class Step(NamedTuple):
    """One thing that was done: ``wrote``, ``kept``, ``removed`` or ``ran``."""

    did: str
    what: str


class Steps:
    """Does things and remembers what it did.

    Args:
        dry: nothing is done, only remembered.
    """

    def __init__(self, *, dry: bool = False) -> None:
        self.dry = dry
        self.done: list[Step] = []
        self.notes: list[str] = []

    @property
    def has_changed(self) -> bool:
        """Whether a file is not as it was."""
        return any(step.did in {"wrote", "removed"} for step in self.done)

    def write(self, path: Path, text: str) -> bool:
        """Have ``path`` hold ``text``; whether it did not before.

        Raises:
            CostdError: it cannot be written.
        """
        if read(path) == text:
            self.done.append(Step("kept", str(path)))
            return False
        if not self.dry:
            temporary = path.with_name(f".{path.name}.new")
            try:
                path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                temporary.write_text(text, encoding="utf-8")
                temporary.chmod(0o644)
                temporary.replace(path)
            except OSError as error:
                temporary.unlink(missing_ok=True)
                raise CostdError(
                    f"cannot write {path}: {error.strerror}", "Make it writable."
                ) from None
        self.done.append(Step("wrote", str(path)))
        return True

    def remove(self, path: Path) -> None:
        """Have ``path`` gone.

        Raises:
            CostdError: it cannot be removed.
        """
        if not self.dry:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise CostdError(
                    f"cannot remove {path}: {error.strerror}", "Remove it by hand."
                ) from None
        self.done.append(Step("removed", str(path)))

    def remove_empty(self, folders: list[Path]) -> None:
        """Have the directories gone that hold nothing, the innermost first."""
        for folder in sorted(folders, key=lambda f: -len(f.parts)):
            try:
                is_empty = not any(folder.iterdir())
                if is_empty and not self.dry:
                    folder.rmdir()
            except OSError:
                continue
            if is_empty:
                self.done.append(Step("removed", str(folder)))

    def run(
        self,
        *words: str,
        fix: str = "",
        may_fail: bool = False,
        tries: int = 1,
        pause: Callable[[float], None] = time.sleep,
    ) -> bool:
        """Run a command; whether it went well.

        Args:
            words: the command.
            fix: what to do when it fails.
            may_fail: whether that is no error.
            tries: how often it is run until it goes well.
            pause: waits so many seconds in between.

        Raises:
            CostdError: it failed, with what it said.
        """
        self.done.append(Step("ran", shlex.join(words)))
        if self.dry:
            return True
        done = ask(*words)
        while done.code and (tries := tries - 1) > 0:
            pause(PAUSE_SECONDS)
            done = ask(*words)
        if done.code and not may_fail:
            said = done.err.strip().splitlines()
            reason = f": {said[0]}" if said else f" (exit code {done.code})"
            raise CostdError(f"{shlex.join(words)} failed{reason}", fix)
        return not done.code


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str


def ask(*words: str, seconds: float = COMMAND_SECONDS) -> Answer:
    """Run a command that belongs to the service manager.

    Raises:
        CostdError: there is no such command, or it hangs.
    """
    try:
        done = subprocess.run(  # noqa: S603 - words, no shell; the names are constants
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=seconds,
            # What it prints is read by us: no pager, no colours, no other language.
            env={
                **os.environ,
                "LC_ALL": "C",
                "SYSTEMD_PAGER": "",
                "SYSTEMD_COLORS": "0",
            },
        )
    except FileNotFoundError:
        raise CostdError(
            f"there is no {words[0]} here, so costd cannot be a service of this system",
            "Have whatever starts your programs run `costd run`; it stays in front.",
        ) from None
    except subprocess.TimeoutExpired:
        raise CostdError(
            f"{shlex.join(words)} did not end within {seconds:.0f} seconds",
            "Look at: costd service logs",
        ) from None
    return Answer(
        done.returncode,
        done.stdout.decode("utf-8", "replace"),
        done.stderr.decode("utf-8", "replace"),
    )


def read(path: Path) -> str | None:
    """The text of a file; None where there is none that can be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def missing_above(path: Path) -> list[Path]:
    """The directories that have to be made for ``path``."""
    return [folder for folder in path.parents if not folder.exists()]
