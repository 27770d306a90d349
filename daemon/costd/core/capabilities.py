"""What kind of work a run was: as it was told, else by the word that a branch begins with."""

from __future__ import annotations

_WORDS = {
    "feature": "feature feat features",
    "bugfix": "bugfix bug bugs fix fixes hotfix",
    "refactor": "refactor refactoring cleanup",
    "docs": "docs doc documentation",
    "test": "test tests testing",
    "chore": "chore chores build ci deps dependencies style",
    "performance": "perf performance",
    "security": "security",
    "research": "spike research experiment poc",
    "release": "release",
}
_KNOWN = {word: name for name, words in _WORDS.items() for word in words.split()}

_AGENTS = {
    "claude-code": "claude",
    "claude_code": "claude",
    "claudecode": "claude",
    "anthropic-claude": "claude",
    "codex-cli": "codex",
    "openai-codex": "codex",
    "gemini-cli": "gemini",
    "qwen-code": "qwen",
    "copilot-cli": "copilot",
}


def capability_of(branch: str) -> str:
    """``bugfix`` of ``fix/min-123`` or ``dev/fix/x``; empty where no part says so.

    Only a whole part before the last one counts: ``fix-login`` may be anything.
    """
    for part in branch.lower().split("/")[:-1]:
        if part in _KNOWN:
            return _KNOWN[part]
    return ""


def spelt(capability: str) -> str:
    """A capability as somebody told it, in the one spelling that it is grouped by."""
    word = capability.strip().lower()
    return _KNOWN.get(word, word)


def runtime_of(agent: str) -> str:
    """The agent as its logs are named: ``claude`` of ``Claude-Code``."""
    word = agent.strip().lower()
    return _AGENTS.get(word, word)
