"""Which claims speak of a place, and which of them is the strongest."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.attribution import Claim, Claims, Place, selector_problem

HERE = Place(cwd="/h/me/app/src", branch="feature/a/b", repo="o/r")


def issues(*claims: Claim, place: Place = HERE, session_id: str = "s1") -> list[str]:
    return [claim.issue for claim in Claims(claims).about(place, session_id)]


def test_an_exact_id_selects_itself_only() -> None:
    claims = Claims(
        [
            Claim(1, "session", "s1", "A-1"),
            Claim(2, "agent", "s1", "A-2"),
            Claim(3, "pid", "41", "A-3"),
        ]
    )
    everything = claims.about(HERE, "s1", agent_id="s1", pids=(41,))
    assert {claim.issue for claim in everything} == {"A-1", "A-2", "A-3"}
    assert claims.about(HERE, "s", agent_id="", pids=(4,)) == []
    assert len(claims) == 3


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("feature/a/b", True),
        ("feature/*", True),
        ("*", True),
        ("feature/?/b", True),
        ("feature/[a-c]/b", True),
        ("feature/a", False),
        ("feature", False),
        ("Feature/*", False),
        ("feature/a/b.*", False),
        ("[", False),
    ],
)
def test_a_branch_is_selected_by_a_glob(pattern: str, matches: bool) -> None:
    assert issues(Claim(1, "branch", pattern, "A-1")) == ["A-1"] * matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("/h/me/app/src", True),
        ("/h/me/app", True),
        ("/h/me/app/", True),
        ("/h//me/./app", True),
        ("/", True),
        ("/h/*/app", True),
        ("/h/*", True),
        ("/h/**/src", True),
        ("/**/src", True),
        ("/h/me/ap?", True),
        ("**", True),
        ("/h/me/ap", False),
        ("/h/*/src", False),
        ("/h/me/app/src/deep", False),
        ("/h/me/app/src/*", False),
        ("/h/**/test", False),
        ("/h/me/**/me", False),
        ("h/me", False),
    ],
)
def test_a_directory_covers_all_below(pattern: str, matches: bool) -> None:
    assert issues(Claim(1, "cwd", pattern, "A-1")) == ["A-1"] * matches


def test_windows_directories_are_covered_too() -> None:
    claim = Claim(1, "cwd", r"C:\p\app", "A-1")
    assert issues(claim, place=Place(cwd=r"C:\p\app\src")) == ["A-1"]


def test_the_real_branch_is_what_a_claim_selects() -> None:
    place = Place(branch="stale", worktree_branch="real")
    claims = [Claim(1, "branch", "stale", "A-1"), Claim(2, "branch", "real", "A-2")]
    assert issues(*claims, place=place) == ["A-2"]


def test_a_claim_can_be_narrowed_to_a_directory() -> None:
    claims = [
        Claim(1, "branch", "feature/*", "A-1", within="/h/me/app"),
        Claim(2, "branch", "feature/*", "A-2", within="/h/me/other"),
    ]
    assert issues(*claims) == ["A-1"]


def test_the_stronger_rule_then_one_thing_then_the_later_claim_wins() -> None:
    claims = [
        Claim(1, "cwd", "/h", "A-1", rule="manual", made_at=1),
        Claim(2, "session", "s1", "A-2", made_at=3),
        Claim(3, "session", "s1", "A-3", made_at=2),
        Claim(5, "branch", "*", "A-4", made_at=9),
        Claim(4, "cwd", "/h", "A-5", made_at=9),
        Claim(6, "session", "s1", "A-6", rule="env", made_at=99),
        Claim(7, "session", "s1", "A-7", rule="orchestrator", made_at=99),
    ]
    expected = [f"A-{number}" for number in range(1, 8)]
    for shuffled in list(permutations(claims))[::97]:
        assert issues(*shuffled) == expected


@pytest.mark.parametrize(
    "claim",
    [
        Claim(1, "session", "s1", "A-1", revoked_at=5),
        Claim(1, "session", "s1", "A-1", from_at=5, until_at=5),
        Claim(1, "session", "s1", "A-1", from_at=6, until_at=5),
    ],
)
def test_a_claim_that_never_holds_is_left_out(claim: Claim) -> None:
    assert not claim.is_live
    assert issues(claim) == []


@pytest.mark.parametrize(
    ("selector", "value", "reason"),
    [
        ("session", "5f0c-1", ""),
        ("pid", "4711", ""),
        ("branch", "feature/*", ""),
        ("cwd", "/h/me", ""),
        ("cwd", "C:\\p", ""),
        ("cwd", "**/app", ""),
        ("tag", "x", "no selector"),
        ("session", "", "empty"),
        ("session", " ", "empty"),
        ("session", "x" * 1025, "long"),
        ("branch", "a\x00b", "control"),
        ("pid", "0", "process"),
        ("pid", "x", "process"),
        ("cwd", "app", "absolute"),
    ],
)
def test_selectors_are_checked(selector: str, value: str, reason: str) -> None:
    problem = selector_problem(selector, value)
    assert reason in problem
    assert bool(problem) == bool(reason)


def covers(pattern: list[str], parts: list[str]) -> bool:
    """The meaning of a directory glob, written down as plainly as possible."""
    if not pattern:
        return True
    head, *rest = pattern
    if head == "**":
        return any(covers(rest, parts[skip:]) for skip in range(len(parts) + 1))
    if not parts:
        return False
    return head in ("*", parts[0]) and covers(rest, parts[1:])


PARTS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6)
WILD = st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=5)


@given(pattern=WILD, parts=PARTS)
def test_directory_globs_match_their_plain_meaning(
    pattern: list[str], parts: list[str]
) -> None:
    claim = Claim(1, "cwd", "/" + "/".join(pattern), "A-1")
    found = issues(claim, place=Place(cwd="/" + "/".join(parts)))
    assert bool(found) == covers(["", *pattern], ["", *parts])


def test_a_glob_full_of_stars_is_no_burden() -> None:
    claims = [
        Claim(1, "branch", "*a" * 500, "A-1"),
        Claim(2, "cwd", "/" + "**/a/" * 200 + "z", "A-2"),
        Claim(3, "cwd", "/" + "*a" * 400 + "/z", "A-3"),
    ]
    place = Place(cwd="/" + "a/" * 400 + "a" * 400, branch="a" * 499 + "b")
    assert issues(*claims, place=place) == []
