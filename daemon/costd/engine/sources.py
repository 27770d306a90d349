"""The agents whose logs costd reads, by the names that the ledger and reports use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from costd.core.usage import Reading
from costd.sources import claude_code, codex, droid

Roots = Mapping[str, Sequence[str]]
"""The directories with logs, by the name of the source whose logs they are."""


class Parser(Protocol):
    """Reads one log from where its checkpoint stands; the fold of a source."""

    def take(self, data: bytearray, start: int, stop: int, base: int) -> None:
        """Complete lines: ``data[start:stop]``, where ``data[0]`` is at ``base``."""

    def take_unterminated(self, data: bytes, base: int) -> bool:
        """A last line without a newline; whether it was whole already."""

    def skip(self, offset: int, length: int, reason: str) -> None:
        """A stretch that is no usable line."""

    def state(self) -> bytes:
        """What must be remembered past the last complete line."""

    def finish(self) -> Reading:
        """All that was found since the parser was made."""


class Source(NamedTuple):
    """One agent: which files under a root are its logs, and how they are read.

    Args:
        name: the agent's name everywhere outside its own package.
        is_log: whether a path relative to a root is a log of it.
        agent_of: the subagent whose log has a note beside it; empty: there is none.
        parser: a fold for the log under a root at a relative path, from a checkpoint's
            state, with the time of lines that have none (milliseconds). Raises
            ``msgspec.MsgspecError`` for a state that an older costd wrote.
    """

    name: str
    is_log: Callable[[str], bool]
    agent_of: Callable[[str], str]
    parser: Callable[[str, str, bytes, int], Parser]


def _claude(_root: str, path: str, state: bytes, fallback_at: int) -> Parser:
    session, agent = claude_code.session_of(path), claude_code.agent_of(path)
    return claude_code.Parser(_text(session), _text(agent), state, fallback_at)


def _codex(_root: str, path: str, state: bytes, fallback_at: int) -> Parser:
    return codex.Parser(_text(codex.thread_of(path)), state, fallback_at)


def _droid(root: str, path: str, state: bytes, fallback_at: int) -> Parser:
    folder = f"{root}/{path}".rpartition("/")[0].removesuffix("/scripts")
    return droid.Parser(_text(folder), state, fallback_at, _local)


def _local(moment: datetime) -> int:
    """By the zone of the system, as the program that wrote it."""
    return int(moment.timestamp() * 1_000)


def _text(name: str) -> str:
    """A name of the file system as text that the ledger can hold."""
    return name.encode("utf-8", "replace").decode()


CLAUDE = Source("claude", claude_code.is_session_log, claude_code.agent_of, _claude)
CODEX = Source("codex", codex.is_rollout, lambda _path: "", _codex)
DROID = Source("droid", droid.is_usage_log, lambda _path: "", _droid)
SOURCES = {source.name: source for source in (CLAUDE, CODEX, DROID)}
