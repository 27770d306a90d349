"""What attribution works on and what it answers, as values."""

from __future__ import annotations

from msgspec import Struct

THRESHOLD = 60
"""Percent from which evidence counts; 40 to 59 is shown by ``costd suggest``."""

EXPLICIT = frozenset({"manual", "claim", "env", "orchestrator"})
"""Rules by which somebody said so; all others look at the place."""


class Place(Struct, frozen=True, gc=False):
    """Where a response was made.

    Args:
        cwd: the line's real directory, never the agent's lossy slug of it.
        branch: the line's ``gitBranch``; may be stale in worktrees.
        repo: ``owner/name``, or empty when the remote is not known.
        worktree_branch: the real branch of the worktree at that time, or empty.
        agent_type: the subagent's type, or empty.
        default_branch: the repository's own, or empty when not known.
        is_repo: whether ``cwd`` lies in a repository; ``None`` when nobody looked.
    """

    cwd: str = ""
    branch: str = ""
    repo: str = ""
    worktree_branch: str = ""
    agent_type: str = ""
    default_branch: str = ""
    is_repo: bool | None = None


class Attribution(Struct, frozen=True, gc=False):
    """One owner and why.

    Args:
        issue: ``MIN-123``, ``owner/name#45``, ``owner/name!45`` or ``none:<bucket>``.
        role: a word of ``roles.ROLES``, or empty where no evidence names one.
        rule: ``manual``, ``claim``, ``env``, ``orchestrator``, ``worktree-path``,
            ``branch``, ``pr``, ``commit``, ``inherit`` or ``bucket``.
        confidence: percent, 0 to 100. A bucket is 100: it says what was found.
        evidence: what the rule saw, safe to print.
        candidate: an issue that was seen, but not surely enough to count.
        candidate_confidence: its percent.
        via: for ``inherit``: the rule that gave the parent its owner.
    """

    issue: str
    role: str
    rule: str
    confidence: int
    evidence: str
    candidate: str = ""
    candidate_confidence: int = 0
    via: str = ""

    @property
    def is_bucket(self) -> bool:
        """Whether the owner is a named bucket and not an issue."""
        return self.issue.startswith("none:")

    @property
    def is_explicit(self) -> bool:
        """Whether somebody said so, here or for the parent."""
        return (self.via or self.rule) in EXPLICIT

    def as_json(self) -> dict[str, object]:
        """The fields of ``costd explain --json``; confidence from 0 to 1."""
        answer: dict[str, object] = {
            "issue": self.issue,
            "role": self.role,
            "rule": self.rule,
            "confidence": self.confidence / 100,
            "evidence": self.evidence,
        }
        if self.candidate:
            answer["candidate"] = self.candidate
            answer["candidate_confidence"] = self.candidate_confidence / 100
        return answer


class Found(Struct, frozen=True, gc=False):
    """What one name (a branch, a worktree's directory) says.

    Args:
        issue: the id, or empty when the name says nothing.
        confidence: percent.
        rule: ``branch`` or ``pr``.
        why: the evidence in words.
        role: the role that the name spells out (``planning-…``), or empty.
        rival: another issue that the same segment names just as clearly.
        bucket: the bucket that a stop rule has named, or empty.
    """

    issue: str = ""
    confidence: int = 0
    rule: str = "branch"
    why: str = ""
    role: str = ""
    rival: str = ""
    bucket: str = ""


NOTHING = Found()


def shown(text: str, limit: int = 120) -> str:
    """``text`` made safe for a terminal and a table: printable and not too long."""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
