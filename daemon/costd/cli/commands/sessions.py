"""``costd sessions``."""

from __future__ import annotations

from typing import Any

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, filters, given, show, span
from costd.cli.render.sessions import sessions_page

MOST = 1_000_000


@click.command(
    help="Sessions, the latest first.",
    epilog=example(
        "costd sessions --since 1d", "costd sessions --issue MIN-123 --limit 0 --json"
    ),
)
@span
@filters
@click.option(
    "--limit",
    type=click.IntRange(0, MOST),
    default=50,
    show_default=True,
    help="How many; 0 for all.",
)
@as_json
@click.pass_obj
def command(config: str | None, /, as_json: bool, **params: Any) -> None:
    """The list of sessions."""
    with open_answers(config) as answers:
        body = answers.body("sessions", given(params))
    show(body, sessions_page, is_json=as_json)
