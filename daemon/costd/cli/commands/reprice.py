"""``costd reprice``."""

from __future__ import annotations

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show
from costd.cli.render.prices import reprice_page

HELP = """Price every response again by the rate card of today.

For when prices were added or corrected: what was unpriced gets its cost, and each
response still the price that its own date has.
"""


@click.command(help=HELP, epilog=example("costd reprice --dry-run", "costd reprice"))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@as_json
@click.pass_obj
def command(config: str | None, dry_run: bool, as_json: bool) -> None:
    """Price again."""
    with open_answers(config, fresh=False) as answers:
        body = answers.work("reprice", {"dry_run": dry_run})
    show(body, lambda done: reprice_page(done, dry_run=dry_run), is_json=as_json)
