"""``costd claims``."""

from __future__ import annotations

from typing import Any

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show, span
from costd.cli.render.claims import claims_page
from costd.cli.selectors import present


@click.command(
    help="Who said whose which work is; the latest first.",
    epilog=example("costd claims", "costd claims --issue MIN-123 --all --json"),
)
@click.option("--issue", metavar="ID", help="Only claims for this issue.")
@click.option("--all", is_flag=True, help="Also those that were taken back.")
@span
@click.option("--limit", type=click.IntRange(0), help="How many; 0 for all.")
@as_json
@click.pass_obj
def command(config: str | None, /, as_json: bool, **params: Any) -> None:
    """The list of claims."""
    asked = {n: v for n, v in present(params).items() if v is not False}
    with open_answers(config, fresh=False) as answers:
        body = answers.body("claims", asked)
    show(body, claims_page, is_json=as_json)
