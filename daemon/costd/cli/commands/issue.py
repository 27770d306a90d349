"""``costd issue``."""

from __future__ import annotations

from typing import Any

import click

from costd.cli import health
from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show, span
from costd.cli.render.issues import issue_page
from costd.cli.selectors import present


@click.command(
    help="One issue in full: cost by session, model, role and day; its subagents and pull\n"
    "requests, and what is at it now. ID may be a bucket, as none:no-match.",
    epilog=example(
        "costd issue MIN-123", "costd issue owner/name#45 --since 7d --json"
    ),
)
@click.argument("issue_id", metavar="ID")
@span
@as_json
@click.pass_obj
def command(config: str | None, /, issue_id: str, as_json: bool, **params: Any) -> int:
    """One issue."""
    with open_answers(config) as answers:
        body = answers.body("issue", {"id": issue_id, **present(params)})
        status = answers.body("status", {})
    show(body, issue_page, is_json=as_json)
    return health.report(status)
