"""Pull requests as pages: which are known, and what an import changes."""

from __future__ import annotations

from typing import Any

from costd.cli.render.claims import moved_page
from costd.cli.render.page import Cell, Column, Page, Table, line, note
from costd.cli.render.words import text
from costd.core import amounts

Json = dict[str, Any]

_PRS = (
    Column("pull request", least=12),
    Column("branch", least=12),
    Column("counts toward", least=12),
    Column("from", leave=1),
    Column("imported (UTC)", leave=2),
)
_HINT = note(
    "Import some: gh pr list --state all --limit 1000 --json "
    "number,headRefName,closingIssuesReferences,url | costd prs import -"
)


def prs_page(answer: Json) -> Page:
    """The page for the answer to ``prs``."""
    rows = answer.get("rows") or []
    if not rows:
        return [line("No pull request is known."), _HINT]
    page: Page = [Table(_PRS, [_row(row) for row in rows])]
    more = int(answer.get("count") or 0) - len(rows)
    if more > 0:
        page.append(note(f"{more:,} more: costd prs --limit 0"))
    return page


def _row(row: Json) -> tuple[Cell, ...]:
    pull, issue = text(row.get("pr")), text(row.get("issue"))
    return (
        Cell(pull),
        Cell(text(row.get("branch"))),
        Cell(issue, "dim" if issue == pull else ""),
        Cell(text(row.get("source")), "dim"),
        Cell(amounts.instant(row.get("imported_at")), "dim"),
    )


def imported_page(answer: Json) -> Page:
    """The page for the answer to ``import_prs``."""
    added, changed = int(answer.get("added") or 0), int(answer.get("changed") or 0)
    verb = "would be new" if answer.get("dry_run") else "imported"
    said = f"{amounts.plural(added, 'pull request')} {verb}"
    said += f", {changed:,} changed" if changed else ""
    if known := int(answer.get("known") or 0):
        said += f", {known:,} known before"
    names = [str(name) for name in answer.get("repositories") or []]
    return _changed(f"{said}; of {', '.join(names)}.", answer)


def forgotten_page(answer: Json) -> Page:
    """The page for the answer to ``forget_prs``."""
    verb = "would be forgotten" if answer.get("dry_run") else "forgotten"
    removed = int(answer.get("removed") or 0)
    return _changed(f"{amounts.plural(removed, 'pull request')} {verb}.", answer)


def _changed(said: str, answer: Json) -> Page:
    page: Page = [line(said)]
    return page if answer.get("dry_run") else [*page, *moved_page(answer)]
