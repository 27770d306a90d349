"""``costd runtimes``."""

from __future__ import annotations

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show
from costd.cli.render.runtimes import runtimes_page


@click.command(
    help="Runtimes (claude, codex, …) compared: tasks, success rate, time, cost, and the\n"
    "cost of a success. A task is a run, or a session that is in none.",
    epilog=example("costd runtimes", "costd runtimes --json | jq .runtimes.claude"),
)
@as_json
@click.pass_obj
def command(config: str | None, as_json: bool) -> None:
    """The comparison."""
    with open_answers(config) as answers:
        body = answers.body("runtimes", {})
    show(body, runtimes_page, is_json=as_json)
