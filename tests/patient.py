"""costd's own messengers wait a moment only; a test on a busy machine waits longer."""

from __future__ import annotations

import pytest

from costd import client
from costd.cli.agents import hook

SECONDS = 100.0


def patient(patch: pytest.MonkeyPatch) -> None:
    """Have whoever tells a daemon something wait until that has answered."""
    ask = client.ask

    def ask_patiently(
        method: str,
        path: str,
        params: dict[str, object] | list[dict[str, object]] | None,
        _seconds: float,
    ) -> dict[str, object]:
        return ask(method, path, params, SECONDS)

    patch.setattr(client, "ask", ask_patiently)
    patch.setattr(hook, "SECONDS", SECONDS)
