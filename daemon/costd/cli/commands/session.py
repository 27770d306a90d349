"""``costd session``."""

from __future__ import annotations

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show
from costd.cli.render.sessions import session_page


@click.command(
    help="One session in full: cost by model, subagent, branch and day; its logs.\n\n"
    "ID is its id, or the beginning of it.",
    epilog=example("costd session 1a2b3c4d"),
)
@click.argument("session_id", metavar="ID")
@as_json
@click.pass_obj
def command(config: str | None, session_id: str, as_json: bool) -> None:
    """One session."""
    with open_answers(config) as answers:
        body = answers.body("session", {"id": session_id})
    show(body, session_page, is_json=as_json)
