"""What an agent's hook says: a log has grown, a session runs for an issue."""

from __future__ import annotations

from typing import Any

from costd.core.attribution import declared
from costd.core.errors import UsageError
from costd.core.summary import envelope
from costd.engine.answers import answer_to
from costd.engine.view import Params, View, text


def hook(view: View, params: Params) -> dict[str, Any]:
    """Read the log now, and link the session to the issue that its environment names.

    ``params`` are those of ``cli.agents.hook``: ``session``, and perhaps ``transcript``,
    ``environment`` (only the variables that name an owner), ``from`` and ``key``.

    Raises:
        UsageError: they are not.
    """
    if transcript := text(params, "transcript"):
        view.intake.hint(transcript)
    owner = declared(_environment(params))
    link = answer_to("link")
    if not owner.issue or link is None:
        return envelope(view.now, linked=False)
    claim = {
        "session": text(params, "session"),
        "issue": owner.issue,
        "role": owner.role,
        "from": text(params, "from"),
        "key": text(params, "key"),
        "at": params.get("at"),
        "rule": "env",
        "source": "hook",
        "note": owner.evidence,
    }
    link(view, {name: value for name, value in claim.items() if value})
    return envelope(view.now, linked=True, issue=owner.issue)


def _environment(params: Params) -> dict[str, str]:
    given = params.get("environment") or {}
    if not isinstance(given, dict) or not all(
        isinstance(v, str) for v in given.values()
    ):
        raise UsageError(
            "environment must be an object of texts.", "As costd hook has it."
        )
    return given
