"""Why a response costs what it does, and why a branch belongs to an issue."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import BLANK, Cell, Column, Page, Table, line, note
from costd.cli.render.words import issue_cell, text
from costd.core import amounts

Json = dict[str, Any]

_PRICE = (
    Column("bucket"),
    Column("tokens", right=True),
    Column("USD per MTok", right=True),
    Column("cost", right=True),
)


def explain_page(answer: Json) -> Page:
    """The page for the answer to ``explain``."""
    return _response(answer) if "response_id" in answer else _attribution(answer)


def _attribution(answer: Json) -> Page:
    return [
        line(text(answer.get("sentence"))),
        BLANK,
        _facts(
            ("issue", issue_cell(answer.get("issue"))),
            ("role", Cell(text(answer.get("role")))),
            ("rule", Cell(text(answer.get("rule")))),
            ("confidence", Cell(text(answer.get("confidence")))),
            ("evidence", Cell(_evidence(answer.get("evidence")))),
        ),
    ]


def _evidence(evidence: Any) -> str:
    if isinstance(evidence, dict):
        return ", ".join(f"{name} {value}" for name, value in evidence.items())
    if isinstance(evidence, list):
        return "; ".join(map(str, evidence))
    return text(evidence)


def _response(answer: Json) -> Page:
    price = answer.get("price") or {}
    page: Page = [line(text(answer.get("sentence"))), BLANK, _response_facts(answer)]
    lines = price.get("lines") or []
    if lines:
        total = (Cell("total", "sum"), Cell(""), Cell(""), _total(answer))
        page += [BLANK, Table(_PRICE, [_bucket(part) for part in lines], [total])]
    page.append(note(_source(price)))
    for part in answer.get("parts") or []:
        said = f"{text(part.get('part'))} by {text(part.get('model'))}: "
        page.append(line("and its part ", said, _total(part)))
    for copy in answer.get("copies") or []:
        place = f"{text(copy.get('file'))} at byte {amounts.number(copy.get('offset'))}"
        page.append(note(f"a copy, not counted again: {place}"))
    return page


def _response_facts(answer: Json) -> Table:
    flags = answer.get("flags") or []
    where = f"{text(answer.get('file'))} at byte {amounts.number(answer.get('offset'))}"
    return _facts(
        ("response", Cell(text(answer.get("response_id")))),
        ("request", Cell(text(answer.get("request_id")))),
        ("session", Cell(text(answer.get("session_id")))),
        ("model", Cell(text(answer.get("model")))),
        ("owner", issue_cell(answer.get("issue"))),
        ("at", Cell(text(answer.get("at")))),
        ("flags", Cell(", ".join(map(str, flags)) or amounts.UNKNOWN, "warn")),
        ("read from", Cell(where)),
    )


def _total(answer: Json) -> Cell:
    cost = amounts.exact(answer.get("cost_usd"))
    return Cell("unpriced" if answer.get("cost_usd") is None else cost, "sum")


def _bucket(part: Json) -> tuple[Cell, ...]:
    return (
        Cell(text(part.get("bucket"))),
        Cell(amounts.number(part.get("tokens"))),
        Cell(text(part.get("rate_usd_per_mtok"))),
        Cell(amounts.exact(part.get("cost_usd")), "money"),
    )


def _source(price: Json) -> str:
    if not price.get("id"):
        return "no price is known for this model at that time"
    card = f"card {text(price.get('card_version'))}"
    return f"price {text(price.get('id'))} of {card}"


def _facts(*facts: tuple[str, Cell]) -> Table:
    rows = [(Cell(name, "dim"), cell) for name, cell in facts]
    return Table((Column(""), Column("", least=40)), rows)
