"""``costd verify``."""

from __future__ import annotations

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show
from costd.cli.render.checks import verify_page

HELP = """Read every log that is still there again, from nothing, and compare with the
ledger, response by response. Nothing is changed.

Exit code 1 when they differ. It takes as long as a first import.
"""


@click.command(help=HELP, epilog=example("costd verify"))
@as_json
@click.pass_obj
def command(config: str | None, as_json: bool) -> int:
    """Compare the ledger with the logs."""
    with open_answers(config) as answers:
        body = answers.work("verify", {})
    found = show(body, verify_page, is_json=as_json)
    return 0 if found.get("ok") else 1
