"""Phrases that several pages share."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import BLANK, Cell, Line, Page, line, note
from costd.core import amounts

BUCKET = "none:"
SESSION_CHARS = 8
REASONS = {"unfinalised": "whose log has no final count", "unpriced": "without a price"}


def text(value: Any) -> str:
    """A name; a dash where there is none."""
    return str(value) if value not in (None, "") else amounts.UNKNOWN


def issue_cell(issue: Any) -> Cell:
    """An issue, or the name of the bucket that stands for none."""
    name = text(issue)
    return Cell(name, "dim" if name.startswith(BUCKET) else "")


def cost_cell(sums: Any, style: str = "money") -> Cell:
    """The cost of a row; responses without a price are not a cost of nothing."""
    if sums.get("cost_usd") is None and sums.get("responses"):
        return Cell("unpriced", "bad")
    is_bound = bool(sums.get("lower_bound") or sums.get("unpriced_responses"))
    return Cell(amounts.usd(sums.get("cost_usd"), lower_bound=is_bound), style)


def basis_line(answer: Any, *more: str) -> Line:
    """What the amounts of an answer are."""
    card = answer.get("price_card") or {}
    parts = [
        *more,
        text(answer.get("timezone")),
        text(answer.get("basis") or "list-price equivalent"),
        f"prices of {text(card.get('as_of'))}",
    ]
    return line(Cell(" · ".join(parts), "dim"))


def unread(status: Any) -> str:
    """What must be said of a status that does not hold all of the logs yet."""
    if status.get("complete", True):
        return ""
    waits = sum(each.get("bytes_behind") or 0 for each in status.get("sources") or [])
    if not waits:  # a line or two, read before anybody could see it said
        return ""
    return f"still reading the logs, {amounts.size(waits)} to go: every sum is partial"


def reservations(sums: Any) -> Page:
    """What a total leaves out or cannot know, said below it."""
    page: Page = []
    unpriced, bound = sums.get("unpriced_responses"), sums.get("unfinalised_responses")
    if unpriced:
        said = f"{amounts.tokens(sums.get('unpriced_tokens'))} tokens"
        if sums.get("unpriced_tokens") is None:
            said = "its tokens"
        page += [
            line(
                Cell("unpriced  ", "bad"),
                f"{amounts.plural(unpriced, 'response')} with {said} are in no cost:"
                " no price is known.",
            ),
            note("give one under [prices.overrides], then run: costd reprice"),
        ]
    if sums.get("lower_bound"):
        reasons = {"unfinalised": bound, "unpriced": unpriced}
        known = {reason: count for reason, count in reasons.items() if count}
        page.append(note(f"≥ lower bound{reason_list(known)}"))
    return [BLANK, *page] if page else []


def reason_list(reasons: Any) -> str:
    """``: 3 responses unfinalised, …`` of an object that counts each reason."""
    if not isinstance(reasons, dict) or not reasons:
        return ""
    said = [
        f"{amounts.plural(count, 'response')} {REASONS.get(reason, reason)}"
        for reason, count in reasons.items()
    ]
    return f": {', '.join(said)}"
