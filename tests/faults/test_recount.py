"""Row 80 of the fault table: the ledger equals a full recount, whatever is done.

The same machine that tries it inside one process (``properties/test_exactly_once.py``)
drives a real daemon here, with its own watch, threads, socket and kills.
"""

from __future__ import annotations

import os
import shutil
import signal
from decimal import Decimal

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from everseen import EverSeen
from faults.homes import NIGHTLY, Home, Total
from properties.test_exactly_once import ExactlyOnce

EXAMPLES, STEPS = (100, 60) if NIGHTLY else (4, 40)


class RealOne(ExactlyOnce):
    """Agents write, somebody meddles, a real daemon reads and is killed."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Home(self.folder / "home-of-agents")
        self.stack.callback(self.home.kill)
        self.root = self.home.root
        self.root.mkdir(parents=True)
        self.seen = EverSeen(self.root)

    @initialize()
    def begin(self) -> None:
        self.home.start()
        self.make_log(0, is_agent=False)

    def teardown(self) -> None:
        try:
            if self.is_sound and self.home.process is not None:
                self.catch_up()
                verified = self.home.ask("/api/verify", "POST")
                assert verified["ok"], verified
                shutil.rmtree(self.root)
                self.catch_up()
        finally:
            self.stack.close()

    @invariant()
    def is_behind_whenever_files_change(self) -> None:
        """The daemon reads at moments of its own."""
        self.is_behind = True

    @rule()
    def catch_up(self) -> None:
        self.is_sound = False
        self.home.sync()
        self.is_behind = False
        self.seen.look()
        expected = self.seen.total()
        tokens = (
            expected.input
            + expected.output
            + expected.cache_read
            + expected.cache_creation_5m
            + expected.cache_creation_1h
        )
        cost = f"{Decimal(expected.cost):.9f}"
        assert self.home.total() == Total(expected.responses, tokens, cost)
        status = self.home.status()
        assert status["lower_bound"]["responses"] == expected.unfinalised
        assert status["sources"][0]["files"] == len(self.on_disk())
        self.is_sound = True

    @rule(is_clean=st.booleans())
    def restart(self, is_clean: bool = True) -> None:
        """Stopped or killed, it begins again where it was."""
        if is_clean:
            assert self.home.stop() == 0
        else:
            self.home.kill()
        self.home.start(wait="up")

    @rule(slices=st.integers(0, 3))
    def begin_to_read(self, slices: int) -> None:
        """It is held for a while: what happens meanwhile makes events all at once."""
        self.catch_up()
        self.home.signal(signal.SIGSTOP)
        for _ in range(slices):
            self.talk(slices)
        self.home.signal(signal.SIGCONT)

    @rule()
    def crash(self) -> None:
        """At whatever it is doing just now."""
        self.home.kill()
        self.home.start(wait="up")

    @rule()
    def start_a_second(self) -> None:
        """Row 40; nothing to be done here but to ask."""
        assert self.home.status()["pid"] == self.home.pid
        assert os.getpid() != self.home.pid


def test_80_a_real_daemon_equals_a_full_recount() -> None:
    run_state_machine_as_test(
        RealOne,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate],  # shrinking would take as long again for each step
            suppress_health_check=list(HealthCheck),
            derandomize=not NIGHTLY,
            database=None,
        ),
    )
