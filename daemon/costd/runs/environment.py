"""Where a run took place: the machine, the versions, and the CI system if it was one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple

from costd import __version__


class _System(NamedTuple):
    """A CI system: variables that mark it, and those that say more, the best first."""

    provider: str
    marks: tuple[str, ...]
    build: tuple[str, ...]
    branch: tuple[str, ...]
    commit: tuple[str, ...]


# As each system documents the variables that it sets by itself.
_SYSTEMS = (
    _System(
        "github-actions",
        ("GITHUB_ACTIONS",),
        ("GITHUB_RUN_ID",),
        ("GITHUB_HEAD_REF", "GITHUB_REF_NAME"),
        ("GITHUB_SHA",),
    ),
    _System(
        "gitlab-ci",
        ("GITLAB_CI",),
        ("CI_PIPELINE_ID", "CI_JOB_ID"),
        (
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
            "CI_COMMIT_REF_NAME",
            "CI_COMMIT_BRANCH",
        ),
        ("CI_COMMIT_SHA",),
    ),
    _System(
        "jenkins",
        ("JENKINS_URL",),
        ("BUILD_TAG", "BUILD_ID", "BUILD_NUMBER"),
        ("CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"),
        ("GIT_COMMIT",),
    ),
    _System(
        "circleci",
        ("CIRCLECI",),
        ("CIRCLE_BUILD_NUM", "CIRCLE_WORKFLOW_ID"),
        ("CIRCLE_BRANCH",),
        ("CIRCLE_SHA1",),
    ),
    _System(
        "bitbucket-pipelines",
        ("BITBUCKET_PIPELINE_UUID", "BITBUCKET_BUILD_NUMBER"),
        ("BITBUCKET_BUILD_NUMBER", "BITBUCKET_PIPELINE_UUID"),
        ("BITBUCKET_BRANCH",),
        ("BITBUCKET_COMMIT",),
    ),
    _System(
        "azure-pipelines",
        ("TF_BUILD", "AZURE_PIPELINE"),
        ("BUILD_BUILDID",),
        (
            "SYSTEM_PULLREQUEST_SOURCEBRANCH",
            "BUILD_SOURCEBRANCH",
            "BUILD_SOURCEBRANCHNAME",
        ),
        ("BUILD_SOURCEVERSION",),
    ),
)
_NO = frozenset({"", "0", "false", "no", "off"})
_REFS = ("refs/heads/", "refs/tags/", "refs/")
_LONGEST = 200


def detect_ci(environ: Mapping[str, str]) -> dict[str, object]:
    """The CI system that an environment names: ``ci`` and four facts, null if unknown."""
    found = next((s for s in _SYSTEMS if any(_on(environ, m) for m in s.marks)), None)
    if found is None:
        nothing = dict.fromkeys(
            ("ci_provider", "ci_build_id", "ci_branch", "ci_commit")
        )
        return {"ci": _on(environ, "CI"), **nothing}
    return {
        "ci": True,
        "ci_provider": found.provider,
        "ci_build_id": _first(environ, found.build),
        "ci_branch": _branch(_first(environ, found.branch)),
        "ci_commit": _first(environ, found.commit),
    }


def environment(environ: Mapping[str, str] | None = None) -> dict[str, object]:
    """What a report says of the machine; no name of it, and no variable's value else."""
    system = os.uname()
    return {
        "os": sys.platform,
        "os_release": system.release,
        "machine": system.machine,
        "python_version": ".".join(map(str, sys.version_info[:3])),
        "costd_version": __version__,
        **detect_ci(os.environ if environ is None else environ),
    }


def _on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() not in _NO


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    found = (environ.get(name, "").strip() for name in names)
    value = next(filter(None, found), None)
    return value[:_LONGEST] if value else None


def _branch(value: str | None) -> str | None:
    """``feature/x`` of ``refs/heads/feature/x``."""
    for prefix in _REFS:
        if value and value.startswith(prefix):
            return value[len(prefix) :]
    return value
