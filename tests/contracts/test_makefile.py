"""make's targets are listed, and the pages name only targets and files that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]


def targets(repo: Path) -> set[str]:
    text = (repo / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z]+):", text, re.MULTILINE))


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_help_lists_every_target(repo: Path) -> None:
    command = ["make", "--no-print-directory", "help"]
    shown = subprocess.run(
        command, cwd=repo, capture_output=True, text=True, check=True
    )
    listed = re.findall(r"^make ([a-z]+) +\w", shown.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(targets(repo))


def test_every_target_is_phony(repo: Path) -> None:
    """A file called `test` or `run` must not switch its target off."""
    phony = re.search(
        r"^\.PHONY: (help .*)$", (repo / "Makefile").read_text("utf-8"), re.MULTILINE
    )
    assert phony is not None
    assert set(phony[1].split()) == targets(repo)


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_targets_that_exist(repo: Path, page: str) -> None:
    named = re.findall(
        r"(?:^|`)make ([a-z]+)", (repo / page).read_text("utf-8"), re.MULTILINE
    )
    assert set(named) <= targets(repo)


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_links_in_pages_lead_to_files(repo: Path, page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (repo / page).read_text("utf-8"))
    assert [link for link in links if not (repo / link).exists()] == []


def test_ci_runs_what_people_run(repo: Path) -> None:
    script = repo / ".ci/run"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text("utf-8")
    assert script.read_text("utf-8").rstrip().endswith("exec make test </dev/null")
