"""The log of what goes wrong while requests are answered."""

from __future__ import annotations

from structlog.testing import capture_logs

from costd.service.failures import Failures

MINUTE = 60_000


def test_the_same_failure_is_told_once_a_minute_with_its_count() -> None:
    now = [0]
    note = Failures(lambda: now[0])
    with capture_logs() as told:
        for _ in range(3):
            note("connection", OSError("secret"))
        note("connection", ValueError())
        now[0] = MINUTE
        note("connection", OSError())
        note("connection", OSError())
    assert [(entry["error"], entry["times"]) for entry in told] == [
        ("OSError", 1),
        ("ValueError", 1),
        ("OSError", 3),
    ]
    assert "secret" not in str(told)


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    now = [10 * MINUTE]
    note = Failures(lambda: now[0])
    with capture_logs() as told:
        note("x", OSError())
        now[0] = 0
        note("x", OSError())
    assert len(told) == 2
