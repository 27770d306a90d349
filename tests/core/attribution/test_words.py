"""Roles, environments and sentences: what agents say and what people read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.attribution import (
    BUCKETS,
    ROLES,
    Attribution,
    Declared,
    Keys,
    Place,
    attribute_place,
    declared,
    role_of,
    sentence,
    session_type,
)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("planning", "planning"),
        ("Plan", "planning"),
        ("feature-dev:code-architect", "planning"),
        ("implementation", "implementation"),
        ("worker", "implementation"),
        ("polecat", "implementation"),
        ("code-simplifier:code-simplifier", "implementation"),
        ("review", "review"),
        ("superpowers:code-reviewer", "review"),
        ("pr-review-toolkit:silent-failure-hunter", "review"),
        ("specialist-12-review-security", "review"),
        ("CodeReviewer", "review"),
        ("review-tools:worker", "implementation"),
        ("guardian", "review"),
        ("pr-review-toolkit:pr-test-analyzer", "test"),
        ("test-runner", "test"),
        ("Explore", "research"),
        ("claude-code-guide", "research"),
        ("debugger", "debug"),
        ("docs-writer", "documentation"),
        ("refinery", "merge"),
        ("mayor", "orchestration"),
        ("acompact", "maintenance"),
        ("statusline-setup", "maintenance"),
        ("general-purpose", ""),
        ("Bash", ""),
        ("", ""),
        ("\x00" * 5000, ""),
    ],
)
def test_many_words_are_few_roles(name: str, role: str) -> None:
    assert role_of(name) == role


@given(st.text(max_size=300))
def test_any_word_is_a_role_or_none(name: str) -> None:
    assert role_of(name) in ROLES | {""}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_is_its_own_name(role: str) -> None:
    assert role_of(role) == role


def test_the_session_map_knows_four_types() -> None:
    assert session_type("planning") == "planning"
    assert session_type("review") == "review"
    assert session_type("test") == session_type("") == "other"


@pytest.mark.parametrize(
    ("environment", "issue", "role"),
    [
        ({"COSTD_ISSUE": "min-3", "COSTD_ROLE": "reviewer"}, "MIN-3", "review"),
        ({"COSTD_ISSUE": "MIN-3", "PAN_ISSUE_ID": "PAN-4"}, "MIN-3", ""),
        ({"COSTD_ISSUE": "", "PAN_ISSUE_ID": "PAN-4"}, "PAN-4", ""),
        ({"COSTD_ISSUE": "../x", "GT_ISSUE": "gt-ab1c"}, "gt-ab1c", ""),
        (
            {"OVERDECK_ISSUE_ID": "PAN-1", "OVERDECK_SESSION_TYPE": "planning"},
            "PAN-1",
            "planning",
        ),
        (
            {"GT_WORK_BEAD": "gt-x7k2m.1", "GT_ROLE": "polecat"},
            "gt-x7k2m.1",
            "implementation",
        ),
        ({"AO_ISSUE_ID": "#74"}, "o/r#74", ""),
        ({"AO_ISSUE_ID": "GH-42"}, "o/r#42", ""),
        ({"ADE_LINEAR_ISSUE_IDS": "ENG-1,ENG-2"}, "ENG-1", ""),
        ({"MULTICA_TASK_ID": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}, "", ""),
        ({"EMDASH_TASK_ID": "ENG-5"}, "ENG-5", ""),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=b, gt.work_bead=gt-ab1c"}, "gt-ab1c", ""),
        ({"PAN_ISSUE_ID": "unknown"}, "", ""),
        ({"GT_ROLE": "mayor"}, "", "orchestration"),
        ({"ISSUE": "MIN-3"}, "", ""),
        ({}, "", ""),
    ],
)
def test_an_environment_declares_issue_and_role(
    environment: dict[str, str], issue: str, role: str
) -> None:
    found = declared(environment, "o/r")
    assert (found.issue, found.role) == (issue, role)


def test_the_first_of_several_issues_is_said_to_be_so() -> None:
    found = declared({"ADE_LINEAR_ISSUE_IDS": "ENG-1, ENG-2"})
    assert found == Declared("ENG-1", "", "ADE_LINEAR_ISSUE_IDS, the first of several")


def test_a_sentence_says_owner_reason_and_certainty() -> None:
    found = attribute_place(
        Place(branch="planning-min-3"), Keys(configured=frozenset({"MIN"}))
    )
    assert sentence(found) == (
        "Counts toward MIN-3, in the role planning: the branch names it"
        " (known key MIN in planning-min-3; 95 % sure)."
    )


def test_a_sentence_tells_what_else_was_seen() -> None:
    found = attribute_place(Place(branch="x/abc-3"), Keys())
    assert "none:no-match" in sentence(found)
    assert "Perhaps ABC-3 (50 % sure)" in sentence(found)


@pytest.mark.parametrize("bucket", sorted(BUCKETS))
def test_every_bucket_is_explained(bucket: str) -> None:
    text = sentence(Attribution(bucket, "", "bucket", 100, "branch x"))
    assert BUCKETS[bucket] in text
    assert "branch x" in text


def test_a_bucket_that_somebody_named_is_a_claim() -> None:
    text = sentence(Attribution("none:overhead", "", "claim", 100, "claim 1"))
    assert text == (
        "Counts toward none:overhead: somebody said so (claim 1; 100 % sure)."
    )
