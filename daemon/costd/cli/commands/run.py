"""``costd run``: the daemon in the foreground."""

from __future__ import annotations

import os
import sys

import click

from costd.cli import output
from costd.cli.configuration import load
from costd.cli.options import example
from costd.config import Config
from costd.core.errors import AlreadyRunningError, ConfigError, NewerLedgerError

HELP = """The daemon, in the foreground, until Ctrl-C or SIGTERM.

On a terminal it shows a summary that is kept up to date; the log of what it does goes to
standard error. A service manager gets the log alone, and is told when costd is ready.
"""
# Who starts us sets one of these when nobody looks.
SUPERVISED = ("NOTIFY_SOCKET", "JOURNAL_STREAM", "INVOCATION_ID")


LABEL = "dev.costd"
EX_CONFIG, EX_DATAERR = 78, 65
"""sysexits.h: a service manager that knows them does not try again."""


@click.command(help=HELP, epilog=example("costd run", "costd run --no-live"))
@click.option(
    "--no-live", is_flag=True, help="No summary on the terminal, only the log."
)
@click.pass_obj
def command(config: str | None, no_live: bool) -> int:
    """Run the daemon."""
    try:
        return _run(config, no_live=no_live)
    except (ConfigError, AlreadyRunningError, NewerLedgerError) as error:
        if isinstance(error, ConfigError):
            error.exit_code = EX_CONFIG
        elif isinstance(error, NewerLedgerError):
            error.exit_code = EX_DATAERR
        if os.environ.get("XPC_SERVICE_NAME") == LABEL:
            # launchd starts again whatever ends badly, and nothing would be different.
            output.complain(error)
            return 0
        raise


def _run(config: str | None, *, no_live: bool) -> int:
    loaded = load(config)
    is_named = config or os.environ.get("COSTD_CONFIG")
    # Absolute by now: the daemon works in another directory.
    file = str(loaded.paths.config_file) if is_named else None
    # Here and not above: this is the only command that needs all of costd.
    from costd.service.daemon import run  # noqa: PLC0415 - as the line above says

    def again() -> Config:
        return load(file)

    if no_live or not somebody_looks():
        return run(loaded, loaded.paths, again)
    from costd.cli.watching import live_summary  # noqa: PLC0415 - it brings rich

    with live_summary(str(loaded.paths.state_dir)):
        return run(loaded, loaded.paths, again)


def somebody_looks() -> bool:
    """Whether standard output is a terminal that can be written on in place."""
    if any(os.environ.get(name) for name in SUPERVISED):
        return False
    return sys.stdout is not None and sys.stdout.isatty() and _can_move()


def _can_move() -> bool:
    return os.environ.get("TERM", "") not in {"", "dumb"}
