"""``costd explain``."""

from __future__ import annotations

import click

from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show
from costd.cli.render.explain import explain_page
from costd.core.errors import UsageError

HELP = """Why: the price of a response with its row, or the owner of a branch or session
with the rule and the evidence.
"""


@click.command(
    help=HELP,
    epilog=example(
        "costd explain --response msg_01AbCdEf",
        "costd explain --branch feature/min-123 --cwd ~/code/app",
        "costd explain --session 1a2b3c4d",
    ),
)
@click.option("--response", metavar="ID", help="A response, by its message id.")
@click.option("--session", metavar="ID", help="A session, by its id or its beginning.")
@click.option("--branch", metavar="NAME", help="A branch.")
@click.option("--cwd", metavar="DIR", help="With --branch: the directory.")
@click.option("--repo", metavar="OWNER/NAME", help="With --branch: the repository.")
@as_json
@click.pass_obj
def command(config: str | None, /, as_json: bool, **params: str | None) -> None:
    """Why a response costs that, or who owns a place."""
    asked: dict[str, object] = {
        name: value for name, value in params.items() if value is not None
    }
    _require_one(asked)
    with open_answers(config, fresh="branch" not in asked) as answers:
        body = answers.body("explain", asked)
    show(body, explain_page, is_json=as_json)


def _require_one(asked: dict[str, object]) -> None:
    kinds = [name for name in ("response", "session", "branch") if name in asked]
    if len(kinds) != 1:
        raise UsageError(
            "explain takes one of --response, --session and --branch",
            "As in: costd explain --branch feature/min-123",
        )
    if "branch" not in asked and ("cwd" in asked or "repo" in asked):
        raise UsageError("--cwd and --repo go with --branch", "Leave them out.")
