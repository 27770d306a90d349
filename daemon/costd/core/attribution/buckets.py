"""Where money goes that no issue owns: buckets with a name, never "unknown"."""

from __future__ import annotations

import re

from costd.core.attribution.model import Attribution, Found, Place, shown
from costd.core.attribution.roles import ORCHESTRATION, role_of
from costd.core.attribution.words import INTEGRATION

DEFAULT_BRANCH = "none:default-branch"
BOT_BRANCH = "none:bot-branch"
NO_REPO = "none:no-repo"
ORCHESTRATOR = "none:orchestrator"
NO_MATCH = "none:no-match"
AMBIGUOUS = "none:ambiguous"

BUCKETS = {
    DEFAULT_BRANCH: "work on the default or an integration branch",
    BOT_BRANCH: "the branch belongs to a bot",
    NO_REPO: "the directory is a home directory or no repository",
    ORCHESTRATOR: "an agent that directs others and works on no issue itself",
    NO_MATCH: "nothing at that place names an issue surely enough",
    AMBIGUOUS: "two issues are named equally clearly",
}
"""Every bucket that the rules use, with what it means."""

_HOME = re.compile(
    r"/(?:(?:home|Users)/[^/]+|root)?/?|[A-Za-z]:[\\/](?:Users[\\/][^\\/]+)?[\\/]?"
)
_GAS_TOWN = re.compile(
    r"/gt/(?:mayor|deacon)(?:/|$)|/(?:mayor|witness|refinery)/rig(?:/|$)"
)


def is_default_branch(branch: str, default_branch: str = "") -> bool:
    """Whether ``branch`` is where work is gathered, not done."""
    return branch.lower() in INTEGRATION or (branch != "" and branch == default_branch)


def bucket(place: Place, found: Found, branch: str) -> Attribution:
    """The bucket of a place that names no issue, with any candidate kept.

    Args:
        place: where the response was made.
        found: what the branch said; below the threshold or nothing at all.
        branch: the branch that was looked at.
    """
    name, evidence = _named(place, found, branch)
    return Attribution(
        issue=name,
        role=role_of(place.agent_type) or found.role,
        rule="bucket",
        confidence=100,
        evidence=evidence,
        candidate=found.issue,
        candidate_confidence=found.confidence,
    )


def _named(place: Place, found: Found, branch: str) -> tuple[str, str]:
    if found.rival:
        return AMBIGUOUS, found.why
    if is_orchestrator(place):
        return ORCHESTRATOR, f"role of {shown(place.agent_type or place.cwd)}"
    if reason := _outside(place, branch):
        return NO_REPO, reason
    if not branch:
        return NO_MATCH, "the log names no branch"
    if is_default_branch(branch, place.default_branch):
        return DEFAULT_BRANCH, f"branch {shown(branch)}"
    return found.bucket or NO_MATCH, found.why or f"branch {shown(branch)}"


def is_orchestrator(place: Place) -> bool:
    """Whether the agent directs others: by its type, or by Gas Town's directories."""
    if place.agent_type and role_of(place.agent_type) == ORCHESTRATION:
        return True
    return _GAS_TOWN.search(place.cwd) is not None


def _outside(place: Place, branch: str) -> str:
    """Why the place is no repository; empty if it is one or may be one.

    Claude Code writes ``HEAD`` (older versions: nothing) both for a detached head and
    where there is no repository, so such a line proves neither.
    """
    if place.repo:
        return ""
    if place.is_repo is False:
        return "the directory is no repository"
    if place.cwd and _HOME.fullmatch(place.cwd):
        return "the directory is a home directory"
    if not branch and place.is_repo is None:
        return "no branch and no repository"
    return ""
