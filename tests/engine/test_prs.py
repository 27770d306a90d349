"""Pull requests that are imported count at once, for the past too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costd.core.errors import NotFoundError, UsageError
from owned import Owned, owned
from worklog import BEGAN, log_of, stamp

ONE = 0.02505
"""What one response of the work log costs, USD."""
S1, S2 = (f"{n}1111111-0000-4000-8000-000000000000" for n in (1, 2))
LOGIN = {
    "repository": "owner/name",
    "number": 12,
    "branch": "login",
    "head": "owner/name",
    "closes": ["owner/name#45"],
}


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Owned]:
    with owned(memory_dir) as made:
        work(made)
        yield made


def app(book: Owned) -> str:
    """A repository with a remote."""
    root = book.top / "src" / "app"
    if not root.exists():
        (root / ".git").mkdir(parents=True)
        (root / ".git/HEAD").write_text("ref: refs/heads/main\n")
        (root / ".git/config").write_text(
            '[remote "origin"]\n\turl = git@github.com:Owner/Name.git\n'
        )
    return str(root)


def work(book: Owned) -> list[str]:
    made = [
        book.work.respond(S1, n, branch=branch, cwd=app(book))
        for n, branch in enumerate(("login", "pr/12", "main"))
    ]
    book.sync()
    return made


def test_an_imported_pull_request_moves_what_was_spent(book: Owned) -> None:
    before = {"none:no-match": ONE, "Owner/Name!12": ONE, "none:default-branch": ONE}
    assert book.costs() == before
    answer = book.ask("import_prs", prs=[LOGIN], source="prs.json")
    assert [answer[k] for k in ("added", "changed", "known")] == [1, 0, 0]
    assert answer["repositories"] == ["owner/name"]
    assert answer["moved"]["responses"] == 2
    assert book.costs() == {"owner/name#45": 2 * ONE, "none:default-branch": ONE}
    (row,) = book.ask("prs")["rows"]
    assert (row["pr"], row["issue"]) == ("owner/name!12", "owner/name#45")
    assert (row["source"], row["closes"]) == ("prs.json", ["owner/name#45"])
    again = book.ask("import_prs", prs=[LOGIN])
    assert (again["known"], again["moved"]["responses"]) == (1, 0)
    assert book.ask("forget_prs", prs=["Owner/Name"])["removed"] == 1
    assert book.costs() == before


def test_explain_says_why(book: Owned) -> None:
    book.ask("import_prs", prs=[LOGIN])
    said = book.ask("explain", branch="login", cwd=app(book))
    assert (said["issue"], said["rule"]) == ("owner/name#45", "pr")
    assert said["confidence"] == 0.85
    assert said["sentence"] == (
        "Counts toward owner/name#45: the branch belongs to a pull request (pull "
        "request owner/name!12 of branch login closes owner/name#45; 85 % sure)."
    )
    by_name = book.ask("explain", branch="pr/12", repo="owner/name")
    assert by_name["issue"] == "owner/name#45"


def test_it_counts_for_what_comes_and_after_a_restart(memory_dir: Path) -> None:
    with owned(memory_dir) as book:
        book.ask("import_prs", prs=[LOGIN])
        work(book)
        assert book.costs()["owner/name#45"] == 2 * ONE
    with owned(memory_dir) as book:
        work(book)
        assert book.costs()["owner/name#45"] == 4 * ONE


def test_one_that_has_changed_is_replaced(book: Owned) -> None:
    book.ask("import_prs", prs=[LOGIN])
    changed = {**LOGIN, "repository": "Owner/Name", "closes": ["owner/name#46"]}
    answer = book.ask("import_prs", prs=[changed])
    assert (answer["added"], answer["changed"]) == (0, 1)
    assert book.ask("prs")["count"] == 1
    assert book.costs()["owner/name#46"] == 2 * ONE


def test_a_session_that_says_it_works_on_one(book: Owned) -> None:
    theirs = {**LOGIN, "branch": "mine", "head": "me/name"}
    book.ask("import_prs", prs=[theirs])
    first = book.work.respond(S2, 0, branch="mine", cwd=app(book))
    book.sync()
    assert book.owner(first)["issue"] == "none:no-match"
    link = {
        "type": "pr-link",
        "sessionId": S2,
        "prNumber": 12,
        "prUrl": "https://github.com/owner/name/pull/12",
        "prRepository": "owner/name",
        "timestamp": stamp(BEGAN + 5),
    }
    book.work.write(log_of(S2, ""), link)
    book.work.respond(S2, 10, branch="mine", cwd=app(book))
    book.sync()
    assert book.owner(first)["issue"] == "owner/name#45"


def test_a_claim_stays_above(book: Owned) -> None:
    book.link("PAN-9", branch="login")
    book.ask("import_prs", prs=[LOGIN])
    assert book.costs()["PAN-9"] == ONE


def test_a_dry_run_changes_nothing(book: Owned) -> None:
    before = book.costs()
    answer = book.ask("import_prs", prs=[LOGIN], dry_run=True)
    assert (answer["added"], answer["moved"]) == (1, None)
    assert (book.costs(), book.ask("prs")["count"]) == (before, 0)
    book.ask("import_prs", prs=[LOGIN])
    assert book.ask("forget_prs", all=True, dry_run=True)["removed"] == 1
    assert book.ask("prs")["count"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"repository": "name"},
        {"repository": "../../x"},
        {"number": 0},
        {"number": True},
        {"number": "12"},
        {"branch": ""},
        {"branch": "a b"},
        {"branch": "x\x1b[31m"},
        {"branch": "x" * 600},
        {"closes": "owner/name#45"},
        {"closes": [7]},
        {"closes": ["a"] * 99},
        {"head": None},
    ],
)
def test_one_bad_pull_request_and_none_is_taken(
    book: Owned, wrong: dict[str, Any]
) -> None:
    with pytest.raises(UsageError):
        book.ask("import_prs", prs=[LOGIN, {**LOGIN, "number": 13, **wrong}])
    assert book.ask("prs")["count"] == 0


def test_hostile_ids_in_what_is_closed_own_nothing(book: Owned) -> None:
    for name in ("../x#1", "CON-1x", "none:free", "x" * 300, "#0", "#1"):
        book.ask("import_prs", prs=[{**LOGIN, "closes": [name]}])
        found = book.costs()
        assert found.keys() - {"none:default-branch"} <= {
            *("owner/name!12", "owner/name#1")
        }


def test_what_was_not_imported_cannot_be_forgotten(book: Owned) -> None:
    book.ask("import_prs", prs=[LOGIN])
    for names in (["owner/name!13"], ["owner/name", "x/y"]):
        with pytest.raises(NotFoundError):
            book.ask("forget_prs", prs=names)
    with pytest.raises(UsageError):
        book.ask("forget_prs")
    assert book.ask("prs")["count"] == 1
