"""``costd report``."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from typing import Any

import click

from costd.cli import health, output
from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, filters, given, show_page, span
from costd.cli.render.event_report import event_report_page
from costd.cli.render.page import Page
from costd.cli.render.report import report_page
from costd.cli.words import DIMENSIONS, EVENT_DIMENSIONS, FORMATS, PERIODS
from costd.core.errors import UsageError

HELP = f"""Any cut of the ledger.

--by takes {", ".join(DIMENSIONS)}; several at once, with commas or given again, of which
one may be a period. Without it, only the total. Every dollar is in one issue or in one
named bucket (none:…), and the last line shows that they add up.

With --events it is what events say was used, by agents that leave no session logs: then
--by takes {", ".join(EVENT_DIMENSIONS[len(PERIODS) :])} or a period. What is in session
logs too is shown apart and in no sum.
"""


def _dimensions(
    ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> list[str]:
    names = [name for value in values for name in value.split(",") if name]
    known = EVENT_DIMENSIONS if ctx.params.get("events") else DIMENSIONS
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Use {', '.join(known)}."
            if name in EVENT_DIMENSIONS:
                hint = "Only events say that: add --events."
            raise UsageError(f"--by {name!r} is nothing to cut costs by", hint)
    return names


def _complete(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[str]:
    """The keys that go on from what is typed, also after a comma."""
    done, comma, last = incomplete.rpartition(",")
    known = EVENT_DIMENSIONS if ctx.params.get("events") else DIMENSIONS
    return [done + comma + name for name in known if name.startswith(last)]


@click.command(
    help=HELP,
    epilog=example(
        "costd report --by day --since 7d",
        "costd report --by issue,model --since 2026-11-01 --until 2026-11-30",
        "costd report --by session --project app --format csv > sessions.csv",
        "costd report --events --by agent,model",
    ),
)
@click.option(
    "--by",
    multiple=True,
    metavar="KEYS",
    callback=_dimensions,
    shell_complete=_complete,
    help="What makes a row, as day,model.",
)
@click.option(
    "--events",
    is_flag=True,
    is_eager=True,  # what --by takes depends on it
    help="What events say, not session logs.",
)
@span
@filters
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="How it is written [table]."
)
@as_json
@click.pass_obj
def command(
    config: str | None,
    /,
    form: str | None,
    as_json: bool,
    events: bool,
    **params: Any,
) -> int:
    """Rows, their sum and who owns it."""
    if as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format {form} contradict", "Leave one out.")
    with open_answers(config) as answers:
        status = answers.body("status", {})
        body = answers.body("event_report" if events else "report", given(params))
    page = event_report_page if events else report_page
    _show(body, "json" if as_json else form or "table", page)
    return health.report(status)


def _show(body: bytes, form: str, page: Callable[[Any], Page]) -> None:
    if form == "json":
        output.write_data(body)
        return
    report = json.loads(body)
    if form == "csv":
        from costd.cli.render.sheet import as_csv  # noqa: PLC0415 - one form of four

        output.write_data(as_csv(report).encode())
    elif form == "md":
        from costd.cli.render.markdown import markdown  # noqa: PLC0415 - for the same reason

        output.say(markdown(page(report)))
    else:
        show_page(page(report))
