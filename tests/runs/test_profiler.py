"""Phases of a run: every number here was worked out by hand."""

from __future__ import annotations

import pytest

from costd.runs.profiler import PhaseProfiler, since


def run(story: str) -> PhaseProfiler:
    """``+a@1 -a@3``: a begins at one second and ends at three."""
    profiler = PhaseProfiler(0.0)
    for word in story.split():
        name, _, at = word[1:].partition("@")
        (profiler.start if word[0] == "+" else profiler.end)(name, float(at))
    return profiler


# phase: total, own, count, avg, max, min, percent
@pytest.mark.parametrize(
    ("story", "at", "expected", "own"),
    [
        ("", 10, {}, {"other": 10_000}),
        (
            "+a@1 -a@4",
            10,
            {"a": (3000, 3000, 1, 3000, 3000, 3000, 30)},
            {"a": 3000, "other": 7000},
        ),
        (
            "+a@0 -a@1 +a@2 -a@5",
            8,
            {"a": (4000, 4000, 2, 2000, 3000, 1000, 50)},
            {"a": 4000, "other": 4000},
        ),
        (  # one within another
            "+a@0 +b@2 -b@3 +b@4 -b@8 -a@10",
            20,
            {
                "a": (10_000, 5000, 1, 10_000, 10_000, 10_000, 50),
                "b": (5000, 5000, 2, 2500, 4000, 1000, 25),
            },
            {"a": 5000, "b": 5000, "other": 10_000},
        ),
        (  # one within itself is the same time
            "+a@0 +a@1 -a@2 -a@4",
            4,
            {"a": (4000, 4000, 1, 4000, 4000, 4000, 100)},
            {"a": 4000, "other": 0},
        ),
        (  # the outer one ends what lies in it
            "+a@0 +b@1 -a@3 -b@4",
            4,
            {
                "a": (3000, 1000, 1, 3000, 3000, 3000, 75),
                "b": (2000, 2000, 1, 2000, 2000, 2000, 50),
            },
            {"a": 1000, "b": 2000, "other": 1000},
        ),
        (  # still open
            "+a@1",
            3,
            {"a": (2000, 2000, 1, 2000, 2000, 2000, 200 / 3)},
            {"a": 2000, "other": 1000},
        ),
        ("-a@1", 2, {}, {"other": 2000}),  # what never began
        (  # a clock that goes back stands still
            "+a@5 -a@3",
            5,
            {"a": (0, 0, 1, 0, 0, 0, 0)},
            {"a": 0, "other": 5000},
        ),
        ("+a@0 -a@0", 0, {"a": (0, 0, 1, 0, 0, 0, None)}, {"a": 0, "other": 0}),
    ],
)
def test_the_times_of_phases(
    story: str, at: float, expected: dict[str, tuple[float, ...]], own: dict[str, float]
) -> None:
    profiler = run(story)
    found = {each.phase: tuple(each)[1:] for each in profiler.summary(at)}
    assert found == {name: pytest.approx(values) for name, values in expected.items()}
    assert profiler.own_ms(at) == pytest.approx(own)
    # disjoint: together they are the run
    assert sum(profiler.own_ms(at).values()) == pytest.approx(at * 1000)


def test_the_longest_phase_comes_first() -> None:
    story = "+short@0 -short@1 +long@1 -long@9"
    assert [each.phase for each in run(story).summary(9)] == ["long", "short"]


def test_what_came_since() -> None:
    now, before = {"a": 5.0, "b": 2.0, "c": 1.0}, {"a": 3.0, "b": 2.0}
    assert since(now, before) == {"a": 2.0, "c": 1.0}
