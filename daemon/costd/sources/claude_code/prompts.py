"""The first prompt of a session: which one issue's address stands in it, if any.

Of the prompt itself nothing is kept.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from costd.core.attribution import addressed_issue
from costd.core.usage import PromptedIssue, Reading
from costd.sources.claude_code.shapes import Message

NO_PROMPT: Final = None
"""The line is none: something that the agent says to itself."""

_COMMAND, _ARGUMENTS, _NO_ARGUMENTS = "<command-", "<command-args>", "<command-args></"
_OF_THE_AGENT = ("<local-command-", "<bash-", "<task-notification", "Caveat: ")
_REMINDER, _REMINDED = "<system-reminder>", "</system-reminder>"
_OF_THE_EDITOR = "<ide_"
_LONGEST = 1 << 20
"""Bytes of a line that a person may have written; more would only cost memory."""


class Part(Struct, gc=False):
    """A part of a prompt; what is no text is left out."""

    type: str | None = None
    text: str | None = None


class Prompt(Struct, gc=False):
    """``message`` of a user line."""

    content: str | list[Part] | None = None


class Asking(Struct, gc=False):
    """A user line."""

    isMeta: bool | None = None  # noqa: N815 - the log's own name
    isCompactSummary: bool | None = None  # noqa: N815 - the log's own name
    message: Prompt | None = None


_decode = msgspec.json.Decoder(Asking).decode


def answers_tools(message: Message | None) -> bool:
    """Whether a user's line holds nothing but results of tools: no need to look closer."""
    content = None if message is None else message.content
    return isinstance(content, list) and all(b.tool_use_id for b in content)


def is_prompt(line: memoryview, session_id: str, at: int, reading: Reading) -> bool:
    """Whether a user's line is a prompt; the one issue in it goes into ``reading``."""
    if len(line) > _LONGEST:
        return False
    try:
        issue = _addressed(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False  # of another shape: nothing that a person wrote
    if issue:
        reading.prompted.append(PromptedIssue(session_id, issue, at))
    return issue is not NO_PROMPT


def _addressed(line: memoryview) -> str | None:
    asking = _decode(line)
    if asking.isMeta or asking.isCompactSummary or asking.message is None:
        return NO_PROMPT
    content = asking.message.content
    if isinstance(content, list):
        if all(part.type == "tool_result" for part in content):
            return NO_PROMPT
        content = "\n".join(_written(part.text) for part in content if part.text)
    elif not content or content.startswith(_OF_THE_AGENT) or _is_bare(content):
        return NO_PROMPT
    return addressed_issue(_without_reminders(content))


def _written(text: str) -> str:
    return "" if text.startswith(_OF_THE_EDITOR) else text


def _is_bare(text: str) -> bool:
    """Whether it is a command such as ``/clear``, which says nothing of the work."""
    return text.startswith(_COMMAND) and (
        _ARGUMENTS not in text or _NO_ARGUMENTS in text
    )


def _without_reminders(text: str) -> str:
    """A prompt without what the agent puts into it."""
    kept, at = [], 0
    while (begin := text.find(_REMINDER, at)) >= 0:
        kept.append(text[at:begin])
        at = text.find(_REMINDED, begin)
        if at < 0:
            return "".join(kept)
    return "".join([*kept, text[at:]])
