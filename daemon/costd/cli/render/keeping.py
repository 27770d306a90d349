"""What was copied and restored: ``backup``, ``restore``."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import Cell, Page, line, note
from costd.cli.render.words import text
from costd.core import amounts

Json = dict[str, Any]


def backup_page(answer: Json) -> Page:
    """The page for the answer to ``backup``."""
    size = amounts.size(answer.get("bytes"))
    return [
        line(Cell("✓ ", "good"), f"{text(answer.get('path'))} ({size})"),
        note(f"{holds(answer)}; to put it back: costd restore FILE"),
    ]


def restore_page(answer: Json) -> Page:
    """The page for the answer to ``restore``."""
    page: Page = [line(Cell("✓ ", "good"), f"The ledger holds {holds(answer)}.")]
    if answer.get("kept_as"):
        page.append(note(f"the one before is kept: {text(answer['kept_as'])}"))
    page.append(note("what the logs say since then is read now: costd sync"))
    return page


def holds(answer: Json) -> str:
    """What is in a ledger, in a few words."""
    count = amounts.plural(answer.get("responses") or 0, "response")
    until = str(answer.get("last_at") or "")[:10]
    return f"{count}, {amounts.usd(answer.get('cost_usd'))}" + (
        f", until {until}" if until else ""
    )
