"""``costd unlink``."""

from __future__ import annotations

from typing import Any

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show
from costd.cli.render.claims import unlink_page
from costd.cli.selectors import SAID_HERE, chosen, present, selectors
from costd.core.errors import UsageError

HELP = """Take a claim back, by its number or by what it selects: it then never held.

The money goes to whom it belongs without it. The claim stays in the list of costd claims
--all, with the time when it was taken back.
"""


@click.command(
    help=HELP,
    epilog=example("costd unlink 12", "costd unlink --session 1a2b3c4d --dry-run"),
)
@click.argument("number", metavar="[NUMBER]", required=False, type=click.IntRange(1))
@selectors
@click.option("--issue", metavar="ID", help="Only claims for this issue.")
@click.option("--dry-run", is_flag=True, help="Only say what would move.")
@as_json
@click.pass_obj
def command(
    config: str | None,
    /,
    number: int | None,
    as_json: bool,
    dry_run: bool,
    **params: Any,
) -> None:
    """Revoke claims."""
    if number is not None and any(params.values()):
        raise UsageError("a number says it all", "Leave the other options out.")
    asked = {"id": number} if number is not None else present(chosen(params, {}))
    with open_answers(config, fresh=False) as answers:
        body = answers.body("unlink", {**asked, **SAID_HERE, "dry_run": dry_run})
    show(body, unlink_page, is_json=as_json)
