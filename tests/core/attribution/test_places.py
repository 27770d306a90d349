"""Worktree, branch and bucket together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.attribution import (
    BUCKETS,
    Keys,
    Place,
    attribute_place,
    valid_issue,
)

KEYS = Keys(configured=frozenset({"MIN", "ENG"}))
REPO = "o/r"


@pytest.mark.parametrize(
    "cwd",
    [
        "/p/app/workspaces/feature-min-3",
        "/p/app/workspaces/feature-min-3/src/deep/admin-2",
        "/p/app/.worktrees/min-3-title",
        "/p/app/.worktrees/feature/min-3-title",
        "/p/app/worktrees/min-3",
        "/p/app-worktrees/somebody-min-3",
        "/p/app/.claude/worktrees/min-3/src",
        "/tmp/symphony_workspaces/MIN-3",
        "/h/.superset/worktrees/app/min-3-title",
        "/h/.claude-squad/worktrees/me/min-3_18a2b3c4d5e6f7a8/src",
        "/p/rig/polecats/min-3",
        "/p/app/workspaces/feature-min-3/.claude/worktrees/agent-a1b2c3d4",
        r"C:\p\app\.worktrees\min-3\src",
    ],
)
def test_the_directory_of_a_worktree_names_the_issue(cwd: str) -> None:
    found = attribute_place(Place(cwd=cwd, branch="main", repo=REPO), KEYS)
    assert (found.issue, found.rule, found.confidence) == ("MIN-3", "worktree-path", 90)


@pytest.mark.parametrize(
    "cwd",
    [
        "/p/min-3",
        "/p/workspace/min-3",
        "/p/app/workspaces",
        "/h/.superset/worktrees/min-3",
        "/p/app/.worktrees/2",
        "/h/conductor/workspaces/min-3/oslo",
        "/h/.codex/worktrees/min-3/app",
        "/tmp/vibe-kanban/worktrees/a04a-min-3",
        "/p/app/worktrees/dark-mode/min-3",
        "/h/.claude/projects/-p-app-workspaces-feature-min-3",
        "",
        "/",
    ],
)
def test_other_directories_say_nothing(cwd: str) -> None:
    found = attribute_place(Place(cwd=cwd, branch="main", repo=REPO), KEYS)
    assert found.issue == "none:default-branch"


def test_a_directory_is_no_surer_than_what_it_says() -> None:
    place = Place(cwd="/p/worktrees/77-title", branch="main", repo=REPO)
    found = attribute_place(place, KEYS)
    assert (found.issue, found.confidence) == ("o/r#77", 60)


def test_worktree_and_branch_that_disagree_are_ambiguous() -> None:
    place = Place(cwd="/p/worktrees/min-3", branch="feature/min-4", repo=REPO)
    found = attribute_place(place, KEYS)
    assert found.issue == "none:ambiguous"
    assert "MIN-3" in found.evidence
    assert "MIN-4" in found.evidence


def test_the_real_branch_of_the_worktree_decides() -> None:
    place = Place(
        cwd="/p/worktrees/min-3",
        branch="feature/min-3",
        repo=REPO,
        worktree_branch="feature/min-4",
    )
    found = attribute_place(place, KEYS)
    assert (found.issue, found.rule) == ("MIN-4", "branch")


def test_a_stale_branch_gives_way_to_the_real_one() -> None:
    place = Place(cwd="/p/app", branch="min-3", repo=REPO, worktree_branch="eng-4")
    assert attribute_place(place, KEYS).issue == "ENG-4"


def test_two_candidates_that_disagree_are_no_match() -> None:
    place = Place(cwd="/p/worktrees/abc-3", branch="xyz-4", repo=REPO)
    found = attribute_place(place, Keys())
    assert (found.issue, found.candidate) == ("none:no-match", "ABC-3")


@pytest.mark.parametrize(
    ("folder", "branch", "issue"),
    [
        ("min-3", "77-title", "MIN-3"),
        ("77-title", "min-3", "MIN-3"),
        ("min-3", "admin-2", "MIN-3"),
        ("min-3-eng-4", "eng-4", "ENG-4"),
        ("min-3", "min-3-slot-2", "MIN-3"),
    ],
)
def test_the_clearer_of_two_wins(folder: str, branch: str, issue: str) -> None:
    place = Place(cwd=f"/p/worktrees/{folder}", branch=branch, repo=REPO)
    assert attribute_place(place, KEYS).issue == issue


@pytest.mark.parametrize(
    ("place", "bucket"),
    [
        (Place(branch="main"), "none:default-branch"),
        (Place(branch="HEAD"), "none:default-branch"),
        (Place(branch="MASTER", repo=REPO), "none:default-branch"),
        (Place(branch="origin/Main"), "none:default-branch"),
        (Place(branch="refs/heads/develop"), "none:default-branch"),
        (Place(branch="v7-12", default_branch="v7-12"), "none:default-branch"),
        (Place(branch="MIN-3", default_branch="MIN-3"), "none:default-branch"),
        (Place(branch="dependabot/pip/x-1.2"), "none:bot-branch"),
        (Place(branch="renovate/eng-12"), "none:bot-branch"),
        (Place(branch="snyk-fix-0a1b"), "none:bot-branch"),
        (Place(), "none:no-repo"),
        (Place(cwd="/srv/x"), "none:no-repo"),
        (Place(cwd="/home/me", branch="HEAD"), "none:no-repo"),
        (Place(cwd="/Users/me/", branch="HEAD"), "none:no-repo"),
        (Place(cwd="/root", branch=""), "none:no-repo"),
        (Place(cwd="/srv/x", branch="HEAD", is_repo=False), "none:no-repo"),
        (Place(cwd="/srv/x", branch="", is_repo=True), "none:no-match"),
        (Place(cwd="/srv/x", branch="", repo=REPO), "none:no-match"),
        (Place(cwd="/home/me", branch="main", repo=REPO), "none:default-branch"),
        (Place(branch="dark-mode", repo=REPO), "none:no-match"),
        (Place(branch="main", agent_type="orchestrator"), "none:orchestrator"),
        (Place(cwd="/h/gt/mayor", branch="main"), "none:orchestrator"),
        (Place(cwd="/h/gt/app/refinery/rig", branch="main"), "none:orchestrator"),
    ],
)
def test_the_rest_lands_in_a_named_bucket(place: Place, bucket: str) -> None:
    found = attribute_place(place, KEYS)
    assert (found.issue, found.rule, found.confidence) == (bucket, "bucket", 100)


def test_an_orchestrator_on_an_issue_works_on_the_issue() -> None:
    place = Place(branch="min-3", repo=REPO, agent_type="coordinator")
    found = attribute_place(place, KEYS)
    assert (found.issue, found.role) == ("MIN-3", "orchestration")


@pytest.mark.parametrize(
    ("branch", "agent_type", "role"),
    [
        ("planning-min-3", "", "planning"),
        ("feature/min-3", "", ""),
        ("planning-min-3", "code-reviewer", "review"),
        ("main", "Explore", "research"),
    ],
)
def test_the_role_is_the_agents_else_the_names(
    branch: str, agent_type: str, role: str
) -> None:
    place = Place(branch=branch, repo=REPO, agent_type=agent_type)
    assert attribute_place(place, KEYS).role == role


def test_json_shows_confidence_from_0_to_1() -> None:
    found = attribute_place(Place(branch="min-3", repo=REPO), KEYS)
    assert found.as_json() == {
        "issue": "MIN-3",
        "role": "",
        "rule": "branch",
        "confidence": 0.95,
        "evidence": "known key MIN in min-3",
    }


def test_json_shows_a_candidate_where_there_is_one() -> None:
    found = attribute_place(Place(branch="abc-3", repo=REPO), Keys())
    assert found.as_json()["candidate"] == "ABC-3"
    assert found.as_json()["candidate_confidence"] == 0.4


PIECES = st.sampled_from(
    [
        *("min", "ENG", "-", "_", "/", "12", "3", "#", "fix", "issue", "pr", "0", "."),
        *("2024", "04", "13", "polecat", "gt", "@", "worktrees", "workspaces", "vk"),
        *("revert", "patch", "wt", "agent", "\\", "\x00", "\x1b[31m", "é", "\ud800"),
    ]
)
NAMES = st.text(max_size=40) | st.lists(PIECES, max_size=14).map("".join)


@given(
    cwd=NAMES,
    branch=NAMES,
    repo=NAMES,
    real=NAMES,
    keys=st.sampled_from(
        [KEYS, Keys(), Keys(configured=frozenset()), Keys(beads=frozenset({"gt"}))]
    ),
)
def test_any_text_has_one_printable_owner(
    cwd: str, branch: str, repo: str, real: str, keys: Keys
) -> None:
    place = Place(cwd=cwd, branch=branch, repo=repo, worktree_branch=real)
    found = attribute_place(place, keys)
    assert found == attribute_place(place, keys)
    assert found.issue in BUCKETS or valid_issue(found.issue) == found.issue
    assert not found.candidate or valid_issue(found.candidate) == found.candidate
    assert found.evidence.isprintable()
    assert len(found.evidence) < 400


@pytest.mark.parametrize("text", ["a-1-", "fix-", "a_a_", "1.", "ENG-1-", "/", "é-1"])
def test_a_very_long_name_is_no_burden(text: str) -> None:
    for size in (100, 2_000):
        name = text * size
        place = Place(cwd=f"/p/worktrees/{name}", branch=name, repo=REPO)
        assert attribute_place(place, KEYS).is_bucket
