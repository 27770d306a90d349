"""``costd restore``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from costd.cli import output
from costd.cli.answers import open_daemon
from costd.cli.options import as_json, example, show_page
from costd.cli.render.keeping import holds, restore_page
from costd.core.errors import NoDaemonError, UsageError

HELP = """Put FILE, a backup or a snapshot, in the ledger's place.

FILE is looked at first: pages, indexes, rows and sums; it stays as it is. The present
ledger is kept beside it. A daemon that runs does it, and goes on with what FILE holds;
then the logs are read from where FILE had come to.
"""


@click.command(
    help=HELP, epilog=example("costd restore costd.db", "costd restore --yes costd.db")
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_obj
def command(config: str | None, file: Path, yes: bool, as_json: bool) -> int:
    """Put a backup in place."""
    from costd.cli.configuration import load  # noqa: PLC0415 - all of costd, with SQLite
    from costd.engine.custody import contents  # noqa: PLC0415 - for the same reason

    source = file.expanduser().absolute()
    found = contents(source)
    if not yes and not _may(source, found):
        output.warn("costd: nothing was changed.")
        return 1
    paths = load(config).paths
    paths.ensure()
    done = _restored(config, source)
    if as_json:
        output.write(json.dumps(done, separators=(",", ":")).encode() + b"\n")
    else:
        show_page(restore_page(done))
    return 0


def _may(file: Path, found: dict[str, Any]) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(
            f"{file} holds {holds(found)}; nobody is there to confirm",
            "Say --yes to put it in the ledger's place.",
        )
    click.echo(f"{file} holds {holds(found)}.", err=True)
    return click.confirm("Put it in the ledger's place?", default=False, err=True)


def _restored(config: str | None, source: Path) -> dict[str, Any]:
    """What was done, by the daemon or, where none runs, here."""
    from costd.cli.configuration import load  # noqa: PLC0415 - all of costd, with SQLite
    from costd.service.restoring import (  # noqa: PLC0415 - for the same reason
        restore,
        stage,
    )

    configuration = load(config)
    stage(configuration.paths, source)
    try:
        with open_daemon(config) as daemon:
            found: dict[str, Any] = json.loads(daemon.work("restore", {}))
            return found
    except NoDaemonError:
        return restore(configuration)
