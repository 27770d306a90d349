"""Where Claude Code's settings are, and how a hook in them calls this program."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import sys
from pathlib import Path

from costd.cli.configuration import home
from costd.core.errors import ConfigError
from costd.publish.files import write_atomic

_MOST_BYTES = 4 << 20


def place(file: str | None) -> Path:
    """The settings: those that are named, else those of the user."""
    if file is not None:
        return Path(file).expanduser().absolute()
    moved = os.environ.get("CLAUDE_CONFIG_DIR")
    return (Path(moved) if moved else home() / ".claude") / "settings.json"


def read(path: Path) -> str:
    """Its text; empty where there is none.

    Raises:
        ConfigError: it cannot be read, or is no text.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ConfigError(f"{path} is too long for settings", "Look what it holds.")
        return data.decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8", "Mend the file first.") from None
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}", "Name another: --settings PATH"
        ) from None


def write(path: Path, text: str) -> None:
    """Replace the file at once; its mode stays, and so does a symlink to it.

    Raises:
        CostdError: it cannot be written; the old one is still there.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}", "") from None
    write_atomic(path, text.encode(), mode=mode)


def our_command() -> str:
    """How a shell calls this very program, wherever its PATH leads."""
    own = Path(sys.argv[0])
    if own.name == "costd" and own.is_file():
        return f"{shlex.quote(str(own.absolute()))} hook"
    installed = shutil.which("costd")
    if installed is not None:
        return f"{shlex.quote(installed)} hook"
    return f"{shlex.quote(sys.executable)} -m costd hook"


def exists(command: str) -> bool:
    """Whether the program that a hook calls is there."""
    words = [w for w in shlex.split(command) if "=" not in w.partition("/")[0]]
    return bool(words) and shutil.which(words[0]) is not None
