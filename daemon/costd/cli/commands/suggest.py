"""``costd suggest``."""

from __future__ import annotations

from typing import Any

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show, span
from costd.cli.render.suggest import applied_page, suggest_page
from costd.cli.selectors import present

HELP = """What could be linked: branches and directories whose names look like an issue,
but not surely enough to count, and sessions of which the rest is for one issue, whose
first prompt holds the address of one issue, or that name one pull request.

--apply makes a claim of each that is not ambiguous; costd unlink takes one back.
"""


@click.command(
    help=HELP,
    epilog=example("costd suggest --since 30d", "costd suggest --apply"),
)
@span
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="How many are shown; 0 for all.",
)
@click.option("--apply", "is_applied", is_flag=True, help="Link all that is clear.")
@as_json
@click.pass_obj
def command(
    config: str | None,
    /,
    as_json: bool,
    is_applied: bool,
    limit: int,
    **params: Any,
) -> None:
    """What could be linked."""
    asked = present(params)
    with open_answers(config) as answers:
        if is_applied:
            body = answers.body("link_suggested", asked)
        else:
            body = answers.body("suggest", {**asked, "limit": limit})
    show(body, applied_page if is_applied else suggest_page, is_json=as_json)
