"""While much is read for the first time, whoever asks how it is gets an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.daemons import until
from faults.homes import Home
from loglines import user

BULK = user(1, "x" * 60_000)

# An engine that records nothing before it is allowed to, and then stands still in the
# middle of a transaction for as long as it is told.
GATED = """
import os, time
from costd.engine.intake import Intake
from costd.ledger import Ledger
def there(name):
    return os.path.exists(os.environ["GATE"] + name)
advance, record = Intake.advance, Ledger.record
def gated(self, *values):
    if there("go"):
        return advance(self, *values)
    self._feed()
    open(os.environ["GATE"] + "reading", "w").close()
    time.sleep(0.01)
def held(self, *values):
    done = record(self, *values)
    open(os.environ["GATE"] + "holding", "w").close()
    while there("hold"):
        time.sleep(0.01)
    return done
Intake.advance, Ledger.record = gated, held
"""


@pytest.fixture
def gate(home: Home) -> Path:
    home.env["GATE"] = f"{home.top}/gate-"
    return home.top


def test_a_status_waits_for_nothing_that_the_engine_is_at(
    home: Home, gate: Path
) -> None:
    for number in range(1, 5):
        home.respond(number, log=number)
        home.append(BULK * 220, log=number)
    home.start(hook=GATED, wait="up")
    until((gate / "gate-reading").exists, "the import")
    assert home.source()["bytes_behind"] > 0
    (gate / "gate-hold").touch()
    (gate / "gate-go").touch()
    until((gate / "gate-holding").exists, "the engine to be busy")
    for _ in range(3):  # in vain, if these were questions to the engine
        assert home.source()["bytes_behind"] > 48_000_000
    (gate / "gate-hold").unlink()
    # What the last status said is not said any longer than it is true.
    home.sync()
    assert home.source()["bytes_behind"] == 0
    assert home.total() == home.on_disk()
