"""Commits are read from git's own files, and nothing that lies there is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from costd.core.commits import Commits, Position, Wanted
from costd.ingest import commits
from costd.ingest.commits import read_commits
from costd.ingest.repositories import MAY_LOOK

pytestmark = [
    pytest.mark.skipif(not MAY_LOOK, reason="nothing is looked up on this platform"),
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git"),
]


def git(root: Path, *words: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(root)}
    for who in ("AUTHOR", "COMMITTER"):
        environ[f"GIT_{who}_NAME"] = "N <x> 1 +0000"
        environ[f"GIT_{who}_EMAIL"] = "n@example.org"
        environ[f"GIT_{who}_DATE"] = "@1795000000 +0130"
    done = subprocess.run(
        ["git", *words], cwd=root, env=environ, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def commit(root: Path, message: str, *words: str) -> str:
    git(root, "commit", "-q", "--allow-empty", "-m", message, *words)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    root.mkdir()
    git(root, "init", "-q", "--initial-branch=main")
    commit(root, "Fixes #1")
    return root


def look(root: Path, *branches: str, since: Commits | None = None) -> Commits:
    positions = {p.log: p for p in since.positions} if since else {}
    return read_commits(Wanted(str(root), "", frozenset(branches), positions))


def named(found: Commits) -> list[tuple[str, str]]:
    return sorted((c.branch, " ".join(c.names)) for c in found.made)


def test_when_and_where_and_what_for(root: Path) -> None:
    sha = git(root, "rev-parse", "HEAD")
    (made,) = look(root).made
    assert made == ("main", sha, 1_795_000_000_000, ("#1",))


def test_only_what_was_made_here(root: Path) -> None:
    git(root, "checkout", "-q", "-b", "side")
    commit(root, "Fixes #2")
    git(root, "checkout", "-q", "main")
    commit(root, "Fixes #3")
    git(root, "merge", "-q", "--no-ff", "-m", "Fixes #4", "side")
    copy = root.parent / "copy"
    git(root, "clone", "-q", str(root), str(copy))
    assert named(look(copy)) == []
    git(copy, "checkout", "-q", "side")
    git(copy, "rebase", "-q", "main")
    assert named(look(copy, "side", "main")) == []
    assert named(look(root)) == [("main", "#1"), ("main", "#3"), ("side", "#2")]


def test_a_look_goes_on_where_the_last_one_ended(root: Path) -> None:
    first = look(root, "main")
    assert look(root, "main", since=first) == Commits(str(root), (), (), ())
    commit(root, "Fixes #2")
    second = look(root, "main", since=first)
    assert named(second) == [("main", "#2")]
    git(root, "reflog", "expire", "--expire=now", "--all")  # a log made anew
    commit(root, "Fixes #3")
    assert named(look(root, "main", since=second)) == [("main", "#3")]


def test_an_amended_commit_is_gone(root: Path) -> None:
    old = commit(root, "Fixes #2")
    new = commit(root, "Fixes #3", "--amend")
    found = look(root, "main")
    assert found.gone == (old,)
    assert [c.sha for c in found.made if c.names == ("#3",)] == [new]


def test_a_renamed_branch_and_a_detached_head(root: Path) -> None:
    git(root, "checkout", "-q", "-b", "old")
    commit(root, "Fixes #2")
    git(root, "branch", "-m", "new")
    commit(root, "Fixes #3")
    git(root, "checkout", "-q", "--detach")
    commit(root, "Fixes #4")
    found = named(look(root, "new"))
    assert [pair for pair in found if pair[0] in ("old", "new", "main")] == [
        ("main", "#1"),
        ("new", "#3"),
        ("old", "#2"),
    ]


def test_packed_commits_and_large_ones(root: Path) -> None:
    commit(root, "Fixes #2\n\n" + "x" * 100_000)
    git(root, "gc", "-q")
    assert named(look(root)) == [("main", "#1"), ("main", "#2")]


def test_nothing_of_a_repository_is_run(root: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    for key in (
        *("core.fsmonitor", "core.pager", "pager.cat-file", "core.sshCommand"),
        *("core.editor", "diff.external", "core.gitProxy", "credential.helper"),
        *("alias.cat-file", "uploadpack.packObjectsHook", "core.askPass"),
        "remote.origin.uploadpack",
    ):
        value = f"!{script}" if key.startswith("alias") else str(script)
        git(root, "config", key, value)
    git(root, "config", "remote.origin.url", f"ext::{script}")
    git(root, "config", "remote.origin.promisor", "true")
    git(root, "config", "core.repositoryformatversion", "1")
    git(root, "config", "extensions.partialClone", "origin")
    hooks = root / ".git/hooks"
    for name in ("post-checkout", "pre-auto-gc", "reference-transaction"):
        shutil.copy(script, hooks / name)
    log = root / ".git/logs/HEAD"
    text = log.read_text()
    log.write_text(text + text.replace(git(root, "rev-parse", "HEAD"), "ab" * 20))
    ran.unlink(missing_ok=True)
    assert named(look(root)) == [("main", "#1")]
    assert not ran.exists()


def test_nothing_is_left_behind(root: Path) -> None:
    before = sorted(str(p) for p in root.rglob("*"))
    look(root, "main")
    assert sorted(str(p) for p in root.rglob("*")) == before


@pytest.mark.parametrize(
    "branch",
    ["../../../../HEAD", "/etc/passwd", "a//b", ".", "a\0b", "x" * 600, "a/../b", "a/"],
)
def test_a_hostile_branch_reads_no_other_file(
    root: Path, branch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    grown = commits._grown

    def watched(log: str, before: Position) -> tuple[bytes, int]:
        asked.append(log)
        return grown(log, before)

    monkeypatch.setattr(commits, "_grown", watched)
    assert named(look(root, branch)) == [("main", "#1")]
    assert asked == [str(root / ".git/logs/HEAD")]


def test_a_log_that_is_none(root: Path) -> None:
    log = root / ".git/logs/HEAD"
    for content in (b"", b"\0" * 5000, b"a b\n" * 5000, os.urandom(9000)):
        log.write_bytes(content)
        assert named(look(root)) == []
    log.unlink()
    os.mkfifo(log)
    assert named(look(root)) == []
    log.unlink()
    log.symlink_to("/dev/zero")
    assert named(look(root)) == []


def test_without_git_it_is_asked_again_later(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert look(root) == Commits(str(root), (), (), ())


def test_a_git_that_hangs_is_given_up(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 1000\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(commits, "_SECONDS", 0.2)
    assert look(root) == Commits(str(root), (), (), ())


def test_no_repository(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "gone", Path("relative")):
        assert look(root) == Commits(str(root), (), (), ())


def test_nothing_is_looked_at_where_that_would_ask_the_user(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costd.ingest.repositories.MAY_LOOK", False)
    assert look(root) == Commits(str(root), (), (), ())
