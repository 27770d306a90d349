"""The rate card as a page, and what pricing again would change."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import BLANK, Cell, Column, Page, Table, heading, line, note
from costd.cli.render.words import text
from costd.core import amounts

Json = dict[str, Any]

_RATES = ("input", "output", "cache_read", "cache_creation_5m", "cache_creation_1h")
_COLUMNS = (
    Column("model", least=20),
    Column("provider", least=8, leave=2),
    Column("from"),
    Column("until", leave=3),
    Column("variant", leave=4),
    Column("above", right=True, leave=1),
    Column("input", right=True),
    Column("output", right=True),
    Column("read", right=True),
    Column("write 5m", right=True),
    Column("write 1h", right=True),
)


def prices_page(answer: Json) -> Page:
    """The page for the answer to ``prices``."""
    card, rows = answer.get("card") or {}, answer.get("rows") or []
    head = f"USD per million tokens · card {text(card.get('version'))}"
    page: Page = [line(Cell(f"{head} of {text(card.get('as_of'))}", "dim")), BLANK]
    if not rows:
        return [
            *page,
            line("No price is known by that name."),
            note("give one under [prices.overrides] or [prices.aliases]"),
        ]
    page.append(Table(_COLUMNS, [_row(row) for row in rows]))
    if any(row.get("overridden") for row in rows):
        page.append(note("* from your configuration"))
    return page


def _row(row: Json) -> tuple[Cell, ...]:
    mark = " *" if row.get("overridden") else ""
    return (
        Cell(text(row.get("model")) + mark),
        Cell(text(row.get("provider")), "dim"),
        Cell(text(row.get("from")), "dim"),
        Cell(text(row.get("until")), "dim"),
        Cell(text(row.get("variant")), "dim"),
        Cell(amounts.tokens(row.get("above")), "dim"),
        *(Cell(text(row.get(rate))) for rate in _RATES),
    )


def reprice_page(answer: Json, *, dry_run: bool) -> Page:
    """The page for the answer to ``reprice``."""
    changed = amounts.plural(answer.get("responses_changed") or 0, "response")
    verb = "would change" if dry_run else "changed"
    before, after = answer.get("cost_before_usd"), answer.get("cost_after_usd")
    unpriced = [answer.get(f"unpriced_{when}") for when in ("before", "after")]
    page: Page = [
        line(f"{changed} {verb}: ", _change(before, after)),
        line(
            "unpriced responses: "
            f"{amounts.number(unpriced[0])} before, {amounts.number(unpriced[1])} after"
        ),
    ]
    models = answer.get("models") or []
    if models:
        page += [*heading("by model"), _models(models)]
    if dry_run:
        page += [BLANK, note("Nothing has been changed. To do it: costd reprice")]
    return page


def _change(before: Any, after: Any) -> Cell:
    old, new = amounts.nano(before), amounts.nano(after)
    if old is None or new is None:
        return Cell(f"{amounts.usd(before)} to {amounts.usd(after)}")
    sign = "+" if new >= old else ""
    said = f"{amounts.usd_of(old)} to {amounts.usd_of(new)}"
    return Cell(f"{said} ({sign}{amounts.usd_of(new - old)})", "money")


def _models(models: list[Json]) -> Table:
    columns = (
        Column("model", least=20),
        Column("before", right=True),
        Column("after", right=True),
        Column("responses", right=True),
    )
    rows = [
        (
            Cell(text(model.get("model"))),
            Cell(amounts.usd(model.get("before_usd"))),
            Cell(amounts.usd(model.get("after_usd")), "money"),
            Cell(amounts.number(model.get("responses"))),
        )
        for model in models
    ]
    return Table(columns, rows)
