"""Names that say nothing about an issue, whatever numbers stand in them."""

from __future__ import annotations

import re

from costd.core.attribution.model import Found, shown
from costd.core.attribution.words import INTEGRATION

_REF = re.compile(r"(?:refs/)?(?:heads|remotes/[^/]+)/|origin/|upstream/")
_REVERT = re.compile(r"revert-\d+-", re.IGNORECASE)
_UUID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
_UUID_LENGTH = 36

_BOT = re.compile(
    r"(?:dependabot|renovate|renovate-bot|greenkeeper|snyk|whitesource-remediate|mend"
    r"|pyup|depfu|scala-steward|imgbot|allcontributors|all-contributors|changeset-release"
    r"|release-please|gh-readonly-queue|mergify|github-actions|create-pull-request|bot"
    r"|bots|weblate|crowdin|transifex|fern-bot|graphite-base|pre-commit-ci)(?:/|--|$)"
    r"|(?:snyk-(?:fix|upgrade)|pre-commit-ci-update|pyup-update|depfu-update"
    r"|weblate|l10n_crowdin|crowdin|imgbot|renovate|greenkeeper)[-/_]",
    re.IGNORECASE,
)
_VERSION = (
    r"(?:^|/)(?:(?:release|releases|rel|hotfix|version|ver|bump|upgrade|prepare|stable"
    r"|support|r)[-_/])*v?\d+(?:\.(?:\d+|x))+"
    r"(?:[-_.+]?(?:rc|beta|alpha|pre|dev|post|final|snapshot)[-.]?\d*)*$"
)
_OPAQUE = re.compile(
    r"(?P<vibe_kanban>^vk/[0-9a-f]{4}-)"
    rf"|(?P<version>{_VERSION})"
    r"|(?P<numbered_worktree>(?:^|/)wt-"
    r"|(?:^|/)(?:worktree|agent)[-_](?:agent[-_])?(?:\d+|[0-9a-f]{6,40})$)"
    r"|(?P<web_editor_patch>(?:^|/)(?:[A-Za-z]\w*-)*patch-\d+$)"
    r"|(?P<hash>(?:^|/)(?=[a-f]*\d)[0-9a-f]{7,40}$)",
    re.IGNORECASE | re.ASCII,
)
_TELLTALE = re.compile(r"[0-9]|wt-|vk/", re.IGNORECASE)


def stripped(branch: str) -> str:
    """The branch without ``refs/heads/``, ``revert-12-`` and machine-made UUIDs."""
    name = branch.strip()
    if found := _REF.match(name):
        name = name[found.end() :]
    while found := _REVERT.match(name):
        name = name[found.end() :]
    return _UUID.sub("", name) if len(name) >= _UUID_LENGTH else name


def stopped(name: str) -> Found | None:
    """Why a name is not even looked at, or ``None`` when it is."""
    if name.lower() in INTEGRATION:
        return Found(bucket="none:default-branch", why=f"branch {shown(name)}")
    if _BOT.match(name):
        return Found(bucket="none:bot-branch", why=f"bot's branch {shown(name)}")
    if found := _OPAQUE.search(name) if _TELLTALE.search(name) else None:
        reason = (found.lastgroup or "").replace("_", " ")
        return Found(bucket="none:no-match", why=f"{reason} {shown(name)}")
    return None
