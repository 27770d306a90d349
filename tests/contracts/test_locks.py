"""The lock files cover pyproject.toml, with a hash for each package and no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

LOCKS = ["requirements.lock", "requirements-dev.lock"]


def pins(repo: Path, name: str) -> dict[str, str]:
    """Package to version, as a lock file gives them."""
    text = (repo / name).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", text, re.MULTILINE))


def name_of(requirement: str) -> str:
    return re.split(r"[<>=~!;\[ ]", requirement, maxsplit=1)[0].lower()


@pytest.fixture(scope="module")
def pyproject(repo: Path) -> dict[str, Any]:
    return tomllib.loads((repo / "pyproject.toml").read_text())


def test_both_locks_hold_every_dependency(
    repo: Path, pyproject: dict[str, Any]
) -> None:
    wanted = {name_of(line) for line in pyproject["project"]["dependencies"]}
    assert wanted - pins(repo, "requirements.lock").keys() == set()
    wanted |= {name_of(line) for line in pyproject["dependency-groups"]["dev"]}
    assert wanted - pins(repo, "requirements-dev.lock").keys() == set()


def test_tests_run_what_people_install(repo: Path) -> None:
    tested = pins(repo, "requirements-dev.lock")
    assert {
        name: version
        for name, version in pins(repo, "requirements.lock").items()
        if tested.get(name) != version
    } == {}


def test_the_build_needs_nothing_outside_the_lock(
    repo: Path, pyproject: dict[str, Any]
) -> None:
    """`make setup` builds without isolation, so that all packages have a hash."""
    needed = {name_of(line) for line in pyproject["build-system"]["requires"]}
    assert needed - pins(repo, "requirements-dev.lock").keys() == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_each_package_has_a_hash(repo: Path, lock: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (repo / lock).read_text())[1:]
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    assert len(blocks) == len(pins(repo, lock))


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_has_an_address(repo: Path, lock: str) -> None:
    assert "://" not in (repo / lock).read_text()
