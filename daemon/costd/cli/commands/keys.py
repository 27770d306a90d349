"""``costd keys``: list, import, forget."""

from __future__ import annotations

from typing import Any

import click

from costd.cli.answers import open_answers
from costd.cli.exported import export_name, export_text
from costd.cli.options import as_json, example, show
from costd.cli.render.keys import forgotten_page, imported_page, keys_page
from costd.core.attribution.exports import keys_in_export
from costd.core.errors import UsageError


@click.group(
    invoke_without_command=True,
    help="Which tracker keys are believed, and where each of them comes from.\n\n"
    "A key that is known makes an issue of `min-123` in a branch's name. Without "
    "attribution.issue_keys in the configuration they are found in each repository's "
    "history and branches, and taken from what a tracker exports.",
    epilog=example("costd keys", "costd keys import issues.csv"),
)
@as_json
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the keys."""
    if context.invoked_subcommand is None:
        with open_answers(context.obj) as answers:
            body = answers.body("keys", {})
        show(body, keys_page, is_json=as_json)


@command.command(
    "import",
    help="Take the keys out of an export of Jira, Linear or YouTrack (CSV, JSON or "
    "JSON lines; - for standard input).\n\nNothing but the keys is read into the "
    "ledger. What they own is worked out anew at once, for the past too.",
    epilog=example(
        "costd keys import issues.csv",
        "costd keys import export.json --dry-run",
    ),
)
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Only say which keys are in it.")
@as_json
@click.pass_obj
def import_(config: str | None, file: str, dry_run: bool, as_json: bool) -> None:
    """Import keys."""
    keys = sorted(keys_in_export(export_text(file)))
    source = export_name(file)
    asked: dict[str, Any] = {"keys": keys, "source": source, "dry_run": dry_run}
    with open_answers(config, fresh=False) as answers:
        body = answers.work("import_keys", asked)
    show(body, imported_page, is_json=as_json)


@command.command(
    help="Believe imported keys no longer.",
    epilog=example("costd keys forget MIN PAN", "costd keys forget --all"),
)
@click.argument("keys", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All that were imported.")
@click.option("--dry-run", is_flag=True, help="Only say which these are.")
@as_json
@click.pass_obj
def forget(
    config: str | None,
    keys: tuple[str, ...],
    is_all: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Forget keys."""
    if bool(keys) == is_all:
        raise UsageError("Name the keys to forget, or --all.", "See: costd keys")
    asked: dict[str, Any] = {"keys": list(keys), "all": is_all, "dry_run": dry_run}
    with open_answers(config, fresh=False) as answers:
        body = answers.work("forget_keys", asked)
    show(body, forgotten_page, is_json=as_json)
