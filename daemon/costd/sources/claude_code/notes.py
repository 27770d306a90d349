"""Lines outside the conversation that say something about a session."""

from __future__ import annotations

from contextlib import suppress

from costd.core.money import from_usd
from costd.core.usage import PullRequest, Reading, ReportedCost, Worktree
from costd.sources.claude_code.shapes import Note, WorktreeSession

KINDS = frozenset({"pr-link", "worktree-state", "cost-state"})


def note(kind: str, found: Note, session_id: str, at: int, reading: Reading) -> None:
    """Add what a note of ``kind`` says to ``reading``."""
    if kind == "pr-link" and found.prUrl:
        number, repository = found.prNumber or 0, found.prRepository or ""
        reading.pull_requests.append(
            PullRequest(session_id, found.prUrl, number, repository, at)
        )
    elif kind == "cost-state" and found.totalCostUSD is not None:
        with suppress(ValueError):  # no amount: then the agent reported none
            cost = from_usd(found.totalCostUSD)
            reading.reported.append(ReportedCost(session_id, cost))
    elif kind == "worktree-state" and found.worktreeSession is not None:
        _worktree(found.worktreeSession, session_id, reading)


def _worktree(tree: WorktreeSession, session_id: str, reading: Reading) -> None:
    if tree.worktreePath:
        branch = tree.worktreeBranch or tree.branch or ""
        original = tree.originalCwd or ""
        reading.worktrees.append(
            Worktree(session_id, tree.worktreePath, branch, original)
        )
