"""Which issue a place speaks of: rules 5, 6, 7 and 11 in order."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import structs

from costd.core.attribution.branch import TEMPLATE, read_branch
from costd.core.attribution.buckets import bucket, is_default_branch
from costd.core.attribution.keys import Keys
from costd.core.attribution.model import (
    NOTHING,
    THRESHOLD,
    Attribution,
    Found,
    Place,
)
from costd.core.attribution.pulls import NO_PULLS, Number, Pulls
from costd.core.attribution.roles import role_of
from costd.core.attribution.worktree import CONFIDENCE, worktree_names


def attribute_place(
    place: Place,
    keys: Keys,
    threshold: int = THRESHOLD,
    pulls: Pulls = NO_PULLS,
    links: Collection[Number] = (),
) -> Attribution:
    """The owner of what was done at ``place``, by evidence alone.

    The worktree's directory is asked before the branch. Where both speak of different
    issues just as clearly, the worktree's real branch decides; without one nobody
    does, and the answer is ``none:ambiguous``. Never raises, whatever the text.

    Args:
        place: where the response was made.
        keys: the tracker keys that are believed.
        threshold: percent from which evidence counts.
        pulls: the pull requests that are known.
        links: those that the session says it works on.
    """
    branch = place.worktree_branch or place.branch
    by_path = _read_worktree(place, keys, pulls)
    by_branch = NOTHING
    if not is_default_branch(branch, place.default_branch):
        by_branch = read_branch(branch, keys, place.repo)
        by_branch = pulls.read(by_branch, place, keys, links)
    found = _stronger(by_path, by_branch, is_real=place.worktree_branch != "")
    if found.rival or found.confidence < threshold:
        return bucket(place, found, branch)
    return Attribution(
        issue=found.issue,
        role=role_of(place.agent_type) or found.role,
        rule=found.rule,
        confidence=found.confidence,
        evidence=found.why,
    )


def _read_worktree(place: Place, keys: Keys, pulls: Pulls) -> Found:
    """What the innermost worktree says whose name says anything."""
    best = NOTHING
    for name in worktree_names(place.cwd):
        found = read_branch(name, keys, place.repo)
        if found.confidence > best.confidence:
            best = found
        if best.confidence >= THRESHOLD:
            break
    return pulls.read(best, place, keys) if best.rule == "pr" else best


def _stronger(by_path: Found, by_branch: Found, *, is_real: bool) -> Found:
    """The evidence that counts; a rival in it means that nothing does."""
    if not by_path.issue:
        return by_branch
    path = _capped(by_path)
    if by_branch.issue in ("", by_path.issue):
        return path
    clear = by_branch.confidence >= THRESHOLD and not by_branch.rival
    if clear and (is_real or by_path.rival):
        return by_branch
    if _level(by_path) != _level(by_branch):
        return path if _level(by_path) > _level(by_branch) else by_branch
    if by_path.confidence < THRESHOLD:
        return path
    why = f"the worktree says {by_path.issue}, the branch {by_branch.issue}"
    return structs.replace(path, why=why, rival=by_branch.issue)


def _level(found: Found) -> int:
    """Templates and known keys are equally clear; else the confidence says it."""
    return min(found.confidence, TEMPLATE)


def _capped(found: Found) -> Found:
    """A directory is weaker than a branch: it may have been used for another one."""
    return structs.replace(
        found,
        confidence=min(found.confidence, CONFIDENCE),
        rule="worktree-path",
        why=f"worktree: {found.why}",
    )
