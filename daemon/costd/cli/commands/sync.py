"""``costd sync``."""

from __future__ import annotations

import click

from costd.cli import health
from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show
from costd.cli.render.checks import sync_page

HELP = """Read what is new in the logs, now, and exit when the ledger has it.

Through the daemon when one runs. Ctrl-C loses nothing: what was read stays.
"""


@click.command(help=HELP, epilog=example("costd sync", "costd sync --json"))
@as_json
@click.pass_obj
def command(config: str | None, as_json: bool) -> int:
    """Catch up."""
    with open_answers(config, fresh=False) as answers:
        body = answers.work("sync", {})
        said = body if b'"health":' in body else answers.body("status", {})
    show(body, sync_page, is_json=as_json)
    return health.report(said)
