"""``costd exec``: what the quick way of ``agents.launch`` leaves, above all its help."""

from __future__ import annotations

import click

from costd.cli.agents.launch import Launch, start
from costd.cli.options import example

HELP = """Run an agent so that its work has an owner before its first token.

COMMAND gets COSTD_ISSUE, COSTD_ROLE, COSTD_CAPABILITY and COSTD_RUN_ID in its
environment, and is left alone otherwise: terminal, signals and output are its own, and
its exit status is ours (128 and the signal's number where one ended it). A daemon that is
down or slow changes nothing: what is claimed waits in the spool.

A report of the run is left in the output directory: see costd runs.

A claude that begins a new conversation is given a --session-id, so that the link is
certain; --no-session-id leaves its arguments as they are.
"""


@click.command(
    help=HELP,
    epilog=example(
        'costd exec --issue MIN-123 --role implementation -- claude -p "Fix the test"',
        "costd exec --issue owner/name#45 --role review -- ./run-reviewer.sh",
    ),
    context_settings={
        "ignore_unknown_options": False,
        "allow_interspersed_args": False,
    },
)
@click.option("--issue", required=True, metavar="ID", help="Whose the work is.")
@click.option("--role", default="", metavar="ROLE", help="planning, review, test, ….")
@click.option("--capability", default="", metavar="WORD", help="What is worked on.")
@click.option("--no-session-id", is_flag=True, help="Add nothing to the arguments.")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND…")
def command(
    issue: str, role: str, capability: str, no_session_id: bool, words: tuple[str, ...]
) -> int:
    """Run it."""
    return start(Launch(issue, role, capability, not no_session_id, [*words]))
