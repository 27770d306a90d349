"""Pull requests, as gh and the interfaces give them, and whose their branches are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from costd.core.attribution import (
    NO_PULLS,
    Attribution,
    Keys,
    Place,
    Pull,
    Pulls,
    attribute_place,
)
from costd.core.attribution.pull_exports import pulls_in_export
from costd.core.errors import UsageError

URL = "https://github.com/owner/name"
CLOSES_45 = Pull("owner/name", 12, "login", "owner/name", ("owner/name#45",))


def gh(number: int = 12, branch: str = "login", *closes: int, **more: Any) -> Any:
    """What ``gh pr list --json number,headRefName,closingIssuesReferences,url`` says."""
    return {
        "closingIssuesReferences": [
            {
                "id": "I_kw",
                "number": n,
                "repository": {
                    "id": "R_kg",
                    "name": "name",
                    "owner": {"id": "U_kg", "login": "owner"},
                },
                "url": f"{URL}/issues/{n}",
            }
            for n in closes
        ],
        "headRefName": branch,
        "number": number,
        "url": f"{URL}/pull/{number}",
        **more,
    }


def read(*values: Any) -> list[Pull]:
    return pulls_in_export(json.dumps(list(values)))


def test_what_gh_says() -> None:
    assert read(gh(12, "login", 45), gh(3, "x")) == [
        Pull("owner/name", 3, "x", "owner/name"),
        CLOSES_45,
    ]
    assert pulls_in_export(json.dumps(gh(12, "login", 45))) == [CLOSES_45]
    lines = "\n".join(json.dumps(gh(n)) for n in (1, 2))
    assert [pull.number for pull in pulls_in_export(lines)] == [1, 2]


def test_graphql_rest_and_gitlab() -> None:
    nodes = {"nodes": [gh(12, "login", 45)]}
    asked = {"data": {"repository": None, "search": nodes}}
    assert pulls_in_export(json.dumps(asked)) == [CLOSES_45]
    rest = {
        "number": 12,
        "url": "https://api.github.com/repos/owner/name/pulls/12",
        "html_url": f"{URL}/pull/12",
        "head": {"ref": "login", "repo": {"full_name": "me/name"}},
        "title": "Login",
        "body": "Secret words.\n\nFixes #45 and closes ENG-7",
    }
    (pull,) = read(rest)
    assert (pull.head, pull.closes) == ("me/name", ("owner/name#45", "ENG-7"))
    gitlab = {
        "iid": 5,
        "source_branch": "login",
        "web_url": "https://gitlab.com/group/sub/app/-/merge_requests/5",
        "description": "Closes #4",
        "source_project_id": 1,
        "target_project_id": 1,
    }
    assert read(gitlab) == [
        Pull("group/sub/app", 5, "login", "group/sub/app", ("group/sub/app#4",))
    ]


def test_a_branch_of_somebody_elses_copy_is_not_this_repositorys() -> None:
    assert read(gh(isCrossRepository=True))[0].head == ""
    theirs = {"login": "me"}, {"name": "fork"}
    (pull,) = read(gh(headRepositoryOwner=theirs[0], headRepository=theirs[1]))
    assert pull.head == "me/fork"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        "[1, null, []]",
        '[{"number": 1, "headRefName": "x"}]',
        '[{"headRefName": "x", "url": "https://github.com/o/r/issues/1"}]',
        '[{"headRefName": "x\\u001b", "url": "https://github.com/o/r/pull/1"}]',
        '[{"headRefName": 7, "url": "https://github.com/o/r/pull/1"}]',
        '[{"headRefName": "x", "url": "https://github.com/../../pull/1"}]',
        "[" * 100_000,
    ],
)
def test_what_is_no_export_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        pulls_in_export(text)
    assert "gh pr list" in str(caught.value.fix)


def owner(
    place: Place, *pulls: Pull, links: Any = (), keys: Keys | None = None
) -> Attribution:
    return attribute_place(place, keys or Keys(), pulls=Pulls(pulls), links=links)


def at(branch: str, **more: Any) -> Place:
    return Place(cwd="/src/app", branch=branch, repo="owner/name", **more)


def test_a_branch_belongs_to_the_issue_that_its_pull_request_closes() -> None:
    found = owner(at("login"), CLOSES_45)
    assert (found.issue, found.rule, found.confidence) == ("owner/name#45", "pr", 85)
    assert found.evidence == (
        "pull request owner/name!12 of branch login closes owner/name#45"
    )


@pytest.mark.parametrize("branch", ["pr/12", "claude/pr-12-20261121-0930", "pull/12"])
def test_a_number_of_a_pull_request_resolves_the_same_way(branch: str) -> None:
    assert owner(at(branch)).issue == "owner/name!12"
    assert owner(at(branch), CLOSES_45).issue == "owner/name#45"
    tree = Place(cwd="/src/app/.worktrees/pr-12", branch="HEAD", repo="Owner/Name")
    assert owner(tree, CLOSES_45).issue == "owner/name#45"


def test_without_one_issue_the_pull_request_is_the_owner() -> None:
    none, two = (
        Pull("owner/name", 12, "login", "owner/name", closes)
        for closes in ((), ("owner/name#1", "owner/name#2"))
    )
    assert owner(at("login"), none).issue == "owner/name!12"
    assert owner(at("login"), two).issue == "owner/name!12"


def test_several_of_one_branch() -> None:
    again = Pull("owner/name", 13, "login", "owner/name", ("owner/name#45",))
    other = Pull("owner/name", 14, "login", "owner/name", ("owner/name#46",))
    empty = Pull("owner/name", 15, "login", "owner/name")
    assert owner(at("login"), CLOSES_45, again, empty).issue == "owner/name#45"
    assert owner(at("login"), CLOSES_45, other).issue == "none:ambiguous"


@pytest.mark.parametrize(
    "place",
    [
        at("MIN-7-x"),
        at("main"),
        at("next", default_branch="next"),
        at("dependabot/npm/x"),
        Place(cwd="/src/app", branch="login", repo="other/name"),
        Place(cwd="/src/app", branch="login"),
    ],
)
def test_what_is_surer_or_elsewhere_stays(place: Place) -> None:
    pulls = [
        Pull("owner/name", n, branch, "owner/name", ("owner/name#45",))
        for n, branch in enumerate(
            ("MIN-7-x", "main", "next", "dependabot/npm/x", "login"), 1
        )
    ]
    assert owner(place, *pulls) == attribute_place(place, Keys())


def test_names_that_say_nothing_are_resolved() -> None:
    for branch in ("vk/1a2b-login", "worktree-7", "patch-3", "45a3f21", "abc-7"):
        pull = Pull("owner/name", 12, branch, "owner/name", ("owner/name#45",))
        assert owner(at(branch), pull).issue == "owner/name#45"


def test_what_the_session_says_it_works_on() -> None:
    fork = Pull("owner/name", 12, "login", "me/name", ("owner/name#45",))
    links = {("owner/name", 12)}
    assert owner(at("login"), fork).issue == "none:no-match"
    assert owner(at("login"), fork, links=links).issue == "owner/name#45"
    assert owner(at(""), fork).issue == "none:no-match"
    own = Pull("owner/name", 12, "login", "owner/name", ("owner/name#45",))
    assert owner(at(""), own, links=links).issue == "owner/name#45"
    assert owner(at("other"), fork, links=links).issue == "none:no-match"
    assert owner(at("main"), fork, links=links).issue == "none:default-branch"


def test_a_tracker_key_counts_where_it_is_believed() -> None:
    pull = Pull("owner/name", 12, "login", "owner/name", ("eng-7",))
    assert owner(at("login"), pull).issue == "owner/name!12"
    known = Keys(tracker=frozenset({"ENG"}))
    assert owner(at("login"), pull, keys=known).issue == "ENG-7"
    assert not NO_PULLS
