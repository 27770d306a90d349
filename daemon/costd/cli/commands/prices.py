"""``costd prices``."""

from __future__ import annotations

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show
from costd.cli.render.prices import prices_page

HELP = """The rate card: list prices in USD per million tokens, with their dates.

A response keeps the price of its day. Your own rates go into [prices.overrides], other
names of a model into [prices.aliases].
"""


@click.command(
    help=HELP, epilog=example("costd prices claude-opus-5", "costd prices --json")
)
@click.argument("model", required=False)
@as_json
@click.pass_obj
def command(config: str | None, model: str | None, as_json: bool) -> None:
    """The rate card, or one model's rows."""
    with open_answers(config, fresh=False) as answers:
        body = answers.body("prices", {"model": model} if model else {})
    show(body, prices_page, is_json=as_json)
