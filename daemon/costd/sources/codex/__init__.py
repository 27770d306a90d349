"""OpenAI Codex: where its rollouts are recognised and how their lines are read."""

from costd.sources.codex.parser import Parser
from costd.sources.codex.places import is_rollout, thread_of

__all__ = ["Parser", "is_rollout", "thread_of"]
