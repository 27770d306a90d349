"""``costd prs``: list, import, forget."""

from __future__ import annotations

from typing import Any

import click

from costd.cli.answers import open_answers
from costd.cli.exported import export_name, export_text
from costd.cli.options import as_json, example, show
from costd.cli.render.prs import forgotten_page, imported_page, prs_page
from costd.core.attribution.pull_exports import pulls_in_export
from costd.core.errors import UsageError

_MOST = 4_000


@click.group(
    invoke_without_command=True,
    help="Which pull requests are known, with their branches and the issues that they "
    "close.\n\nWork on a branch that names no issue counts toward the one that its "
    "pull request closes. costd asks nobody: import what `gh pr list` says.",
    epilog=example("costd prs", "costd prs import prs.json"),
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, show_default=True, help="0: all."
)
@as_json
@click.pass_context
def command(context: click.Context, limit: int, as_json: bool) -> None:
    """List the pull requests."""
    if context.invoked_subcommand is None:
        with open_answers(context.obj) as answers:
            body = answers.body("prs", {"limit": limit})
        show(body, prs_page, is_json=as_json)


@command.command(
    "import",
    help="Take pull requests out of what `gh pr list --json` says (or the interfaces of "
    "GitHub and GitLab; - for standard input).\n\nRead are the number, the branch, the "
    "address and what is closed; of a title and a body only ids after closing words. "
    "What they own is worked out anew at once, for the past too.",
    epilog=example(
        "gh pr list --state all --limit 1000 \\",
        "  --json number,headRefName,closingIssuesReferences,url > prs.json",
        "costd prs import prs.json",
        "costd prs import prs.json --dry-run",
    ),
)
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Only say how many are in it.")
@as_json
@click.pass_obj
def import_(config: str | None, file: str, dry_run: bool, as_json: bool) -> None:
    """Import pull requests."""
    pulls = pulls_in_export(export_text(file))
    if len(pulls) > _MOST:
        raise UsageError(
            f"The file holds {len(pulls):,} pull requests.",
            f"Import up to {_MOST:,} at once: gh pr list --limit {_MOST}.",
        )
    asked: dict[str, Any] = {
        "prs": [
            {
                "repository": pull.repository,
                "number": pull.number,
                "branch": pull.branch,
                "head": pull.head,
                "closes": list(pull.closes),
            }
            for pull in pulls
        ],
        "source": export_name(file),
        "dry_run": dry_run,
    }
    with open_answers(config, fresh=False) as answers:
        body = answers.work("import_prs", asked)
    show(body, imported_page, is_json=as_json)


@command.command(
    help="Know imported pull requests no longer: by id, or all of a repository.",
    epilog=example(
        "costd prs forget owner/name",
        "costd prs forget 'owner/name!12'",
        "costd prs forget --all",
    ),
)
@click.argument("prs", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All that were imported.")
@click.option("--dry-run", is_flag=True, help="Only say how many these are.")
@as_json
@click.pass_obj
def forget(
    config: str | None,
    prs: tuple[str, ...],
    is_all: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Forget pull requests."""
    if bool(prs) == is_all:
        raise UsageError("Name what to forget, or --all.", "See: costd prs")
    asked: dict[str, Any] = {"prs": list(prs), "all": is_all, "dry_run": dry_run}
    with open_answers(config, fresh=False) as answers:
        body = answers.work("forget_prs", asked)
    show(body, forgotten_page, is_json=as_json)
