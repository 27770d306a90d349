"""What was checked, and what was read: ``verify``, ``doctor``, ``sync``."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import Cell, Column, Page, Table, heading, line, note
from costd.cli.render.words import text
from costd.core import amounts

Json = dict[str, Any]

MOST_SHOWN = 50


def sync_page(answer: Json) -> Page:
    """The page for the answer to ``sync``."""
    seconds = answer.get("seconds")
    took = f"{seconds:.1f} s" if isinstance(seconds, int | float) else amounts.UNKNOWN
    files = amounts.plural(answer.get("files") or 0, "file")
    new = amounts.plural(answer.get("new_responses") or 0, "new response")
    said = f"Read {amounts.size(answer.get('bytes'))} of {files} in {took}: {new}"
    page: Page = [line(f"{said}, ", Cell(amounts.usd(answer.get("cost_usd")), "money"))]
    skipped, salvaged = answer.get("skipped_lines"), answer.get("salvaged_lines")
    unreadable = answer.get("unreadable_files")
    if unreadable:
        page.append(line(Cell("! ", "bad"), f"{unreadable:,} unreadable"))
    if skipped:
        lines = amounts.plural(skipped, "damaged line")
        page.append(line(Cell("! ", "warn"), f"{lines} skipped"))
    if salvaged:
        page.append(note(f"{amounts.plural(salvaged, 'damaged line')} salvaged"))
    return page


def verify_page(answer: Json) -> Page:
    """The page for the answer to ``verify``."""
    files = amounts.plural(answer.get("files_checked") or 0, "log")
    responses = amounts.plural(answer.get("responses_checked") or 0, "response")
    differences = answer.get("differences") or []
    vanished = answer.get("files_vanished")
    page: Page = []
    if not answer.get("different"):
        page.append(line(Cell("✓ ", "good"), f"{responses} in {files}: all the same."))
    else:
        found = amounts.plural(answer.get("different") or 0, "difference")
        said = f"{found} between the ledger and {responses} in {files}."
        page.append(line(Cell("✗ ", "bad"), said))
    integrity = answer.get("integrity")
    if integrity and integrity != "ok":
        page.append(line(Cell("✗ ", "bad"), f"The ledger's file: {text(integrity)}."))
    only = answer.get("responses_only_in_ledger")
    if vanished or only:
        gone, kept = amounts.plural(vanished or 0, "log"), amounts.number(only)
        page.append(note(f"{gone} gone since; the ledger keeps {kept} responses"))
    return [*page, *_differences(differences)]


def _differences(differences: list[Json]) -> Page:
    if not differences:
        return []
    columns = (
        Column("response", least=20),
        Column("field"),
        Column("ledger", right=True),
        Column("logs", right=True),
    )
    rows = [
        tuple(
            Cell(text(found.get(key)))
            for key in ("response_id", "field", "ledger", "logs")
        )
        for found in differences[:MOST_SHOWN]
    ]
    page = [*heading("differences"), Table(columns, rows)]
    if len(differences) > MOST_SHOWN:
        page.append(
            note(f"{len(differences) - MOST_SHOWN:,} more: --json has them all")
        )
    return page


def doctor_page(answer: Json) -> Page:
    """The page for the answer to ``doctor``: what is wrong comes last."""
    checks = sorted(answer.get("checks") or [], key=lambda check: not check.get("ok"))
    page: Page = []
    for check in checks:
        page.append(line(_sign(check), f"{check.get('code')}: {check.get('message')}"))
        if check.get("fix"):
            page.append(note(f"  {check['fix']}"))
    page += _damaged(answer.get("skipped_lines") or [])
    wrong = sum(not check.get("ok") for check in checks)
    if wrong:
        page += heading(f"{amounts.plural(wrong, 'thing')} to mend")
    return page


def _damaged(lines: list[Json]) -> Page:
    """Where lines could not be used; what was in them is nobody's business."""
    if not lines:
        return []
    columns = (
        Column("log", least=30),
        Column("at byte", right=True),
        Column("bytes", right=True),
        Column("reason"),
    )
    rows = [
        (
            Cell(text(found.get("file"))),
            Cell(amounts.number(found.get("offset"))),
            Cell(amounts.number(found.get("length"))),
            Cell(text(found.get("reason")), "warn"),
        )
        for found in lines
    ]
    return [*heading("damaged lines"), Table(columns, rows)]


def _sign(check: Json) -> Cell:
    if not check.get("ok"):
        return Cell("✗ ", "bad")
    return Cell("! ", "warn") if check.get("fix") else Cell("✓ ", "good")
