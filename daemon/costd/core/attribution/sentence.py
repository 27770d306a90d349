"""An attribution in words, for ``costd explain``."""

from __future__ import annotations

from costd.core.attribution.buckets import BUCKETS
from costd.core.attribution.model import Attribution

_REASONS = {
    "manual": "your configuration says so",
    "claim": "somebody said so",
    "env": "the agent's environment names it",
    "orchestrator": "the orchestrator's own record names it",
    "worktree-path": "the worktree's directory names it",
    "branch": "the branch names it",
    "pr": "the branch belongs to a pull request",
    "commit": "commits that were made there during the session name it",
    "inherit": "the session or agent that started this one works on it",
}


def sentence(attribution: Attribution) -> str:
    """One or two sentences: the owner, why, how sure, and what else was seen."""
    if attribution.rule == "bucket":
        return _bucket_sentence(attribution)
    role = f", in the role {attribution.role}" if attribution.role else ""
    reason = _REASONS.get(attribution.rule, f"by the rule {attribution.rule}")
    return (
        f"Counts toward {attribution.issue}{role}: {reason}"
        f" ({attribution.evidence}; {attribution.confidence} % sure)."
    )


def _bucket_sentence(attribution: Attribution) -> str:
    meaning = BUCKETS.get(attribution.issue, "a bucket of your own")
    text = f"No issue; counts toward {attribution.issue}: {meaning}"
    text += f" ({attribution.evidence})." if attribution.evidence else "."
    if attribution.candidate and attribution.candidate_confidence:
        text += (
            f" Perhaps {attribution.candidate}"
            f" ({attribution.candidate_confidence} % sure): see costd suggest."
        )
    return text
