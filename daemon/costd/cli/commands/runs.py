"""``costd runs``: list, show, summary, export, clean."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from costd.cli import output
from costd.cli.answers import open_answers
from costd.cli.commands.sessions import MOST
from costd.cli.options import as_json, example, show, span
from costd.cli.render.runs import clean_page, list_page, report_page, summary_page
from costd.cli.selectors import present
from costd.core.errors import UsageError
from costd.core.runs import OUTCOMES

Command = TypeVar("Command", bound=Callable[..., Any])


def _chosen(command: Command) -> Command:
    """``--since --until --tz --status --task``."""
    status = click.option(
        "--status",
        multiple=True,
        type=click.Choice(OUTCOMES),
        help="Only runs that ended so; may be given again.",
    )
    task = click.option(
        "--task", metavar="GLOB", help="Only these issues or tasks, as 'MIN-*'."
    )
    return span(status(task(command)))


@click.group(
    help="The reports of runs: what each attempt of an agent did, took and cost.\n\n"
    "costd exec leaves one for each command; so can any program that starts agents.",
    epilog=example("costd runs list --since 7d", "costd runs summary"),
)
def command() -> None:
    """The commands about runs."""


@command.command(
    "list",
    help="Runs, the latest first.",
    epilog=example(
        "costd runs list --status failed --since 7d",
        "costd runs list --task 'MIN-*' --limit 0 --json",
    ),
)
@_chosen
@click.option(
    "--limit",
    type=click.IntRange(0, MOST),
    default=20,
    show_default=True,
    help="How many; 0 for all.",
)
@as_json
@click.pass_obj
def list_(config: str | None, /, as_json: bool, **params: Any) -> None:
    """The list of runs."""
    with open_answers(config) as answers:
        body = answers.body("runs", _given(params))
    show(body, list_page, is_json=as_json)


@command.command(
    "show",
    help="One report in full. ID is a run's id, or the beginning of it.",
    epilog=example("costd runs show 1a2b3c4d", "costd runs show 1a2b --verbose"),
)
@click.argument("run_id", metavar="ID")
@click.option("--verbose", is_flag=True, help="A line for each iteration.")
@as_json
@click.pass_obj
def show_(config: str | None, run_id: str, verbose: bool, as_json: bool) -> None:
    """One report."""
    with open_answers(config) as answers:
        body = answers.body("run_report", {"id": run_id})
    show(body, lambda answer: report_page(answer, is_verbose=verbose), is_json=as_json)


@command.command(
    help="What runs are together: success rate, averages, the five dearest, where the\n"
    "time goes, and how the last one compares with the five before it.",
    epilog=example("costd runs summary --since 30d", "costd runs summary --json"),
)
@_chosen
@as_json
@click.pass_obj
def summary(config: str | None, /, as_json: bool, **params: Any) -> None:
    """The summary."""
    with open_answers(config) as answers:
        body = answers.body("runs_summary", _given(params))
    show(body, summary_page, is_json=as_json)


@command.command(
    help="Write runs as CSV, one row each; with --detailed one row for each iteration.",
    epilog=example(
        "costd runs export --csv runs.csv",
        "costd runs export --csv - --since 7d --detailed",
    ),
)
@click.option(
    "--csv", "path", required=True, metavar="PATH", help="The file; - for the output."
)
@click.option("--detailed", is_flag=True, help="A row for each iteration.")
@_chosen
@as_json
@click.pass_obj
def export(
    config: str | None, /, path: str, detailed: bool, as_json: bool, **params: Any
) -> None:
    """The table as a file."""
    from costd.cli.render.run_sheet import run_sheet  # noqa: PLC0415 - only this one needs it

    with open_answers(config) as answers:
        asked = {**_given(params), "limit": 0, "detailed": detailed}
        answer = json.loads(answers.body("runs", asked))
    text, count = run_sheet(answer["rows"], is_detailed=detailed)
    if path == "-":
        output.write_data(text.encode())
        return
    _write(Path(path).expanduser(), text.encode())
    if as_json:
        said = {"schema_version": 1, "path": path, "rows": count}
        output.write_data(json.dumps(said).encode() + b"\n")
    else:
        output.say(f"Wrote {count:,} row{'' if count == 1 else 's'} to {path}.")


@command.command(
    help="Remove the reports of runs that began before a date. What they counted stays\n"
    "in every sum. Without --confirm it only says how many there are.",
    epilog=example(
        "costd runs clean --before 2026-10-01",
        "costd runs clean --before 90d --confirm",
    ),
)
@click.option("--before", required=True, metavar="DATE", help="A date, or 90d.")
@click.option("--confirm", is_flag=True, help="Do it.")
@click.option("--tz", metavar="ZONE", help="Time zone of the date.")
@as_json
@click.pass_obj
def clean(config: str | None, /, as_json: bool, **params: Any) -> None:
    """Remove old reports."""
    with open_answers(config) as answers:
        body = answers.body("clean_runs", present(params))
    show(body, clean_page, is_json=as_json)


def _given(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters that were given; several outcomes mean any of them."""
    found = {n: v for n, v in params.items() if v not in (None, "", ())}
    if found.get("status"):
        found["status"] = list(found["status"])
    return found


def _write(path: Path, data: bytes) -> None:
    from costd.publish.files import write_atomic  # noqa: PLC0415 - only export writes

    if path.is_dir():
        raise UsageError(f"{path} is a directory", "Name a file: --csv runs.csv")
    write_atomic(path, data)
