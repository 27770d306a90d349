"""What a service file has to say about this installation: values, no files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from costd.config import Config, claude_roots, codex_roots
from costd.paths import SOCKET_NAME

CARRIED = (
    "COSTD_CONFIG",
    "COSTD_STATE_DIR",
    "COSTD_RUNTIME_DIR",
    "COSTD_OUTPUT_DIR",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_DATA_HOME",
)
"""Variables that decide where costd looks. A service manager does not have those of a
shell, so the service would look elsewhere than the commands typed there."""

_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - names them, uses neither


class Plan(NamedTuple):
    """One service, as it is to be.

    Attributes:
        command: what is run, its program absolute.
        environment: the variables it gets.
        home: the user's home directory.
        user: the user's name.
        made: directories that are made before each start.
        writable: directories it may write to besides those.
        runtime: the directory of the socket, where somebody chose one; else the
            service has the one that its manager makes.
        config: the configuration, whether it is there or not.
        sees_temporary: whether something it needs lies in a temporary directory,
            which a sandbox would hide from it.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    home: Path
    user: str
    made: tuple[Path, ...]
    writable: tuple[Path, ...]
    runtime: Path | None
    config: Path
    sees_temporary: bool

    @property
    def socket(self) -> str:
        """The socket's path; ``%t`` is systemd's for the runtime directory."""
        return f"{self.runtime or '%t/costd'}/{SOCKET_NAME}"


def plan_of(
    config: Config,
    environ: Mapping[str, str],
    home: Path,
    *,
    user: str,
    program: tuple[str, ...],
    config_option: str | None = None,
) -> Plan:
    """The service for a configuration.

    Args:
        config: as it is in effect.
        environ: the environment that is carried over.
        home: of the user who runs it.
        user: that user's name.
        program: the words that run costd.
        config_option: the file that ``--config`` names.
    """
    paths = config.paths
    words = ("--config", os.path.abspath(config_option)) if config_option else ()  # noqa: PTH100 - resolves no link
    is_chosen = "paths.runtime_dir" in config.origins
    runtime = paths.runtime_dir if is_chosen else None
    roots = (
        *claude_roots(config.sources.claude, environ, home),
        *codex_roots(config.sources.codex, environ, home),
    )
    made = [paths.state_dir, paths.output_dir]
    if runtime is not None and runtime.parent != paths.state_dir:
        made.append(runtime)
    needed = [Path(program[0]), *made, *config.output.mirror_dirs, *map(Path, roots)]
    return Plan(
        command=(*program, *words, "run"),
        environment={n: environ[n] for n in CARRIED if environ.get(n)},
        home=home,
        user=user,
        made=tuple(dict.fromkeys(made)),
        writable=tuple(config.output.mirror_dirs),
        runtime=runtime,
        config=paths.config_file,
        sees_temporary=_in_temporary([*needed, paths.config_file, Path(sys.prefix)]),
    )


def program_of(argv0: str, prefix: str, executable: str) -> tuple[str, ...]:
    """The words that run this very costd, from anywhere and after a reboot.

    Args:
        argv0: how this process was called.
        prefix: of the Python installation or environment.
        executable: the interpreter.
    """
    called = Path(argv0)
    for script in (called, Path(prefix) / "bin" / "costd"):
        if script.is_absolute() and script.name == "costd" and _is_program(script):
            return (str(script),)
    # -P: whatever lies in the working directory is not imported.
    return (executable, "-P", "-m", "costd")


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _in_temporary(paths: Iterable[Path]) -> bool:
    every = {p for path in paths for p in (path.absolute(), path.resolve())}
    return any(path.is_relative_to(top) for path in every for top in _TEMPORARY)
