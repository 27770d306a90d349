"""With every beat: what is wrong is remembered, and told to whom it concerns."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from costd.core.errors import CostdError
from costd.engine.answers.health import problems, unpriced_models
from costd.engine.answers.problem import ERROR
from costd.engine.view import View

_ENOUGH_BYTES = 250 << 20
"""A little more than what is little: else it would be told each time that it is over."""


def sound(view: View, on_change: Callable[[], None]) -> None:
    """Look at what is wrong; ``on_change`` where there is something to send."""
    found = problems(view)
    view.alarm.beat(found, view.now)
    errors = frozenset(p["code"] for p in found if p["severity"] == ERROR)
    codes = {p["code"] for p in found}
    present = {
        "data_stopped": errors,
        "ledger_recovered": frozenset(report.name for report in view.care.reports),
    }
    free = view.care.disk_free
    if "disk_low" in codes or (free is not None and free >= _ENOUGH_BYTES):
        present["disk_low"] = frozenset({"disk_low"} & codes)
    if not view.intake.is_importing and not view.care.is_recovering:
        # While much is read there are others with every beat.
        present["unpriced_models"] = frozenset(unpriced_models(view))
    if view.alarm.alerts.events:
        with suppress(CostdError):  # a new ledger gets its name now
            _ = view.telling.clock
    if view.alarm.alerts.beat(view.ledger, present, view.now):
        on_change()
