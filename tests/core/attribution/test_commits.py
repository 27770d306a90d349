"""What a commit's message names, and what it does not."""

from __future__ import annotations

import pytest

from costd.core.attribution import (
    AMBIGUOUS,
    NO_MATCH,
    Attribution,
    Keys,
    Made,
    Place,
    attribute_place,
    names_in,
    with_commits,
)
from costd.core.attribution.commits import issue_named

SLUG = Place(cwd="/src/app", branch="login", repo="owner/name", is_repo=True)


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("Fixes #45", ["#45"]),
        ("fix #45", ["#45"]),
        ("fixed: #45.", ["#45"]),
        ("Closes owner/other#9", ["owner/other#9"]),
        ("Close GH-12", ["#12"]),
        ("Resolve min-3", ["min-3"]),
        ("resolves MIN-3, MIN-4 and PAN-1", ["MIN-3", "MIN-4", "PAN-1"]),
        ("Fixes #1, fixes #2", ["#1", "#2"]),
        ("Implements DHIS2-4433", ["DHIS2-4433"]),
        ("Completes issue #7", ["#7"]),
        ("Fix MIN-12: login", ["MIN-12"]),
        ("fix: MIN-12 login", ["MIN-12"]),
        ("Closes https://github.com/a/b/issues/5, thanks", ["a/b#5"]),
        ("Fixes https://linear.app/acme/issue/ENG-5/some-title", ["ENG-5"]),
        ("Make it\n\nLinear-issue: Fixes ENG-5\nSigned-off-by: N <n@e>", ["ENG-5"]),
        ("Make it\n\nRefs: #45, #46", ["#45", "#46"]),
        ("Make it\n\nIssue: MIN-4", ["MIN-4"]),
        ("Make it\r\n\r\nCloses: #45\r\n", ["#45"]),
        ("Fixes #45\n\nRefs: #46", ["#45"]),
        # None of these says what the commit is for.
        ("Login waits (#45)", []),
        ("MIN-3 login", []),
        ("Refs: #45\n\nand more\n\nChange-Id: I1", []),
        ("Does not fix #45", []),
        ("This doesn't fix #45", []),
        ("Prefix #45", []),
        ("hot-fix #45", []),
        ("Fix the bug of #45", []),
        ("Fixes #045", []),
        ("Fixes #45abc", []),
        ("Fixes #1.2", []),
        ("Fixes: 54a4f0239f2e", []),
        ('Revert "Fixes #45"\n\nThis reverts commit 0123. Fixes #45', []),
        ("> Fixes #45", []),
        ("Closes https://github.com/a/b/pull/5", []),
        ("Fixes http://evil.example/\x1b[31m", []),
        ("Fix login-flow and utf8-tables", []),
        ("", []),
    ],
)
def test_what_a_message_names(message: str, names: list[str]) -> None:
    assert list(names_in(message)) == names


def test_beads_are_known_by_their_prefix() -> None:
    assert names_in("Closes bd-1a2b", "bd") == ("bd-1a2b",)
    assert names_in("Closes bd-1a2b") == ()
    assert issue_named("bd-1a2b", SLUG, Keys(beads=frozenset({"bd"}))) == "bd-1a2b"
    assert issue_named("bd-1a2b", SLUG, Keys()) == ""


def test_a_long_message_takes_no_time_and_keeps_few_names() -> None:
    assert len(names_in(" ".join(f"Fixes #{n}" for n in range(1, 99_999)))) == 8
    for text in ("fix " * 99_999, "a/" * 99_999 + "#1", "fixes A-1, " * 9_999):
        assert len(names_in(text)) <= 8


@pytest.mark.parametrize(
    ("name", "keys", "issue"),
    [
        ("#45", Keys(), "owner/name#45"),
        ("other/name#4", Keys(), "other/name#4"),
        ("MIN-3", Keys(), "MIN-3"),
        ("min-3", Keys(), ""),
        ("min-3", Keys(tracker=frozenset({"MIN"})), "MIN-3"),
        ("UTF-8", Keys(), ""),
        ("CVE-2024", Keys(), ""),
        ("MIN-3", Keys(configured=frozenset()), ""),
        ("MIN-3", Keys(configured=frozenset({"MIN"})), "MIN-3"),
        ("MIN-2026", Keys(), ""),
        ("../../x#1", Keys(), ""),
    ],
)
def test_what_a_name_means(name: str, keys: Keys, issue: str) -> None:
    assert issue_named(name, SLUG, keys) == issue


def test_a_number_needs_its_repository() -> None:
    assert issue_named("#45", Place(branch="login"), Keys()) == ""


def by_commits(place: Place, *names: str, others: int = 0) -> Attribution:
    own = attribute_place(place, Keys())
    return with_commits(own, Made(names, len(names), others), place, Keys())


def test_one_issue_counts_and_two_do_not() -> None:
    one = by_commits(SLUG, "#45", others=3)
    assert (one.issue, one.rule, one.confidence) == ("owner/name#45", "commit", 70)
    assert by_commits(SLUG, "#45", "#46").issue == AMBIGUOUS
    assert by_commits(SLUG, "UTF-8").issue == NO_MATCH
    assert by_commits(SLUG, "#45", "owner/name#45").issue == "owner/name#45"


@pytest.mark.parametrize(
    "place",
    [
        Place(cwd="/src/app", branch="MIN-9-x", repo="owner/name"),
        Place(cwd="/src/app", branch="pr/9", repo="owner/name"),
        Place(cwd="/src/app", branch="x", repo="o/n", agent_type="orchestrator"),
        Place(cwd="/home/dev", branch="HEAD", is_repo=False),
    ],
)
def test_what_the_place_shows_stays(place: Place) -> None:
    assert by_commits(place, "#45") == attribute_place(place, Keys())
