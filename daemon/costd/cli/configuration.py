"""The configuration for a command: from ``--config``, the variable or its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path

from costd.cli import finder
from costd.config import Config, load_config
from costd.core.errors import (
    AlreadyRunningError,
    ConfigError,
    CostdError,
    NoDaemonError,
)
from costd.engine import headstart
from costd.paths import Paths, default_config_file

Ask = Callable[[str, dict[str, object]], "Future[object]"]


def load(config_file: str | None) -> Config:
    """The configuration in effect.

    Raises:
        ConfigError: everything that is wrong with it.
    """
    return load_config(Path(config_file) if config_file else None, os.environ, home())


def file_in_use(config_file: str | None) -> Path:
    """The file that ``load`` reads, whether it exists or not.

    Raises:
        ConfigError: there is no home directory.
    """
    given = config_file or os.environ.get("COSTD_CONFIG")
    if given:
        return Path(given).expanduser().absolute()
    return default_config_file(os.environ, home())


def home() -> Path:
    """The home directory.

    Raises:
        ConfigError: nobody says which it is.
    """
    try:
        return Path.home()
    except RuntimeError:
        raise ConfigError(
            "there is no home directory", "Set HOME to an absolute path."
        ) from None


def sockets(paths: Paths) -> Iterator[str]:
    """Where a daemon may answer: what it says itself first, then its usual place."""
    said = finder.socket_path(str(paths.state_dir))
    if said is not None:
        yield said
    try:
        usual = str(paths.socket)
    except ConfigError:  # too long for a socket, so no daemon can be there
        return
    if usual != said:
        yield usual


@contextmanager
def engine(config: Config) -> Iterator[Ask]:
    """The engine, hosted in this process.

    Raises:
        AlreadyRunningError: somebody else has the ledger.
        NoDaemonError: it cannot be hosted.
    """
    with ExitStack() as stack:
        if not config.paths.ledger.exists():
            stack.callback(headstart.end)
            headstart.begin(config.engine.max_line_bytes)
        from costd.service.host import hosted  # noqa: PLC0415 - all of costd, with SQLite

        try:
            ask = stack.enter_context(hosted(config, config.paths))
        except (AlreadyRunningError, ConfigError):
            raise
        except CostdError as error:
            raise NoDaemonError(error.message, error.fix) from error
        yield ask
