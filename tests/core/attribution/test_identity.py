"""Which texts may be an issue's id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.attribution import (
    addressed_issue,
    issue_in,
    issue_problem,
    require_issue,
    valid_issue,
)
from costd.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("MIN-123", "MIN-123"),
        (" min-123 ", "MIN-123"),
        ("my_proj-1", "MY_PROJ-1"),
        ("owner/name#45", "owner/name#45"),
        ("owner/name!45", "owner/name!45"),
        ("group/sub/name.js!4", "group/sub/name.js!4"),
        ("none:overhead", "none:overhead"),
        ("none:default-branch", "none:default-branch"),
        ("gt-x7k2m.1", "gt-x7k2m.1"),
        ("US123", "US123"),
        ("task_12:a@b+c", "task_12:a@b+c"),
        ("https://github.com/o/r/issues/5", "o/r#5"),
        ("https://github.com/o/r/issues/5#issuecomment-1", "o/r#5"),
        ("https://github.com/o/r/pull/5/files", "o/r!5"),
        ("https://gitlab.example.com/g/s/r/-/merge_requests/5", "g/s/r!5"),
        ("https://gitlab.example.com/g/s/r/-/issues/5", "g/s/r#5"),
        ("https://linear.app/team/issue/abc-12/a-title", "ABC-12"),
        ("https://x.atlassian.net/browse/ABC-12?focus=1", "ABC-12"),
        ("https://x.youtrack.cloud/issue/ABC-12/a-title", "ABC-12"),
        ("https://example.com/youtrack/issue/ABC-12", "ABC-12"),
    ],
)
def test_ids_have_one_spelling(text: str, issue: str) -> None:
    assert valid_issue(text) == issue
    assert valid_issue(issue) == issue
    assert issue_problem(text) == ""
    assert require_issue(text) == issue


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("../x", "path"),
        ("a/../b#1", "path"),
        ("./x#1", "path"),
        (".hidden", "path"),
        ("a..b", "path"),
        ("A-1.", "path"),
        ("/etc/passwd", "characters"),
        ("a/b", "characters"),
        ("a\\b", "characters"),
        ("MIN-1\x00", "control"),
        ("MIN\n-1", "control"),
        ("\x1b[31mMIN-1", "control"),
        ("MIN\u202e-1", "control"),
        ("x" * 129, "129 characters"),
        ("x" * 4096, "4096 characters"),
        ("CON", "device"),
        ("nul.json", "device"),
        ("unknown", "names no issue"),
        ("None", "names no issue"),
        ("null", "names no issue"),
        ("none:unknown", "names no issue"),
        ("none:", "names no issue"),
        ("none:A b", "bucket"),
        ("none:../x", "bucket"),
        ("#45", "repository"),
        ("45", "repository"),
        ("owner/name#0", "characters"),
        ("two words", "characters"),
        ("$(id)", "characters"),
        ("-rf", "characters"),
        ("ключ-1", "characters"),
        ("https://example.com/", "characters"),
        ("\ud800", "control"),
    ],
)
def test_hostile_ids_are_refused_with_the_reason(text: str, reason: str) -> None:
    assert valid_issue(text) is None
    assert reason in issue_problem(text)
    with pytest.raises(UsageError, match="cannot be an issue") as caught:
        require_issue(text)
    assert str(caught.value).isprintable() or "\n" in str(caught.value)


def test_a_refused_id_is_not_repeated_to_the_terminal() -> None:
    with pytest.raises(UsageError) as caught:
        require_issue("\x1b[2J")
    assert "\x1b" not in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize("text", ["45", "#45", "GH-45", "gh-45"])
def test_a_bare_number_belongs_to_the_repository_at_hand(text: str) -> None:
    assert issue_in("o/r", text) == "o/r#45"
    assert issue_in("o/r", "MIN-3") == "MIN-3"


def test_without_a_repository_a_bare_number_stays_refused() -> None:
    assert issue_in("", "45") is None
    assert issue_in("", "GH-45") == "GH-45"
    assert issue_in("../..", "45") is None


@given(st.text(max_size=60) | st.from_regex(r"[\w./#!:@+-]{0,30}"))
def test_what_passes_is_stable_and_safe(text: str) -> None:
    issue = valid_issue(text)
    assert (issue is None) == (issue_problem(text) != "")
    if issue is not None:
        assert valid_issue(issue) == issue
        assert issue.isascii()
        assert issue.isprintable()
        assert " " not in issue
        assert ".." not in issue
        assert not issue.startswith((".", "/", "-"))


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("Fix https://github.com/o/r/issues/5.", "o/r#5"),
        ("(see https://linear.app/team/issue/abc-12/a-title)", "ABC-12"),
        ("**https://x.atlassian.net/browse/ABC-12**, now", "ABC-12"),
        (
            "https://github.com/o/r/issues/5 or http://github.com/o/r/issues/5#x",
            "o/r#5",
        ),
        ("https://github.com/o/r/issues/5, not https://example.com/a", "o/r#5"),
        ("https://github.com/o/r/issues/5 in https://github.com/o/r/pull/6", "o/r#5"),
        ("https://github.com/o/r/issues/5 https://github.com/o/r/issues/6", ""),
        ("https://github.com/o/r/pull/6", ""),
        ("ABC-12, o/r#5, github.com/o/r/issues/5", ""),
        ("https://github.com/o/r/issues/0", ""),
        ("https://" * 100_000, ""),
        ("", ""),
    ],
)
def test_one_address_in_a_text_is_an_issue(text: str, issue: str) -> None:
    assert addressed_issue(text) == issue
