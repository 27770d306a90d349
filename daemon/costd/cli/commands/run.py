"""``costd run``: the daemon in the foreground."""

from __future__ import annotations

import os
import sys

import click

from costd.cli.configuration import load
from costd.cli.options import example

HELP = """The daemon, in the foreground, until Ctrl-C or SIGTERM.

On a terminal it shows a summary that is kept up to date; the log of what it does goes to
standard error. A service manager gets the log alone, and is told when costd is ready.
"""
# Who starts us sets one of these when nobody looks.
SUPERVISED = ("NOTIFY_SOCKET", "JOURNAL_STREAM", "INVOCATION_ID")


@click.command(help=HELP, epilog=example("costd run", "costd run --no-live"))
@click.option(
    "--no-live", is_flag=True, help="No summary on the terminal, only the log."
)
@click.pass_obj
def command(config: str | None, no_live: bool) -> int:
    """Run the daemon."""
    loaded = load(config)
    # Here and not above: this is the only command that needs all of costd.
    from costd.service.daemon import run  # noqa: PLC0415 - as the line above says

    if no_live or not somebody_looks():
        return run(loaded, loaded.paths)
    from costd.cli.watching import live_summary  # noqa: PLC0415 - it brings rich

    with live_summary(str(loaded.paths.state_dir)):
        return run(loaded, loaded.paths)


def somebody_looks() -> bool:
    """Whether standard output is a terminal that can be written on in place."""
    if any(os.environ.get(name) for name in SUPERVISED):
        return False
    return sys.stdout is not None and sys.stdout.isatty() and _can_move()


def _can_move() -> bool:
    return os.environ.get("TERM", "") not in {"", "dumb"}
