"""A report as CSV that a spreadsheet takes for data, never for a formula."""

from __future__ import annotations

from typing import Any

from costd.core.amounts import nano
from costd.core.money import decimal_usd

Json = dict[str, Any]

# What makes a spreadsheet calculate, also in the wide form of East Asian keyboards.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the wide ones are meant


def as_csv(report: Json) -> str:
    """The rows of a report; with no ``by``, its total as the only row."""
    rows = report.get("rows") or []
    if not report.get("by"):
        rows = [report.get("total") or {}]
    flat = [_flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    if not names:
        names = [str(name) for name in report.get("by") or []]
    lines = [names, *([row.get(name, "") for name in names] for row in flat)]
    return "".join(",".join(map(_quoted, cells)) + "\r\n" for cells in lines)


def _flat(row: Json) -> dict[str, str]:
    """One text per cell: ``tokens.input`` becomes ``tokens_input``."""
    cells = {}
    for name, value in row.items():
        if isinstance(value, dict):
            inner = _flat(value)
            cells.update({f"{name}_{part}": text for part, text in inner.items()})
        else:
            cells[name] = _text(name, value)
    return cells


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if name.endswith("_usd") and (amount := nano(value)) is not None:
        return decimal_usd(amount)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        value = " ".join(str(item) for item in value)
    return _inert(str(value))


def _inert(text: str) -> str:
    text = text.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
