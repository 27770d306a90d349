"""``costd link``."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from costd import client
from costd.cli import output
from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show
from costd.cli.render.claims import link_page
from costd.cli.selectors import SAID_HERE, chosen, own_session, present, selectors
from costd.core.errors import NoDaemonError

HELP = """Say whose the work is that a selector names: before it begins, while it runs,
or afterwards. What is spent already moves at once, and the claim is kept with who said
it and when.

Without a selector it is the session of the agent that runs this command. Of several
claims about the same work the later one holds; subagents, forks and compactions belong
to whom their parent belongs.
"""

_LONGEST_WHO = 200


@click.command(
    help=HELP,
    epilog=example(
        "costd link --session 1a2b3c4d --issue MIN-123 --role review",
        "costd link --branch 'feature/login*' --issue MIN-123 --dry-run",
        "costd link --cwd . --issue owner/name#45 --from 2026-11-01 --until 2026-11-03",
    ),
)
@selectors
@click.option("--issue", required=True, metavar="ID", help="MIN-123, owner/name#45, ….")
@click.option(
    "--role", metavar="ROLE", help="planning, implementation, review, test, …."
)
@click.option(
    "--from", metavar="WHEN", help="Since when; without it from the beginning."
)
@click.option("--until", metavar="WHEN", help="Until when; without it for good.")
@click.option("--dry-run", is_flag=True, help="Only say what would move.")
@as_json
@click.pass_obj
def command(config: str | None, /, as_json: bool, dry_run: bool, **params: Any) -> None:
    """Make a claim."""
    asked = present(chosen(params, os.environ)) | {"dry_run": dry_run, **SAID_HERE}
    if session := own_session(os.environ):
        asked["who"] = f"session {session}"[:_LONGEST_WHO]
    try:
        with open_answers(config, fresh=False) as answers:
            body = answers.body("link", asked)
    except NoDaemonError:
        if dry_run:
            raise
        body = _spooled(asked)
    show(body, link_page, is_json=as_json)


def _spooled(asked: dict[str, object]) -> bytes:
    """Nobody can answer now: the next daemon takes it."""
    key = os.urandom(16).hex()
    try:
        client.spool("link", {**asked, "key": key})
    except OSError as error:
        raise NoDaemonError(
            f"no daemon answers, and the spool cannot be written ({error.strerror})",
            "See: costd doctor",
        ) from None
    output.warn("costd: no daemon answers; the claim waits in the spool.")
    answer = {"schema_version": 1, "claim": {**asked, "key": key}, "spooled": True}
    return json.dumps(answer).encode() + b"\n"
