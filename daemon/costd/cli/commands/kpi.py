"""``costd kpi``."""

from __future__ import annotations

from typing import Any

import click

from costd.cli import health
from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, given, show, span
from costd.cli.render.kpi import kpi_page, summary_page

HELP = """What the tasks of each day came to: how many succeeded, what they took, what
they cost, and what gates and reviews said of them.

A task counts when it ended, or else when it was first heard of, as one whose outcome is
unknown. Averages are over the tasks that have the figure. The cost of a task that is an
issue is the ledger's; of another task it is what its events say.
"""


@click.command(
    help=HELP,
    epilog=example(
        "costd kpi --weekly --since 2026-09-01",
        "costd kpi --tasks --since 7d",
        "costd kpi --summary",
    ),
)
@click.option("--daily", "period", flag_value="daily", help="By day (the default).")
@click.option("--weekly", "period", flag_value="weekly", help="By week, from Monday.")
@click.option(
    "--cycle",
    "--billing",
    "period",
    flag_value="cycle",
    help="By billing cycle: [kpi] cycle_day.",
)
@click.option("--tasks", "period", flag_value="task", help="Task by task.")
@click.option("--summary", is_flag=True, help="One line for all of it.")
@span
@click.option(
    "--limit",
    type=click.IntRange(0),
    help="How many tasks; 0 for all [50].",
)
@as_json
@click.pass_obj
def command(config: str | None, /, as_json: bool, summary: bool, **params: Any) -> int:
    """The figures."""
    asked = given(params)
    if params.get("limit") == 0:
        asked["limit"] = 0
    if summary:
        asked["period"] = "all"
    with open_answers(config) as answers:
        status = answers.body("status", {})
        body = answers.body("kpi", asked)
    show(body, summary_page if summary else kpi_page, is_json=as_json)
    return health.report(status)
