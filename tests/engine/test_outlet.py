from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costd.core.errors import PublishError
from costd.engine.outlet import LEAST_GAP_MS, Outlet


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


def test_what_is_published_to_nobody_is_never_due() -> None:
    assert Outlet(None).wait_ms(5) is None


def test_a_burst_of_changes_is_published_once_a_second() -> None:
    clock, published = Clock(), list[Mapping[str, Any]]()

    def publish(documents: Mapping[str, Any]) -> dict[str, str]:
        published.append(documents)
        return {}

    outlet = Outlet(publish)
    assert outlet.wait_ms(clock.now) == 0
    assert outlet.publish(clock, lambda: {"a": 1})
    assert outlet.wait_ms(clock.now) is None
    outlet.change()
    clock.now += 400
    assert outlet.wait_ms(clock.now) == LEAST_GAP_MS - 400
    clock.now += 600
    assert outlet.wait_ms(clock.now) == 0
    assert published == [{"a": 1}]


def test_publishing_takes_at_most_a_fiftieth_of_the_time() -> None:
    clock = Clock()

    def slow(_documents: Mapping[str, Any]) -> dict[str, str]:
        clock.now += 200
        return {}

    outlet = Outlet(slow)
    outlet.publish(clock, dict)
    outlet.change()
    assert outlet.wait_ms(clock.now) == 10_000


def test_a_clock_that_was_set_back_does_not_stop_publishing() -> None:
    clock = Clock()
    outlet = Outlet(lambda _: {})
    outlet.publish(clock, dict)
    outlet.change()
    assert outlet.wait_ms(clock.now - 3_600_000) == 0


def test_troubles_stay_until_it_goes_well() -> None:
    clock, broken = Clock(), [True]

    def publish(_documents: Mapping[str, Any]) -> dict[str, str]:
        if broken[0]:
            raise PublishError("The disk is full.")
        return {}

    outlet = Outlet(publish)
    outlet.publish(clock, dict)
    assert outlet.troubles == {"publish": "The disk is full."}
    broken[0] = False
    outlet.publish(clock, dict)
    assert outlet.troubles == {}
