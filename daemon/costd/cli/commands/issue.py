"""``costd issue``."""

from __future__ import annotations

import json
from typing import Any

import click

from costd.cli import health, output
from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show, span
from costd.cli.render.issues import issue_page
from costd.cli.selectors import present
from costd.core.issue_markdown import issue_markdown


@click.command(
    help="One issue in full: cost by session, model, role and day; its subagents and pull\n"
    "requests, and what is at it now. ID may be a bucket, as none:no-match. --format md\n"
    "is for a pull request or a ticket.",
    epilog=example(
        "costd issue MIN-123",
        "costd issue owner/name#45 --since 7d --json",
        "costd issue MIN-123 --format md | gh pr comment --body-file -",
    ),
)
@click.argument("issue_id", metavar="ID")
@span
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json", "md")),
    default="table",
    show_default=True,
    help="How it is written.",
)
@as_json
@click.pass_obj
def command(
    config: str | None, /, issue_id: str, form: str, as_json: bool, **params: Any
) -> int:
    """One issue."""
    with open_answers(config) as answers:
        status = answers.body("status", {})
        body = answers.body("issue", {"id": issue_id, **present(params)})
    if form == "md" and not as_json:
        output.write_data(issue_markdown(json.loads(body)).encode())
    else:
        show(body, issue_page, is_json=as_json or form == "json")
    return health.report(status)
