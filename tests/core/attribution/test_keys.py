"""How keys become known, and that a list which cannot be used matches less."""

from __future__ import annotations

import pytest

from costd.core.attribution import (
    Keys,
    Place,
    attribute_place,
    from_history,
    promoted,
    usable_keys,
)


def test_three_numbers_with_a_high_one_promote_a_key() -> None:
    branches = ["feature/abc-1", "x/abc-2-title", "abc-30"]
    assert promoted(branches) == {"ABC"}


@pytest.mark.parametrize(
    "branches",
    [
        ["abc-1", "abc-2", "abc-29"],
        ["abc-31", "abc-32"],
        ["abc-31", "x/abc-31", "abc-31-title"],
        ["phase-31", "phase-32", "phase-33"],
        ["title-of-abc-31", "title-of-abc-32", "title-of-abc-33"],
        ["vk/a04a-1", "opus-4-5", "abc-2024", "abc-2025", "abc-2026"],
        ["abc-31-1", "abc-32-2", "abc-33-3"],
        [],
    ],
)
def test_less_does_not_promote_it(branches: list[str]) -> None:
    assert promoted(branches) == frozenset()


def test_a_second_try_is_no_version() -> None:
    assert promoted(["abc-431-2", "abc-432", "abc-433-10"]) == {"ABC"}


def test_a_promoted_key_counts_in_its_repository_only() -> None:
    keys = Keys(by_repo={"o/a": promoted(["abc-1", "abc-2", "abc-30"])})
    there = attribute_place(Place(branch="abc-4", repo="o/a"), keys)
    elsewhere = attribute_place(Place(branch="abc-4", repo="o/b"), keys)
    assert (there.issue, there.confidence) == ("ABC-4", 95)
    assert elsewhere.issue == "none:no-match"


def test_a_configured_list_shuts_out_what_was_found_out() -> None:
    keys = Keys(
        configured=frozenset(),
        tracker=frozenset({"ABC"}),
        by_repo={"o/a": frozenset({"ABC"})},
    )
    assert attribute_place(Place(branch="ABC-4", repo="o/a"), keys).is_bucket


def test_a_trackers_keys_count_everywhere() -> None:
    keys = Keys(tracker=frozenset({"ABC"}))
    assert attribute_place(Place(branch="abc-4"), keys).issue == "ABC-4"


def test_history_knows_keys_that_stand_in_three_subjects() -> None:
    subjects = ["ABC-1: a thing", "another (ABC-2)", "fix ABC-2 again", "XY-1: b"]
    assert from_history(subjects) == {"ABC"}


@pytest.mark.parametrize(
    "subjects",
    [
        ["ABC-1 a", "ABC-2 b"],
        ["ABC-1 a", "ABC-2 a"] * 5,
        ["COVID-19 a", "COVID-19 b", "TABLE-19 c"],
        ["ABC-19 a", "ABC-19 b", "ABC-19 c"],
        ["abc-1 a", "abc-2 b", "abc-3 c"],
        ["UTF-8 a", "UTF-16 b", "UTF-32 c"],
        ["CVE-2024-1 a", "CVE-2024-2 b", "CVE-2025-3 c"],
    ],
)
def test_less_history_proves_nothing(subjects: list[str]) -> None:
    assert from_history(subjects) == frozenset()


def test_a_malformed_list_matches_less_and_says_what_is_wrong() -> None:
    keys, refused = usable_keys([" min ", "MY_PROJ", "a-b", "", 7, ".*", "1A"])
    assert keys == {"MIN", "MY_PROJ"}
    assert refused == ("'a-b'", "''", "7", "'.*'", "'1A'")
    assert usable_keys(["*"])[0] == frozenset()
