"""Where costd keeps its things: the one place that asks platformdirs.

    state    ledger.db, spool/, costd.lock, daemon.json
    runtime  costd.sock
    output   the summary files

A daemon started by systemd and a command started by cron may see different
``XDG_RUNTIME_DIR``s and so compute different sockets. Two things keep them together:
the lock lives in the state directory, beside the ledger that it protects, and the
daemon writes the socket it really uses into ``daemon.json``, which clients read first.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from platformdirs import PlatformDirs

from costd.core.errors import ConfigError

SOCKET_NAME = "costd.sock"
# sun_path holds 108 bytes on Linux and 104 on the BSDs and macOS, with the final NUL.
SOCKET_LIMIT_BYTES = 107 if sys.platform.startswith("linux") else 103

_READ_BY_PLATFORMDIRS = (
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)


class Paths(Struct, frozen=True, kw_only=True):
    """Every place costd reads or writes of its own; nothing exists until ``ensure``."""

    state_dir: Path
    runtime_dir: Path
    output_dir: Path
    config_file: Path

    @property
    def ledger(self) -> Path:
        """The SQLite file."""
        return self.state_dir / "ledger.db"

    @property
    def spool(self) -> Path:
        """The directory for events that come while no daemon runs."""
        return self.state_dir / "spool"

    @property
    def lock(self) -> Path:
        """The single-instance lock.

        It is in the state directory and not in the runtime directory, because it
        protects the ledger: two shells with different ``XDG_RUNTIME_DIR``s must not
        be able to run two daemons on one ledger.
        """
        return self.state_dir / "costd.lock"

    @property
    def daemon_file(self) -> Path:
        """What the running daemon says about itself: socket, pid, version."""
        return self.state_dir / "daemon.json"

    @property
    def socket(self) -> Path:
        """The Unix socket.

        Raises:
            ConfigError: the path is longer than a socket's path may be here. Only
                those who need the socket meet this, so ``costd config set`` still works.
        """
        path = self.runtime_dir / SOCKET_NAME
        size = len(os.fsencode(path))
        if size > SOCKET_LIMIT_BYTES:
            raise ConfigError(
                f"the socket path {path} has {size} bytes;"
                f" this platform allows {SOCKET_LIMIT_BYTES}",
                "Set a shorter [paths] runtime_dir, or COSTD_RUNTIME_DIR.",
            )
        return path

    def ensure(self) -> None:
        """Create the directories, private to this user.

        Raises:
            ConfigError: one cannot be created, belongs to somebody else, or lets
                others write; the message names the setting that moves it.
        """
        for path, setting in (
            (self.state_dir, "state_dir"),
            (self.spool, "state_dir"),
            (self.runtime_dir, "runtime_dir"),
            (self.output_dir, "output_dir"),
        ):
            _make_private(path, setting)
            _refuse_foreign(path, setting)


def locate(
    environ: Mapping[str, str],
    home: Path,
    *,
    config_file: Path,
    state_dir: Path | None = None,
    runtime_dir: Path | None = None,
    output_dir: Path | None = None,
) -> Paths:
    """The places in use: the given ones, and the platform's for those left out.

    Args:
        environ: the environment, for the ``XDG_…`` variables.
        home: the user's home directory.
        config_file: the configuration in use, or where it would be.
        state_dir: from ``COSTD_STATE_DIR`` or the configuration.
        runtime_dir: from ``COSTD_RUNTIME_DIR`` or the configuration.
        output_dir: from ``COSTD_OUTPUT_DIR`` or the configuration.

    Raises:
        ConfigError: there is no absolute home directory to start from.
    """
    with _platform(environ, home) as dirs:
        state = state_dir or Path(dirs.user_state_dir)
        return Paths(
            state_dir=state,
            runtime_dir=runtime_dir or _runtime_dir(dirs, state),
            output_dir=output_dir or Path(dirs.user_data_dir),
            config_file=config_file,
        )


def default_config_file(environ: Mapping[str, str], home: Path) -> Path:
    """Where the configuration is when nobody says otherwise.

    Raises:
        ConfigError: there is no absolute home directory to start from.
    """
    with _platform(environ, home) as dirs:
        return Path(dirs.user_config_dir) / "config.toml"


@contextmanager
def _platform(environ: Mapping[str, str], home: Path) -> Iterator[PlatformDirs]:
    """Platformdirs as it would answer in ``environ``.

    It reads nothing but the process's own environment, so what differs from that is
    lent to it for the length of the question. In the daemon nothing differs.
    """
    wanted = {name: environ.get(name) for name in _READ_BY_PLATFORMDIRS}
    wanted["HOME"] = str(home)
    own = {name: os.environ.get(name) for name in wanted}
    lent = {name for name in wanted if wanted[name] != own[name]}
    try:
        _set_environment({name: wanted[name] for name in lent})
        yield PlatformDirs("costd")
    except RuntimeError as error:
        # platformdirs' way of saying that HOME is not an absolute path
        raise ConfigError(str(error), "Set HOME to an absolute path.") from error
    finally:
        _set_environment({name: own[name] for name in lent})


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _runtime_dir(dirs: PlatformDirs, state_dir: Path) -> Path:
    """The platform's runtime directory, or ``<state>/run`` where it has none.

    Without ``XDG_RUNTIME_DIR`` and ``/run/user/<uid>`` platformdirs warns and falls
    back to a name in the temporary directory that any user can take first; the state
    directory is ours alone and every command finds it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            path = Path(dirs.user_runtime_dir)
        except (
            OSError
        ):  # its check of the fall-back failed, which we do not want anyway
            return _short_enough(state_dir)
    if path.parent.name == f"runtime-{os.geteuid()}":
        return _short_enough(state_dir)
    return path


def _short_enough(state_dir: Path) -> Path:
    """``run`` in the state directory; for a socket too deep there, one in /tmp.

    Others can see its name and take it first, which ``ensure`` refuses; but only a home
    of a hundred characters leads here, and commands find the socket by ``daemon.json``.
    """
    usual = state_dir / "run"
    if len(os.fsencode(usual / SOCKET_NAME)) <= SOCKET_LIMIT_BYTES:
        return usual
    name = hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:8]
    return Path("/tmp", f"costd-{os.geteuid()}-{name}")  # noqa: S108 - owner and mode are checked


def _make_private(path: Path, setting: str) -> None:
    missing = [path, *path.parents]
    try:
        while missing and missing[-1].exists():
            missing.pop()
        for directory in reversed(missing):
            directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot create {path}: {error.strerror}",
            f"Make room for it, or set {_named(setting)}.",
        ) from error


def _refuse_foreign(path: Path, setting: str) -> None:
    # A link in a directory where everybody can make one leads wherever they want.
    is_shared = stat.S_IMODE(path.parent.stat().st_mode) & stat.S_IWOTH
    status = path.lstat() if is_shared else path.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise ConfigError(f"{path} is not a directory", f"Set {_named(setting)}.")
    if status.st_uid != os.geteuid():
        raise ConfigError(
            f"{path} belongs to uid {status.st_uid}, and costd runs as"
            f" uid {os.geteuid()}",
            f"Run costd as its owner, or set {_named(setting)}.",
        )
    # Summary files may lie in a directory that a group shares; the ledger may not.
    if setting != "output_dir" and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(
            f"{path} can be written by others (mode {stat.S_IMODE(status.st_mode):04o})",
            f"chmod go-w {path}",
        )


def _named(setting: str) -> str:
    return f"[paths] {setting} or COSTD_{setting.upper()}"
