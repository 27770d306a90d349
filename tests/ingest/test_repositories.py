"""Repositories as git leaves them on disk, and what is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from costd.ingest import repositories
from costd.ingest.repositories import MAY_LOOK, Repositories, name_of

pytestmark = pytest.mark.skipif(not MAY_LOOK, reason="nothing is looked up here")

FRESH = 1000


def git_in(root: Path, name: str = ".git") -> Path:
    git = root / name
    git.mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    return git


def found(path: Path) -> repositories.Where:
    return Repositories(FRESH).where(str(path), 0)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@github.com:owner/name.git", "owner/name"),
        ("https://github.com/owner/name", "owner/name"),
        ("https://user:secret@example.org/group/sub/name.git", "group/sub/name"),
        ("ssh://git@example.org:2222/owner/name.git/", "owner/name"),
        ("host.example:owner/name", "owner/name"),
        ("/srv/git/name.git", ""),
        ("../name", ""),
        ("file:///srv/git/name", ""),
        ("C:/src/name", ""),
        ("git@github.com:../../name", ""),
        ("https://github.com/name", ""),
        ("https://github.com/a b/c", ""),
        ("", ""),
    ],
)
def test_the_name_of_a_remote(url: str, name: str) -> None:
    assert name_of(url) == name


def test_origin_is_asked_before_others(tmp_path: Path) -> None:
    git = git_in(tmp_path)
    (git / "config").write_text(
        '[remote "fork"]\n\turl = git@h.org:me/fork.git\n[branch "x"]\n\turl = no\n'
        '[remote "origin"]\n\tfetch = x\n\turl = git@h.org:us/app.git\n'
    )
    assert found(tmp_path).repository == repositories.Found(str(tmp_path), "us/app")


def test_bare_repositories_with_worktrees_beside_them(tmp_path: Path) -> None:
    bare = git_in(tmp_path, ".bare")
    (bare / "worktrees" / "t").mkdir(parents=True)
    (bare / "worktrees" / "t" / "commondir").write_text("../..\n")
    tree = tmp_path / "t"
    tree.mkdir()
    (tree / ".git").write_text("gitdir: ../.bare/worktrees/t\n")
    where = found(tree)
    assert where.repository is not None
    assert where.repository.root == str(tmp_path)


def test_a_submodule_is_a_repository_of_its_own(tmp_path: Path) -> None:
    git = git_in(tmp_path)
    git_in(git / "modules", "sub")
    sub = tmp_path / "sub"
    sub.mkdir()
    (sub / ".git").write_text("gitdir: ../.git/modules/sub\n")
    where = found(sub)
    assert where.repository is not None
    assert where.repository.root == str(sub)


def test_keys_come_from_history_and_from_branches(tmp_path: Path) -> None:
    git = git_in(tmp_path)
    (git / "logs").mkdir()
    lines = [
        "commit: ABC-1 one",
        "commit (amend): Fix ABC-2",
        "rebase (pick): ABC-2 again",
        "checkout: moving from DEF-1 to DEF-2",
        "checkout: moving from DEF-2 to DEF-3",
        "checkout: moving from DEF-3 to DEF-4",
    ]
    (git / "logs/HEAD").write_text("".join(f"0 1 N <e> 1 +0\t{x}\n" for x in lines))
    (git / "packed-refs").write_text(
        "# pack-refs with: peeled\n0 refs/heads/zed-1\n0 refs/remotes/origin/me/zed-2\n"
    )
    loose = git / "refs/remotes/origin/feature"
    loose.mkdir(parents=True)
    (loose / "zed-30").write_text("0\n")
    where = found(tmp_path)
    assert where.repository is not None
    assert where.repository.keys == {"ABC", "ZED"}


def test_the_beads_that_are_there_tell_their_prefix(tmp_path: Path) -> None:
    git_in(tmp_path)
    (tmp_path / ".beads").mkdir()
    (tmp_path / ".beads/issues.jsonl").write_text('{"id":"bd-1a2b","title":"x"}\n')
    where = found(tmp_path)
    assert where.repository is not None
    assert where.repository.beads == "bd"


def test_a_directory_that_is_gone_belongs_where_it_was(tmp_path: Path) -> None:
    git_in(tmp_path)
    where = found(tmp_path / ".worktrees" / "gone")
    assert where.is_repo
    assert where.repository is not None
    assert where.repository.root == str(tmp_path)


def test_no_repository_and_nobody_knows(tmp_path: Path) -> None:
    assert found(tmp_path).is_repo is False
    assert found(tmp_path / "gone").is_repo is None
    for path in ("", "relative", "/x\0y", "C:\\src", "/" + "a/" * 3000):
        assert Repositories(FRESH).where(path, 0).is_repo is None


@pytest.mark.parametrize(
    "pointer", ["", "gitdir: ", "gitdir: /nowhere", "gitdir: .", "x" * 9000, "\0\xff"]
)
def test_a_pointer_that_leads_nowhere_is_none(tmp_path: Path, pointer: str) -> None:
    (tmp_path / ".git").write_text(pointer)
    assert found(tmp_path).is_repo is False


def test_what_would_block_or_never_end_is_not_read(tmp_path: Path) -> None:
    git = git_in(tmp_path)
    os.mkfifo(git / "config")
    (git / "packed-refs").symlink_to("/dev/zero")
    (git / "logs").mkdir()
    os.mkfifo(git / "logs/HEAD")
    where = found(tmp_path)
    assert where.repository == repositories.Found(str(tmp_path))


def test_a_repository_is_read_again_after_a_while(tmp_path: Path) -> None:
    git = git_in(tmp_path)
    looking = Repositories(FRESH)
    assert looking.where(str(tmp_path), 0).repository is not None
    (git / "config").write_text('[remote "origin"]\n\turl = git@h.org:us/app.git\n')
    soon, later = (looking.where(str(tmp_path), at).repository for at in (999, 1000))
    assert soon is not None
    assert later is not None
    assert (soon.name, later.name) == ("", "us/app")


def test_nothing_is_looked_at_where_that_would_ask_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_in(tmp_path)
    monkeypatch.setattr(repositories, "MAY_LOOK", False)
    assert found(tmp_path) == repositories.Where(str(tmp_path), None, None)
