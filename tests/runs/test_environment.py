"""Where a run took place, by the variables that each CI system sets."""

from __future__ import annotations

import pytest

from costd.runs.environment import detect_ci, environment


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, (False, None, None, None, None)),
        ({"CI": "false"}, (False, None, None, None, None)),
        ({"CI": "true"}, (True, None, None, None, None)),
        (
            {
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_RUN_ID": "77",
                "GITHUB_REF_NAME": "main",
                "GITHUB_SHA": "abc",
            },
            (True, "github-actions", "77", "main", "abc"),
        ),
        (
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_HEAD_REF": "feature/x",
                "GITHUB_REF_NAME": "7/merge",
            },
            (True, "github-actions", None, "feature/x", None),
        ),
        (
            {
                "GITLAB_CI": "true",
                "CI_PIPELINE_ID": "5",
                "CI_COMMIT_REF_NAME": "dev",
                "CI_COMMIT_SHA": "def",
            },
            (True, "gitlab-ci", "5", "dev", "def"),
        ),
        (
            {
                "JENKINS_URL": "https://ci.example/",
                "BUILD_TAG": "jenkins-app-12",
                "GIT_BRANCH": "origin/dev",
                "GIT_COMMIT": "1f",
            },
            (True, "jenkins", "jenkins-app-12", "origin/dev", "1f"),
        ),
        (
            {
                "CIRCLECI": "true",
                "CIRCLE_BUILD_NUM": "9",
                "CIRCLE_BRANCH": "b",
                "CIRCLE_SHA1": "2f",
            },
            (True, "circleci", "9", "b", "2f"),
        ),
        (
            {
                "BITBUCKET_PIPELINE_UUID": "{u}",
                "BITBUCKET_BUILD_NUMBER": "3",
                "BITBUCKET_BRANCH": "b",
                "BITBUCKET_COMMIT": "3f",
            },
            (True, "bitbucket-pipelines", "3", "b", "3f"),
        ),
        (
            {
                "TF_BUILD": "True",
                "BUILD_BUILDID": "11",
                "BUILD_SOURCEBRANCH": "refs/heads/feature/y",
                "BUILD_SOURCEVERSION": "4f",
            },
            (True, "azure-pipelines", "11", "feature/y", "4f"),
        ),
        ({"GITHUB_ACTIONS": "false", "CI": "0"}, (False, None, None, None, None)),
    ],
)
def test_ci_systems(environ: dict[str, str], expected: tuple[object, ...]) -> None:
    names = ("ci", "ci_provider", "ci_build_id", "ci_branch", "ci_commit")
    assert detect_ci(environ) == dict(zip(names, expected, strict=True))


def test_no_variable_but_those_is_told() -> None:
    secret = {"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "s3cret", "HOME": "/home/dev"}
    said = str(environment(secret))
    assert "s3cret" not in said
    assert "/home/dev" not in said
