"""Claude Code: where its logs are recognised and how their lines are read."""

from costd.sources.claude_code.parser import Parser
from costd.sources.claude_code.places import agent_of, is_session_log, session_of

__all__ = ["Parser", "agent_of", "is_session_log", "session_of"]
