"""Which files a command changed: real repositories, each story by hand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from costd.cli.agents.tree import Tree, parse_diff, parse_status

Changes = dict[str, list[str]]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that takes long is given up; here the machine may be slow."""
    monkeypatch.setattr("costd.cli.agents.tree.SECONDS", 100.0)


class Repo:
    """A repository with one commit: ``a``, ``b`` and ``dir/c``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", "-b", "main")
        self.sh(
            "echo a > a; echo b > b; mkdir dir; echo c > dir/c; echo '*.o' > .gitignore"
        )
        self.commit()

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=dev", "-c", "user.email=dev@example.com"]
        subprocess.run(["git", *who, *words], cwd=self.root, check=True)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--no-verify", "-m", "x")

    def sh(self, script: str) -> None:
        subprocess.run(["sh", "-ec", script], cwd=self.root, check=True)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


COMMIT = "git add -A; git -c user.name=d -c user.email=d@example.com commit -qm y"
NOTHING: Changes = {"modified": [], "created": [], "deleted": []}


@pytest.mark.parametrize(
    ("before", "during", "expected"),
    [
        ("", "", {}),
        ("", "echo aa > a", {"modified": ["a"]}),
        ("", "echo n > n; mkdir new; echo m > new/m", {"created": ["n", "new/m"]}),
        ("", "rm a dir/c", {"deleted": ["a", "dir/c"]}),
        ("", "mv a z", {"created": ["z"], "deleted": ["a"]}),
        ("", "echo o > x.o", {}),  # ignored
        # What was different before is only told where it changed again.
        ("echo x > a; echo n > n; rm b", "", {}),
        ("echo x > a; echo n > n", "echo more >> n", {"modified": ["n"]}),
        ("echo x > a", "git checkout -q a", {"modified": ["a"]}),
        ("echo n > n", "rm n", {"deleted": ["n"]}),
        ("rm b", "echo b2 > b", {"created": ["b"]}),
        # Committed or not is the same.
        ("", f"echo aa > a; echo n > n; rm b; {COMMIT}", {
            "modified": ["a"], "created": ["n"], "deleted": ["b"],
        }),
        ("echo x > a; echo n > n", COMMIT, {}),
        ("echo x > a", f"echo y > a; {COMMIT}; echo z > a", {"modified": ["a"]}),
        ("", f"echo n > n; {COMMIT}; rm n", {}),
        ("", f"rm a; {COMMIT}; echo back > a", {"modified": ["a"]}),
        ("", "echo 'ü x' > 'ü name'", {"created": ["ü name"]}),
    ],
)  # fmt: skip
def test_what_becomes_of_files(
    repo: Repo, before: str, during: str, expected: Changes
) -> None:
    repo.sh(before)
    tree = Tree(str(repo.root / "dir"))
    assert tree._first is not None
    assert tree._first.within(30.0)
    tree.hold()
    repo.sh(during)
    found = tree.changed()
    assert found is not None
    assert found[0] == {**NOTHING, **expected}
    assert found[1].branch == "main"


def test_a_first_commit(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    tree = Tree(str(tmp_path))
    assert tree._first is not None
    assert tree._first.within(30.0)
    tree.hold()
    (tmp_path / "n").write_text("n")
    found = tree.changed()
    assert found is not None
    assert found[0] == {**NOTHING, "created": ["n"]}


def test_a_late_look_does_not_hide_what_the_command_did(repo: Repo) -> None:
    old = repo.root / "old"
    old.write_text("was there")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    tree = Tree(str(repo.root))
    # Nobody waited: the command was let go before git had looked.
    (repo.root / "a").write_text("new")
    assert tree._first is not None
    assert tree._first.within(30.0)
    found = tree.changed()
    assert found is not None
    assert found[0] == {**NOTHING, "modified": ["a"]}


def test_without_a_repository_nobody_knows(tmp_path: Path) -> None:
    tree = Tree(str(tmp_path))
    tree.hold()
    assert tree.root == "" or not tree.root.startswith(str(tmp_path))
    if not tree.root:
        assert tree.changed() is None
    tree.close()


def test_a_broken_repository_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: nowhere")
    tree = Tree(str(tmp_path))
    assert tree._first is not None
    assert tree._first.within(30.0)
    tree.hold()
    assert tree.changed() is None


def test_git_takes_no_lock_and_starts_nothing(repo: Repo) -> None:
    mark = repo.root.parent / f"{repo.root.name}-started"
    hook = repo.root / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\necho x > {mark}\n")
    hook.chmod(0o755)
    monitor = repo.root.parent / f"{repo.root.name}-monitor"
    monitor.write_text(f"#!/bin/sh\necho y > {mark}\n")
    monitor.chmod(0o755)
    repo.git("config", "core.fsmonitor", str(monitor))
    mark.unlink(missing_ok=True)
    os.utime(repo.root / "a", (1_000_000_000, 1_000_000_000))  # the index is stale
    index = (repo.root / ".git/index").stat().st_mtime_ns
    tree = Tree(str(repo.root))
    assert tree._first is not None
    assert tree._first.within(30.0)
    tree.hold()
    assert tree.changed() is not None
    assert (repo.root / ".git/index").stat().st_mtime_ns == index
    assert not mark.exists()


def test_the_words_of_git() -> None:
    ids = "100644 100644 100644 " + "0" * 40 + " " + "0" * 40
    gone = "100644 100644 000000 " + "0" * 40 + " " + "0" * 40
    fresh = "000000 100644 100644 " + "0" * 40 + " " + "0" * 40
    text = (
        "# branch.oid (initial)\0# branch.head (detached)\0# stash 1\0"
        f"1 .M N... {ids} a b\0"
        f"1 .D N... {gone} gone\0"
        f"1 A. N... {fresh} new\0"
        "u UU N... 100644 100644 100644 100644 1 2 3 both sides\0? un known\0! ignored\0"
    )
    assert parse_status(text.encode()) == (
        "",
        "",
        {
            "a b": "modified",
            "gone": "deleted",
            "new": "created",
            "both sides": "modified",
            "un known": "created",
        },
    )
    assert parse_diff(b"M\0a b\0A\0n\0D\0d\0T\0t\0") == {
        "a b": "modified",
        "n": "created",
        "d": "deleted",
        "t": "modified",
    }
