"""``costd status``, and ``costd`` alone."""

from __future__ import annotations

import json

import click

from costd.cli import health
from costd.cli.answers import DaemonAnswers, open_answers
from costd.cli.options import as_json, example, show
from costd.cli.render.status import status_page
from costd.cli.routes import LOCKED_SECONDS, STATUS_SECONDS
from costd.core.errors import BusyError, NoDaemonError, UsageError

HELP = """What runs, what it cost, and whether the numbers can be trusted.

Live sessions with their cost so far and per hour; today, this week, this month and all;
what no issue owns, what has no price, what is wrong and what to do about it.

Exit code 4 means that the numbers are stale or incomplete: see health. Exit code 3 means
that nobody answers: what is shown is what costd published last.
"""


@click.command(
    help=HELP,
    epilog=example(
        "costd", "costd status --watch", "costd status --json | jq .totals.today"
    ),
)
@click.option("--watch", is_flag=True, help="Again and again, until Ctrl-C.")
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="With --watch: how often.",
)
@click.option(
    "--report", is_flag=True, help="The last run too, and how it compares with others."
)
@as_json
@click.pass_obj
def command(
    config: str | None, watch: bool, interval: float, report: bool, as_json: bool
) -> int:
    """The status, once or again and again."""
    if watch and report:
        raise UsageError("--watch and --report do not go together", "Leave one out.")
    if watch:
        from costd.cli.watching import (  # noqa: PLC0415 - it brings threads and rich
            watch_status,
        )

        return watch_status(config, interval, is_json=as_json)
    try:
        with open_answers(config, patience=LOCKED_SECONDS) as answers:
            if isinstance(answers, DaemonAnswers):
                answers.seconds = STATUS_SECONDS
            body = answers.body("status", {})
            runs = answers.body("runs_summary", {}) if report else b""
    except (BusyError, NoDaemonError) as error:
        from costd.cli.last_known import (  # noqa: PLC0415 - only when nobody answers
            show_last_known,
        )

        return show_last_known(config, error, is_json=as_json)
    code = health.code_of(body)
    if report:
        from costd.cli.render.runs import (  # noqa: PLC0415 - only with --report
            last_run_lines,
        )

        status, found = json.loads(body), json.loads(runs)
        status["last_run"], status["run_trend"] = found["last"], found["trend"]
        body = json.dumps(status, separators=(",", ":")).encode() + b"\n"
        show(body, lambda a: [*status_page(a), *last_run_lines(a)], is_json=as_json)
    else:
        show(body, status_page, is_json=as_json)
    return code
