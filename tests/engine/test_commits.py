"""What a session commits names its issue, where nothing else does: real git, real logs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from costd.ingest.repositories import MAY_LOOK
from owned import Owned, owned
from worklog import BEGAN, log_of, stamp

pytestmark = [
    pytest.mark.skipif(not MAY_LOOK, reason="nothing is looked up on this platform"),
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git"),
]
MINUTE = 60_000
ONE = 0.02505
S1, S2, S3 = (f"{n}1111111-0000-4000-8000-000000000000" for n in (1, 2, 3))


class Repository:
    """A repository in which somebody commits at given minutes after ``BEGAN``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", "git@github.com:owner/name.git")
        self.commit(-100, "begin")

    def git(self, *words: str, minute: float = -100, cwd: Path | None = None) -> str:
        """Run git there and then."""
        at = f"@{(BEGAN + int(minute * MINUTE)) // 1000} +0000"
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_DATE": at,
            "GIT_COMMITTER_DATE": at,
        }
        for who in ("AUTHOR", "COMMITTER"):
            environ |= {f"GIT_{who}_NAME": "N", f"GIT_{who}_EMAIL": "n@example.org"}
        done = subprocess.run(
            ["git", *words],
            cwd=cwd or self.root,
            env=environ,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, minute: float, *paragraphs: str, amend: bool = False) -> str:
        """A commit with a message; its id."""
        words = [word for text in paragraphs for word in ("-m", text)]
        also = ["--amend"] if amend else []
        self.git("commit", "--quiet", "--allow-empty", *also, *words, minute=minute)
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, minute: float = -1) -> None:
        """Go on on a new branch."""
        self.git("checkout", "--quiet", "-b", name, minute=minute)


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Owned]:
    with owned(memory_dir) as made:
        yield made


@pytest.fixture
def repo(memory_dir: Path) -> Repository:
    return Repository(memory_dir / "src" / "app")


def work(
    book: Owned, repo: Repository, session: str, *minutes: float, branch: str
) -> list[str]:
    return [
        book.work.respond(
            session, int(minute * MINUTE), cwd=str(repo.root), branch=branch
        )
        for minute in minutes
    ]


def test_a_commit_of_the_session_names_its_issue(book: Owned, repo: Repository) -> None:
    repo.branch("login")
    first, last = work(book, repo, S1, 0, 20, branch="login")
    repo.commit(10, "Make it wait", "It did not.\n\nCloses #45")
    repo.commit(12, "More of it")
    book.sync()
    owner = book.owner(first)
    assert (owner["issue"], owner["rule"]) == ("owner/name#45", "commit")
    assert (owner["confidence"], book.owner(last)["issue"]) == (0.7, "owner/name#45")
    assert owner["evidence"] == "a commit on login names owner/name#45"
    assert owner["sentence"] == (
        "Counts toward owner/name#45: commits that were made there during the session "
        "name it (a commit on login names owner/name#45; 70 % sure)."
    )
    assert book.costs() == {"owner/name#45": 2 * ONE}
    explained = book.ask("explain", session=S1)
    assert (explained["issue"], explained["rule"]) == ("owner/name#45", "commit")


def test_what_is_committed_later_counts_when_the_session_goes_on(
    book: Owned, repo: Repository
) -> None:
    repo.branch("login")
    work(book, repo, S1, 0, 5, branch="login")
    book.sync()
    assert book.costs() == {"none:no-match": 2 * ONE}
    repo.commit(10, "Fixes MIN-7")
    book.tick()
    assert book.costs() == {"none:no-match": 2 * ONE}  # after its last response
    work(book, repo, S1, 11, branch="login")
    book.sync()
    assert book.costs() == {"MIN-7": 3 * ONE}


def test_what_the_last_command_commits_counts_with_its_result(
    book: Owned, repo: Repository
) -> None:
    repo.branch("login")
    work(book, repo, S1, 0, branch="login")
    repo.commit(1, "Fixes #45")
    result = {"type": "user", "message": {"role": "user", "content": "done"}}
    line = {"sessionId": S1, "cwd": str(repo.root), "gitBranch": "login", "uuid": "u"}
    at = {"timestamp": stamp(BEGAN + 2 * MINUTE)}
    book.work.write(log_of(S1, ""), {**result, **line, **at})
    book.sync()
    assert book.costs() == {"owner/name#45": ONE}
    repo.commit(3, "Fixes #46")  # nobody was there any more
    book.tick()
    assert book.costs() == {"owner/name#45": ONE}


def test_a_session_is_there_until_it_is_seen_elsewhere(
    book: Owned, repo: Repository
) -> None:
    repo.branch("login")
    work(book, repo, S1, 0, branch="login")
    repo.commit(1, "Fixes #45")
    work(book, repo, S1, 2, 20, branch="main")
    repo.commit(3, "Fixes #46")
    book.sync()
    assert book.costs() == {"owner/name#45": ONE, "none:default-branch": 2 * ONE}


def test_two_issues_are_ambiguous(book: Owned, repo: Repository) -> None:
    repo.branch("login")
    first, _ = work(book, repo, S1, 0, 20, branch="login")
    repo.commit(3, "Fixes #45")
    repo.commit(4, "Fixes #46")
    book.sync()
    assert book.costs() == {"none:ambiguous": 2 * ONE}
    assert book.owner(first)["evidence"] == (
        "commits on login name owner/name#45 and owner/name#46"
    )


def test_of_two_sessions_on_one_branch_nobody_knows_whose_it_is(
    book: Owned, repo: Repository
) -> None:
    repo.branch("login")
    work(book, repo, S1, 0, 20, branch="login")
    repo.commit(10, "Fixes #45")
    book.sync()
    assert book.costs() == {"owner/name#45": 2 * ONE}
    work(book, repo, S2, 5, branch="login")
    book.sync()
    assert book.costs() == {"owner/name#45": 2 * ONE, "none:no-match": ONE}
    work(book, repo, S2, 30, branch="login")
    book.sync()
    assert book.costs() == {"owner/name#45": 4 * ONE}  # nothing else was named
    repo.commit(25, "Fixes #46")
    work(book, repo, S2, 31, branch="login")
    book.sync()
    assert book.costs() == {"none:no-match": 2 * ONE, "owner/name#46": 3 * ONE}


def test_two_sessions_on_the_default_branch_prove_nothing(
    book: Owned, repo: Repository
) -> None:
    work(book, repo, S1, 0, 20, branch="main")
    repo.commit(10, "Fixes #45")
    book.sync()
    assert book.costs() == {"owner/name#45": 2 * ONE}
    work(book, repo, S2, 5, 15, branch="main")
    book.sync()
    assert book.costs() == {"none:default-branch": 4 * ONE}


def test_a_session_that_somebody_claims_is_at_work_too(
    book: Owned, repo: Repository
) -> None:
    work(book, repo, S1, 0, 20, branch="main")
    repo.commit(10, "Fixes #45")
    book.sync()
    book.link("MIN-1", session=S2)
    work(book, repo, S2, 5, 15, branch="main")
    book.sync()
    assert book.costs() == {"none:default-branch": 2 * ONE, "MIN-1": 2 * ONE}


def test_only_commits_on_that_branch_and_in_that_time(
    book: Owned, repo: Repository
) -> None:
    repo.branch("login")
    repo.commit(-10, "Fixes #1")
    repo.commit(30, "Fixes #2")
    repo.branch("logout", minute=31)
    repo.commit(10, "Fixes #3")
    work(book, repo, S1, 0, 20, branch="login")
    book.sync()
    assert book.costs() == {"none:no-match": 2 * ONE}


def test_an_amended_commit_says_what_it_says_at_last(
    book: Owned, repo: Repository
) -> None:
    repo.branch("login")
    work(book, repo, S1, 0, 20, branch="login")
    repo.commit(10, "Fixes #45")
    book.sync()
    repo.commit(11, "Fixes #46", amend=True)
    work(book, repo, S1, 21, branch="login")
    book.sync()
    assert book.costs() == {"owner/name#46": 3 * ONE}


def test_on_the_default_branch_all_commits_must_name_it(
    book: Owned, repo: Repository
) -> None:
    repo.commit(10, "Fixes #45")
    first, _ = work(book, repo, S1, 0, 20, branch="main")
    book.sync()
    assert book.costs() == {"owner/name#45": 2 * ONE}
    repo.commit(22, "Tidy up")
    work(book, repo, S1, 25, branch="main")
    book.sync()
    assert book.costs() == {"none:default-branch": 3 * ONE}
    assert book.owner(first)["evidence"] == (
        "branch main; a commit on main names owner/name#45"
    )
    assert book.ask("suggest")["rows"] == []  # a claim would be about all work on main


def test_what_the_branch_names_is_surer(book: Owned, repo: Repository) -> None:
    repo.branch("MIN-3-login")
    work(book, repo, S1, 0, 20, branch="MIN-3-login")
    repo.commit(10, "Fixes #45")
    book.sync()
    assert book.costs() == {"MIN-3": 2 * ONE}


def test_worktrees_and_branches_that_are_gone(
    book: Owned, repo: Repository, memory_dir: Path
) -> None:
    tree = memory_dir / "trees" / "slug"
    repo.git("worktree", "add", "--quiet", "-b", "slug", str(tree))
    words = ("commit", "--quiet", "--allow-empty", "-m", "Closes #45")
    repo.git(*words, minute=10, cwd=tree)
    for minute in (0, 20):
        book.work.respond(S1, minute * MINUTE, cwd=str(tree), branch="slug")
    repo.branch("short")
    repo.commit(10, "Closes #46")
    repo.git("checkout", "--quiet", "main", minute=12)
    repo.git("branch", "--quiet", "-D", "short", minute=13)
    work(book, repo, S2, 0, 20, branch="short")
    book.sync()
    assert book.costs() == {"owner/name#45": 2 * ONE, "owner/name#46": 2 * ONE}


def test_a_fork_and_its_origin_are_one_session(book: Owned, repo: Repository) -> None:
    (first, _) = work(book, repo, S1, 0, 30, branch="main")
    where = str(repo.root)
    book.work.respond(S2, 0, cwd=where, branch="main", message=first)
    work(book, repo, S2, 5, 20, branch="main")
    repo.commit(10, "Fixes #45")
    book.sync()
    assert book.costs() == {"owner/name#45": 4 * ONE}
    work(book, repo, S3, 6, 12, branch="main")  # a stranger
    book.sync()
    assert book.costs() == {"none:default-branch": 6 * ONE}


def test_subagents_are_of_the_session(book: Owned, repo: Repository) -> None:
    repo.branch("login")
    work(book, repo, S1, 0, 20, branch="login")
    where = str(repo.root)
    book.work.respond(S1, 9 * MINUTE, agent="a1", cwd=where, branch="login")
    repo.commit(10, "Fixes #45")
    book.sync()
    assert book.costs() == {"owner/name#45": 3 * ONE}


def test_it_is_still_so_after_a_restart_and_without_the_repository(
    memory_dir: Path,
) -> None:
    repo = Repository(memory_dir / "src" / "app")
    repo.branch("login")
    with owned(memory_dir) as book:
        work(book, repo, S1, 0, 20, branch="login")
        repo.commit(10, "Fixes #45")
        book.sync()
        assert book.costs() == {"owner/name#45": 2 * ONE}
    shutil.rmtree(repo.root)
    with owned(memory_dir) as book:
        work(book, repo, S1, 30, branch="login")
        book.sync()
        assert book.costs() == {"owner/name#45": 3 * ONE}
        book.engine.tick()
        assert book.costs() == {"owner/name#45": 3 * ONE}


def test_a_ledger_from_before_finds_its_commits(memory_dir: Path) -> None:
    repo = Repository(memory_dir / "src" / "app")
    repo.branch("login")
    with owned(memory_dir) as book:
        work(book, repo, S1, 0, 20, branch="login")
        book.sync()
    repo.commit(10, "Fixes #45")
    with owned(memory_dir) as book:
        book.sync()
        assert book.costs() == {"none:no-match": 2 * ONE}  # nothing went on since
        book.engine.ask("link", {"session": S2, "issue": "MIN-1"}).result()
        work(book, repo, S1, 21, branch="login")
        book.sync()
        assert book.costs() == {"owner/name#45": 3 * ONE}


def test_nothing_but_ids_is_kept(book: Owned, repo: Repository) -> None:
    repo.branch("login")
    work(book, repo, S1, 0, 20, branch="login")
    repo.commit(10, "Fix secretword-handling and the-other1", "Refs: #45 hush")
    repo.commit(11, "Resolve the xyzzy", "Part of plugh")
    book.sync()
    data = b"".join(
        path.read_bytes() for path in (book.top / "state").rglob("*") if path.is_file()
    )
    for word in (b"secretword", b"other1", b"xyzzy", b"plugh", b"hush"):
        assert word not in data


def test_a_look_that_fails_does_not_end_the_scout(
    book: Owned, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.branch("login")
    repo.commit(10, "Fixes #45")
    work(book, repo, S1, 0, 20, branch="login")

    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("costd.engine.scout.read_commits", fail)
    book.sync()
    assert book.costs() == {"none:no-match": 2 * ONE}
    monkeypatch.undo()
    work(book, repo, S1, 21, branch="login")
    book.sync()
    assert book.costs() == {"owner/name#45": 3 * ONE}
