"""``names``: which sessions or issues there may be, to ask for them a few at a time."""

from __future__ import annotations

from typing import Any

from costd.core.errors import UsageError
from costd.engine.answers.report import read_question
from costd.engine.view import Params, View, text
from costd.ledger.board import PLACES, latest_sessions
from costd.ledger.issues import every_owner
from costd.ledger.reports import require_known


def names(view: View, params: Params) -> dict[str, Any]:
    """Every name that a question may have something of, and perhaps some more.

    Raises:
        UsageError: neither sessions nor issues are asked for, or a filter is unknown.
    """
    kind = text(params, "of")
    question = read_question(view, params)
    require_known(list(question.filters))
    if kind == "session":
        places = {n: v for n, v in question.filters.items() if n in PLACES}
        span = question.since, question.until
        found = latest_sessions(view.connection, *span, places)
    elif kind == "issue":
        found = sorted(every_owner(view.connection))
    else:
        raise UsageError(
            "names are of sessions or of issues.", "Give session or issue."
        )
    wanted = set(question.filters.get(kind, found))
    return {"names": [name for name in found if name in wanted]}
