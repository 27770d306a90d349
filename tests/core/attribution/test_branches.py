"""What a branch's name says: own cases here, the shared corpus where it is present."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from costd.core.attribution import Keys, Place, attribute_place

REPO = "o/r"
KEYS = frozenset({"MIN", "PAN", "ENG", "DHIS2", "MG01", "CCR"})
CLOSED = Keys(configured=KEYS)
OPEN = Keys()
DISCOVERED = Keys(by_repo={REPO: KEYS})

# Right whether the keys are configured or found out.
KNOWN = [
    ("feature/min-7", "MIN-7"),
    ("feature-min-7-slot-3", "MIN-7"),
    ("planning-pan-88", "PAN-88"),
    ("somebody/eng-1394-a-title", "ENG-1394"),
    ("agent/dev-b/eng-4", "ENG-4"),
    ("fix_min_12_underscores", "MIN-12"),
    ("Eng-12-Title-Case", "ENG-12"),
    ("dhis2-4433-8", "DHIS2-4433"),
    ("11-23-mg01-9_graphite", "MG01-9"),
    ("worktree-eng-12", "ENG-12"),
    ("refs/heads/feature/min-4", "MIN-4"),
    ("origin/feature/min-4", "MIN-4"),
    ("revert-31-feature/min-4", "MIN-4"),
    ("revert-32-revert-31-min-4", "MIN-4"),
    ("hotfix/2.0.1-eng-5", "ENG-5"),
    ("eng-5-to-v2.0.1", "ENG-5"),
    ("ccr-9-utf-8-in-logs", "CCR-9"),
    ("eng-2025-the-two-thousandth", "ENG-2025"),
    ("eng-12/min-13", "ENG-12"),
    ("min-12-again-min-12", "MIN-12"),
]

# Right in any world.
ANYWHERE = [
    ("claude/issue-98-20261103-0807", "o/r#98"),
    ("claude/pr-12-20261103-0807", "o/r!12"),
    ("codex/issue-4411-a-title", "o/r#4411"),
    ("issues/7674/fix-it", "o/r#7674"),
    ("issue#2136", "o/r#2136"),
    ("Issue_33_title", "o/r#33"),
    ("gh-issue-12-title", "o/r#12"),
    ("docs/gh-2707-guide", "o/r#2707"),
    ("bug/GH-9", "o/r#9"),
    ("ticket-45", "o/r#45"),
    ("fix-issue-325", "o/r#325"),
    ("294-could-not-find-it", "o/r#294"),
    ("fix/1234-typo", "o/r#1234"),
    ("feat/#12-marked", "o/r#12"),
    ("somebody/feature/77", "o/r#77"),
    ("v8/375-adr-0091-pricing", "o/r#375"),
    ("bugfix/bug_2133", "o/r#2133"),
    ("fix-1984", "o/r#1984"),
    ("revert-31-fix/98-title", "o/r#98"),
    ("revert-32-revert-31-98-title", "o/r#98"),
    ("pr/35", "o/r!35"),
    ("pull/35/head", "o/r!35"),
    ("review/pr-41", "o/r!41"),
    ("mr-7-follow-up", "o/r!7"),
    ("polecat/nux/gt-abc1@mk12ab34", "gt-abc1"),
    ("polecat/nux/gt-abc@mkabcdef", "gt-abc"),
    ("polecat/nux/gt-4kp9.5.1--moiitf15", "gt-4kp9.5.1"),
    ("ABI-2999-upper-case", "ABI-2999"),
    ("fix/some-KFK-3", "KFK-3"),
    ("KFK-3-again-KFK-3", "KFK-3"),
]

NOTHING = [
    *("main", "develop", "HEAD", "gh-pages", "a-name", "", "/", "-", "#"),
    *("admin-2", "feature/admin-3-panel", "fix/utf-8", "FIX/UTF-8", "add-SHA-256"),
    *("CVE-2024-1234", "ISO-8601-dates", "PROJ-123", "feature/gpt-5", "gpt-4o"),
    *("sphinx-8", "node-20", "python-3.12", "phase-2", "user/take-2", "fix-2"),
    *("upstream-2026-04-13", "RELEASE-2026-04", "daily-20260413", "20260413-lint"),
    *("2025-plans", "feat/2026", "260413-notes", "2022-02-01", "FOO-2024"),
    *("001-spec", "fix/06-peek", "feature/min-0123", "0-values", "today-7d"),
    *("2-factor", "feat/3-way-merge", "fix/404-page", "500-error", "386-on-freebsd"),
    *("4-digit-code", "1-to-many", "1-on-1-notes", "5-star-rating", "16-kb-pages"),
    *("fix/403-forbidden", "429-rate-limit", "500-internal-server-error"),
    *("2026/11/21-title", "backport/5.x/123", "lts/18", "K8S-12", "EC2-3"),
    *("v1.2.3", "release-1.2", "hotfix/2.0.1-rc1", "1.x", "release/12", "sprint/3-a"),
    *("dependabot/npm/eng-4", "renovate/min-4", "vk/a04a-eng-4", "vk/1234-eng-4"),
    *("worktree-2", "agent-3", "worktree-agent-a4ca7529", "wt-a1b2c3", "wt-9"),
    *("patch-1", "somebody-patch-12", "revert-2209-a-name", "revert-9-patch-1"),
    *("deadbee1", "x/3f2504e0-4f89-41d3-9a0c-0305e82c3301", "D9A0-4123", "I3485-3487"),
    "x/3F2504E0-ABCD-1234-9A0C-0305E82C3301",
    *("min-2026-04-13", "issue-2026-04-13", "pr-2026-04", "fix/SHA3-256", "IPV6-12"),
    *("polecat/nux-mk12ab34", "polecat/zhora/errcheck-doltserver", "copilot/fix-7d3a"),
    *("min-12345678", "min-12abc", "xmin-12x", "eng-5.1", "1234567-too-long"),
]


def owner(branch: str, keys: Keys, repo: str = REPO) -> str | None:
    found = attribute_place(Place(branch=branch, repo=repo), keys)
    return None if found.is_bucket else found.issue


@pytest.mark.parametrize(("branch", "issue"), KNOWN + ANYWHERE[:-3])
def test_a_configured_key_is_found(branch: str, issue: str) -> None:
    assert owner(branch, CLOSED) == issue


@pytest.mark.parametrize(("branch", "issue"), KNOWN + ANYWHERE)
def test_a_discovered_key_is_found(branch: str, issue: str) -> None:
    assert owner(branch, DISCOVERED) == issue


@pytest.mark.parametrize(("branch", "issue"), ANYWHERE)
def test_the_open_world_finds_what_is_clear(branch: str, issue: str) -> None:
    assert owner(branch, OPEN) == issue


@pytest.mark.parametrize("keys", [CLOSED, OPEN, DISCOVERED])
@pytest.mark.parametrize("branch", NOTHING)
def test_nothing_is_made_up(branch: str, keys: Keys) -> None:
    assert owner(branch, keys) is None


@pytest.mark.parametrize("branch", ["ABI-2999-x", "feature/abi-2999"])
@pytest.mark.parametrize("keys", [frozenset[str](), frozenset({"MIN"})])
def test_a_closed_world_knows_its_keys_only(branch: str, keys: frozenset[str]) -> None:
    found = attribute_place(Place(branch=branch, repo=REPO), Keys(configured=keys))
    assert (found.issue, found.candidate) == ("none:no-match", "")


def test_an_allowed_key_overrides_the_denied_words() -> None:
    assert owner("task-12", Keys(configured=frozenset({"TASK"}))) == "TASK-12"
    assert owner("TASK-12", OPEN) is None


def test_a_key_with_an_underscore_can_be_configured() -> None:
    assert owner("my_proj-12", Keys(configured=frozenset({"MY_PROJ"}))) == "MY_PROJ-12"


def test_a_lower_case_key_is_a_candidate_only() -> None:
    found = attribute_place(Place(branch="feature/abc-12-x", repo=REPO), OPEN)
    assert (found.issue, found.candidate) == ("none:no-match", "ABC-12")
    assert 40 <= found.candidate_confidence < 60


def test_a_candidate_counts_when_the_threshold_is_lower() -> None:
    place = Place(branch="feature/abc-12-x", repo=REPO)
    assert attribute_place(place, OPEN, threshold=50).issue == "ABC-12"


@pytest.mark.parametrize(
    ("branch", "confidence", "rule"),
    [
        ("polecat/nux/gt-abc1@mk12ab34", 95, "branch"),
        ("claude/issue-98-20261103-0807", 95, "branch"),
        ("feature/min-7", 95, "branch"),
        ("issue-98", 90, "branch"),
        ("pr-98", 85, "pr"),
        ("ABI-7", 80, "branch"),
        ("98-title", 60, "branch"),
    ],
)
def test_confidence_follows_the_rule(branch: str, confidence: int, rule: str) -> None:
    found = attribute_place(Place(branch=branch, repo=REPO), DISCOVERED)
    assert (found.confidence, found.rule) == (confidence, rule)


@pytest.mark.parametrize("branch", ["98-title", "issue-98", "pr-98", "fix/98"])
def test_a_number_without_its_repository_is_nothing(branch: str) -> None:
    found = attribute_place(Place(branch=branch), OPEN)
    assert found.issue == "none:no-match"
    assert "repository not known" in found.evidence


@pytest.mark.parametrize("branch", ["98-title", "issue-98", "pr-98"])
@pytest.mark.parametrize("repo", ["../..", "o", "o/r\x00", "o/" + "r" * 200])
def test_a_hostile_repository_owns_nothing(branch: str, repo: str) -> None:
    assert owner(branch, OPEN, repo) is None


@pytest.mark.parametrize(
    ("branch", "keys"),
    [
        ("min-1-and-pan-2", CLOSED),
        ("feature/min-1-after-min-2", CLOSED),
        ("ABI-1-XYZ-2", OPEN),
    ],
)
def test_two_keys_in_one_segment_are_ambiguous(branch: str, keys: Keys) -> None:
    found = attribute_place(Place(branch=branch, repo=REPO), keys)
    assert found.issue == "none:ambiguous"


def test_a_known_folder_is_not_a_number_of_the_repository() -> None:
    found = attribute_place(Place(branch="eng/12-x", repo=REPO), CLOSED)
    assert (found.issue, found.candidate) == ("none:no-match", "ENG-12")


def test_a_beads_prefix_is_a_key() -> None:
    keys = Keys(beads=frozenset({"bd"}))
    assert owner("fix/bd-k5ef-title", keys) == "bd-k5ef"
    assert owner("fix/bd-k5ef-title", OPEN) is None
    assert owner("fix/bd-list-flags-2", keys) is None
    assert owner("fix/gt-a1b-and-bd-k5ef", keys) == "bd-k5ef"


def shared_rows(shared: Path) -> list[dict[str, str | None]]:
    text = (shared / "cases" / "branch-cases.json").read_text("utf-8")
    rows: list[dict[str, str | None]] = json.loads(text)
    return rows


def shared_keys(rows: list[dict[str, str | None]]) -> frozenset[str]:
    issues = [row["issue"] or "" for row in rows]
    return frozenset(i.split("-")[0] for i in issues if i and "/" not in i)


def test_the_shared_corpus_is_right_with_its_keys(shared: Path) -> None:
    rows = shared_rows(shared)
    keys = Keys(configured=shared_keys(rows))
    wrong = [
        (row["branch"], row["issue"], found)
        for row in rows
        if (found := owner(row["branch"] or "", keys)) != row["issue"]
    ]
    assert wrong == []


def test_the_shared_corpus_has_no_false_positive_in_the_open_world(
    shared: Path,
) -> None:
    made_up = [
        (row["branch"], found)
        for row in shared_rows(shared)
        if (found := owner(row["branch"] or "", OPEN)) not in (None, row["issue"])
    ]
    assert made_up == []
