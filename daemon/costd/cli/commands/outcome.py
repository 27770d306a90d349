"""``costd outcome``."""

from __future__ import annotations

import click

from costd.cli.agents import telling
from costd.cli.options import as_json, example
from costd.core.outcomes import UNKNOWN, status_of
from costd.core.plain import one_line, redact

HELP = """Say how the work on an issue ended: completed, failed, blocked or cancelled.

It is the event task_end of a task that goes by the issue's name. Said again, the later
one holds.
"""


_WORDS = "Use completed, failed, blocked or cancelled."


@click.command(
    help=HELP,
    epilog=example(
        "costd outcome --issue MIN-123 --status completed",
        "costd outcome --issue owner/name#45 --status failed --iterations 3",
    ),
)
@click.option("--issue", required=True, metavar="ID", help="MIN-123, owner/name#45, ….")
@click.option(
    "--status",
    required=True,
    metavar="STATUS",
    help="completed, failed, blocked, cancelled; any other word is unknown.",
)
@click.option("--iterations", type=click.IntRange(0), help="How many rounds it took.")
@click.option("--model", metavar="MODEL", help="The model that did the work.")
@as_json
def command(
    issue: str, status: str, iterations: int | None, model: str | None, as_json: bool
) -> int:
    """Send a task_end."""
    said: dict[str, object] = {"task_id": issue, "issue": issue, "status": status}
    said |= {"iterations": iterations, "model": model, "type": "task_end"}
    if status_of(status) == UNKNOWN and status.strip().lower() != UNKNOWN:
        word = one_line(redact(status))[:40]
        click.echo(f"costd: {word!r} counts as unknown. {_WORDS}", err=True)
    found = {name: value for name, value in said.items() if value is not None}
    told = telling.tell([found], telling.SECONDS)
    return telling.finish(told, as_json=as_json, one=True)
