"""``costd issues``."""

from __future__ import annotations

from typing import Any

import click

from costd.cli import health
from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, filters, given, show, span
from costd.cli.render.issues import issues_page


@click.command(
    help="Issues and what they cost, the dearest first; and what no issue owns, with the\n"
    "reason. Both together are the total, to the nano-dollar.",
    epilog=example(
        "costd issues --since 7d", "costd issues --role review --limit 0 --json"
    ),
)
@span
@filters
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="How many; 0 for all.",
)
@as_json
@click.pass_obj
def command(config: str | None, /, as_json: bool, **params: Any) -> int:
    """The list of issues."""
    with open_answers(config) as answers:
        status = answers.body("status", {})
        body = answers.body("issues", given(params))
    show(body, issues_page, is_json=as_json)
    return health.report(status)
