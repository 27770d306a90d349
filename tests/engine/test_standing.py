from __future__ import annotations

import pytest

from costd.engine.standing import Standing


class Engine:
    """Has a clock that it sets itself, and works out a status in 100 ms."""

    def __init__(self) -> None:
        self.now = 1_000
        self.times = 0
        self.standing = Standing(lambda: self.now)

    def work_out(self) -> int:
        self.now += 100
        self.times += 1
        return self.times

    def answer(self, **params: object) -> int:
        """As when the question reaches it while much is read."""
        found = self.work_out()
        self.standing.keep("status", params, found, self.work_out)
        return found

    def step(self, *, is_over: bool = False) -> None:
        self.standing.tend(is_over=is_over)


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_nobody_is_answered_before_the_engine_has_answered_once(
    engine: Engine,
) -> None:
    assert engine.standing.answer("status", {}) is None
    engine.answer()
    assert engine.standing.answer("status", {}) == 1
    assert engine.standing.answer("status", {"tz": "Asia/Tokyo"}) is None
    assert engine.standing.answer("report", {}) is None


def test_it_is_renewed_for_those_who_ask_in_a_twentieth_of_the_time(
    engine: Engine,
) -> None:
    engine.answer()
    engine.now += 60_000
    engine.step()
    assert engine.times == 1  # nobody asked for it
    engine.standing.answer("status", {})
    engine.step()
    assert engine.standing.answer("status", {}) == 2
    engine.now += 1_999
    engine.step()
    assert engine.standing.answer("status", {}) == 2
    engine.now += 1
    engine.step()
    assert engine.standing.answer("status", {}) == 3
    engine.now -= 60_000  # the clock is set back
    engine.standing.asked_at = engine.now + 60_000
    engine.step()
    assert engine.standing.answer("status", {}) == 4


def test_when_all_is_read_the_past_is_summed_and_the_engine_is_asked_again(
    engine: Engine,
) -> None:
    engine.answer()
    engine.answer(tz="Asia/Tokyo")
    engine.step(is_over=True)
    assert engine.times == 4
    assert engine.standing.answer("status", {}) is None
    assert not engine.standing


def test_where_nobody_asks_later_nothing_is_worked_out_in_the_end(
    engine: Engine,
) -> None:
    engine.standing = Standing(lambda: engine.now, goes_on=False)
    engine.answer()
    engine.step(is_over=True)
    assert engine.times == 1
    assert engine.standing.answer("status", {}) is None


@pytest.mark.parametrize("is_over", [True, False])
def test_a_failure_leaves_nothing_old(engine: Engine, is_over: bool) -> None:
    def failing() -> int:
        raise ValueError("broken")

    engine.standing.keep("status", {}, 1, failing)
    engine.standing.answer("status", {})
    with pytest.raises(ValueError, match="broken"):
        engine.step(is_over=is_over)
    assert engine.standing.answer("status", {}) is None


def test_only_so_many_ways_of_asking_are_kept(engine: Engine) -> None:
    for number in range(20):
        engine.answer(tz=str(number))
    known = [engine.standing.answer("status", {"tz": str(n)}) for n in range(20)]
    assert known == [None] * 12 + list(range(13, 21))
