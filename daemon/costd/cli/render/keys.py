"""Tracker keys as pages: which are believed, and what an import changes."""

from __future__ import annotations

from typing import Any

from costd.cli.render.claims import moved_page
from costd.cli.render.page import Cell, Column, Page, Table, line, note
from costd.cli.render.words import text
from costd.core import amounts

Json = dict[str, Any]

_KEYS = (
    Column("key", least=8),
    Column("from"),
    Column("where", least=16, leave=1),
    Column("imported (UTC)", leave=2),
    Column("counts"),
)
_FROM = {
    "config": "the configuration",
    "tracker": "a tracker's export",
    "history": "commits",
    "branches": "branches",
    "beads": "beads",
}
_CLOSED = (
    "attribution.issue_keys is set: only its keys count. Without it, those that are "
    "found or imported count too."
)
_SHOWN = 20


def keys_page(answer: Json) -> Page:
    """The page for the answer to ``keys``."""
    rows = answer.get("rows") or []
    hint = (
        note("Take them from a tracker: costd keys import FILE")
        if answer.get("open")
        else note(_CLOSED)
    )
    if not rows:
        return [line("No tracker key is known."), hint]
    page: Page = [Table(_KEYS, [_row(row) for row in rows])]
    return page if answer.get("open") else [*page, hint]


def _row(row: Json) -> tuple[Cell, ...]:
    source = text(row.get("source"))
    style = "" if row.get("counts") else "dim"
    return (
        Cell(text(row.get("key")), style),
        Cell(_FROM.get(source, source), style),
        Cell(text(row.get("where")), "dim"),
        Cell(amounts.instant(row.get("imported_at")), "dim"),
        Cell("yes" if row.get("counts") else "no", style),
    )


def imported_page(answer: Json) -> Page:
    """The page for the answer to ``import_keys``."""
    verb = "would be new" if answer.get("dry_run") else "imported"
    said = _named(answer.get("added"), f"No key {verb}", verb)
    known = answer.get("known") or 0
    if known:
        said += f" {amounts.plural(known, 'key')} of the file known before."
    return _changed(said, answer)


def forgotten_page(answer: Json) -> Page:
    """The page for the answer to ``forget_keys``."""
    verb = "would be forgotten" if answer.get("dry_run") else "forgotten"
    return _changed(_named(answer.get("removed"), f"No key {verb}", verb), answer)


def _named(keys: Any, none: str, verb: str) -> str:
    if not keys:
        return f"{none}."
    more = f" and {len(keys) - _SHOWN:,} more" if len(keys) > _SHOWN else ""
    shown = ", ".join(map(str, keys[:_SHOWN]))
    return f"{amounts.plural(len(keys), 'key')} {verb}: {shown}{more}."


def _changed(said: str, answer: Json) -> Page:
    page: Page = [line(said)]
    if not answer.get("open"):
        page.append(note(_CLOSED))
    elif not answer.get("dry_run"):
        page += moved_page(answer)
    return page
