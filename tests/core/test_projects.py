"""Which project a directory belongs to, by its path alone."""

from __future__ import annotations

import pytest

from costd.core.projects import project_of


@pytest.mark.parametrize(
    ("cwd", "project"),
    [
        ("", ""),
        ("/", ""),
        ("/home/dev/costd", "costd"),
        ("/home/dev/costd/", "costd"),
        ("/home/dev/my project", "my project"),
        ("/home/dev/costd/.claude/worktrees/min-12", "costd"),
        ("/home/dev/costd/.claude/worktrees/min-12/daemon/core", "costd"),
        ("/home/dev/costd/.worktrees/feature", "costd"),
        ("/home/dev/costd/worktrees/feature/src", "costd"),
        ("/home/dev/costd/.superset/worktrees/costd/feature", "costd"),
        ("/home/dev/costd-worktrees/feature", "costd"),
        ("/home/dev/costd/.conductor/oslo", "costd"),
        ("/home/dev/.codex/worktrees/4f1c/costd", "costd"),
        ("/home/dev/.codex/worktrees/4f1c/costd/daemon", "costd"),
        ("/home/dev/.codex/worktrees/4f1c", ".codex"),
        ("C:\\Users\\dev\\costd", "costd"),
        ("C:\\Users\\dev\\costd\\.claude\\worktrees\\x", "costd"),
        ("relative/costd", "costd"),
        ("costd", "costd"),
        ("/home/dev/プロジェクト", "プロジェクト"),
    ],
)
def test_the_project_of_a_directory(cwd: str, project: str) -> None:
    assert project_of(cwd) == project


def test_a_directory_that_is_only_named_like_a_place_of_worktrees() -> None:
    assert project_of("/home/dev/worktrees") == "worktrees"
    assert project_of("/home/dev/workspaces") == "workspaces"


def test_a_name_has_an_end() -> None:
    assert len(project_of("/home/" + "x" * 4_000)) == 120


def test_no_path_takes_long() -> None:
    assert project_of("/worktrees" * 20_000) is not None
