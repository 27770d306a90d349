"""What an issue has cost, as Markdown for a pull request or a ticket."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from costd.core import amounts
from costd.core.plain import one_line

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#@!~])")
"""What Markdown, HTML within it or a forge would take for more than text."""

_MOST_SESSIONS = 20
_SHORT_ID = 8

Json = Mapping[str, Any]


def issue_markdown(answer: Json) -> str:
    """The answer ``issue`` as a heading, its sessions and its models."""
    total = answer["total"]
    sessions, models = answer["by_session"], answer["by_model"]
    parts = [
        f"### Cost of {_text(answer['issue'])}: {_cost(total)}",
        _about(answer, total, len(sessions)),
        _table(
            ("session", "role", "model", "cost", "tokens"),
            [_session(row) for row in sessions[:_MOST_SESSIONS]],
        ),
        _more(len(sessions)),
        _table(
            ("model", "cost", "share", "tokens"),
            [
                (_text(row["model"]), *_figures(row), amounts.tokens(row["tokens"]))
                for row in models
            ],
        ),
        _reservations(total),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(answer: Json, total: Json, sessions: int) -> str:
    span = f"{answer.get('since') or ''} – {answer.get('until') or 'now'}"  # noqa: RUF001 - a span has an en dash
    said = [
        amounts.plural(sessions, "session"),
        f"{amounts.tokens(total['tokens'])} tokens",
        amounts.plural(total["responses"], "response"),
        _text(answer["basis"]),
    ]
    if answer.get("since") or answer.get("until"):
        said.append(_text(span.strip()))
    return " · ".join(said)


def _session(row: Json) -> tuple[str, ...]:
    return (
        f"`{re.sub('[^0-9A-Za-z_.-]', '', str(row['session_id']))[:_SHORT_ID]}`",
        _text(row["role"] or "-"),
        _text(", ".join(row["models"]) or "-"),
        _cost(row),
        amounts.tokens(row["tokens"]),
    )


def _figures(row: Json) -> tuple[str, str]:
    return _cost(row), amounts.share(row["share"])


def _cost(row: Json) -> str:
    if row["cost_usd"] is None:
        return "unpriced"
    return amounts.usd(row["cost_usd"], lower_bound=bool(row["lower_bound"]))


def _more(count: int) -> str:
    left = count - _MOST_SESSIONS
    return f"and {amounts.plural(left, 'session')} more" if left > 0 else ""


def _reservations(total: Json) -> str:
    said = []
    if total["unfinalised_responses"]:
        count = amounts.plural(total["unfinalised_responses"], "response")
        said.append(f"≥ is a lower bound: the logs of {count} end before they did.")
    if total["unpriced_responses"]:
        count = amounts.plural(total["unpriced_responses"], "response")
        said.append(f"{count} of models without a known price are in no cost.")
    return " ".join(said)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    right = {"cost", "share", "tokens"}
    rule = "|".join("---:" if name in right else "---" for name in head)
    lines = [" | ".join(cells) for cells in (head, *rows)]
    return "\n".join([f"| {lines[0]} |", f"|{rule}|", *(f"| {x} |" for x in lines[1:])])


def _text(value: object) -> str:
    """A name from a log as nothing but text."""
    return _SPECIAL.sub(r"\\\1", one_line(str(value)))
