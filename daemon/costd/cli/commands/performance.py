"""``costd performance``."""

from __future__ import annotations

from typing import Any

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show, span
from costd.cli.render.performance import performance_page
from costd.cli.selectors import present


@click.command(
    help="How tasks go: how many went well, how long they took, by day; what goes wrong,\n"
    "by its kind; the slowest ones. Without dates, of the last thirty days.",
    epilog=example("costd performance", "costd performance --since 7d --json"),
)
@span
@as_json
@click.pass_obj
def command(config: str | None, /, as_json: bool, **params: Any) -> None:
    """The figures."""
    with open_answers(config) as answers:
        body = answers.body("performance", present(params))
    show(body, performance_page, is_json=as_json)
