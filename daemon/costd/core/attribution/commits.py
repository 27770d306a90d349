"""Which issues a commit's message names, and what that says of a session (rule 8).

Only a closing word right before an id counts (``Fixes #45``, ``closes MIN-7``), or a
trailer that is there for it (``Refs: #45``). An id that merely stands in a text is too
often something else. What is taken out of a message is the ids, never its words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct, structs

from costd.core.attribution.buckets import (
    AMBIGUOUS,
    BOT_BRANCH,
    DEFAULT_BRANCH,
    NO_MATCH,
)
from costd.core.attribution.identity import valid_issue
from costd.core.attribution.keys import Keys, is_believable
from costd.core.attribution.model import Attribution, Place, shown
from costd.core.attribution.numbers import is_year

CONFIDENCE = 70
MOST_NAMES = 8
"""So many of one commit's are kept; two are already too many to decide."""

_LONGEST = 64 * 1024
_WORD = (
    r"(?:close[sd]?|closing|fix(?:e[sd])?|fixing|resolve[sd]?|resolving"
    r"|complete[sd]?|completing|implement(?:s|ed|ing)?)"
)
_PATH = r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*){1,3}"
_ID = (
    r"(?:https?://[A-Za-z0-9\-._~:/?#@!$&()*+,;=%]+"
    rf"|(?:{_PATH})?#[1-9]\d{{0,6}}(?![A-Za-z0-9_]|\.\d)"
    r"|[A-Za-z][A-Za-z0-9_]{0,31}-[1-9]\d{0,6}(?![A-Za-z0-9_]|[.-]\d)"
    r"|[a-z][a-z0-9]{0,15}-[a-z0-9]{3,8}(?:\.\d+)*(?![A-Za-z0-9_-]))"
)
_NEXT = r"(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*|\s+)"
_CLOSES = re.compile(
    rf"(?<![A-Za-z0-9_-])(?<!not )(?<!n't )(?<!never ){_WORD}(?:\s*:\s*|\s+)"
    rf"(?:issues?\s+|tickets?\s+|bugs?\s+)?({_ID}(?:{_NEXT}(?:{_WORD}:?\s+)?{_ID})*)",
    re.IGNORECASE | re.ASCII,
)
_TRAILER = re.compile(
    r"(?:refs?|references|issues?|tickets?|jira|jira-issue|jira-ticket|linear"
    r"|linear-issue|github-issue|gitlab-issue|youtrack|bug|beads?|bead-id|tasks?|story"
    r"|work-item|part-of|relates-to|towards)\s*:\s*"
    rf"(?:[a-z]+\s+)?({_ID}(?:{_NEXT}{_ID})*)\s*",
    re.IGNORECASE | re.ASCII,
)
_EACH = re.compile(_ID, re.IGNORECASE | re.ASCII)
_KEYED = re.compile(r"([A-Za-z][A-Za-z0-9_]*)-([1-9]\d*)", re.ASCII)
_SHORT = re.compile(r"gh-([1-9]\d{0,6})", re.IGNORECASE | re.ASCII)
_NOT_SAID_HERE = re.compile(r'\s*>|Revert "|This reverts commit ')
_BLANK = re.compile(r"\n[ \t]*\n")


class Made(Struct, frozen=True, gc=False):
    """What the commits say that were made on a branch while a session was at work there.

    Args:
        names: the ids as they were written, each once.
        naming: how many of the commits name any.
        others: how many name none, or may be another session's.
    """

    names: tuple[str, ...] = ()
    naming: int = 0
    others: int = 0


def names_in(message: str, beads: str = "") -> tuple[str, ...]:
    """The ids that a commit's message says it is for, as they were written.

    Closing words count anywhere; where there are none, the trailers of the last
    paragraph do. What is quoted or reverted is not said here.

    Args:
        message: the whole message; a description of a pull request is written alike.
        beads: the prefix of the repository's beads, or empty.
    """
    lines = message[:_LONGEST].replace("\r\n", "\n").split("\n")
    text = "\n".join(line for line in lines if not _NOT_SAID_HERE.match(line))
    found = list(_ids((match[1] for match in _CLOSES.finditer(text)), beads))
    if not found:
        last = _BLANK.split(text.strip())[-1]
        trailers = map(_TRAILER.fullmatch, last.split("\n"))
        found = list(_ids((match[1] for match in trailers if match), beads))
    return tuple(sorted(dict.fromkeys(found))[:MOST_NAMES])


def _ids(texts: Iterable[str], beads: str) -> Iterator[str]:
    for text in texts:
        for found in _EACH.findall(text):
            if found.startswith(("http:", "https:")):
                issue = valid_issue(found.rstrip(".,;:!?)*_~"))
                if issue is not None and "!" not in issue and "://" not in issue:
                    yield issue
            elif number := _SHORT.fullmatch(found):
                yield f"#{number[1]}"
            elif "#" in found or _KEYED.fullmatch(found) or _is_bead(found, beads):
                yield found


def _is_bead(text: str, beads: str) -> bool:
    return beads != "" and text.startswith(f"{beads}-")


def issue_named(name: str, place: Place, keys: Keys) -> str:
    """The issue that an id means at a place; empty where it means none there."""
    if "#" in name:
        if name.startswith("#") and not place.repo:
            return ""
        return valid_issue(place.repo + name if name.startswith("#") else name) or ""
    found = _KEYED.fullmatch(name)
    if found:
        if known := keys.known(found[1], place.repo):
            return f"{known}-{found[2]}"
        if _is_unknown_key(found, name, keys):
            return name
    return name if name.partition("-")[0] in keys.beads else ""


def _is_unknown_key(found: re.Match[str], name: str, keys: Keys) -> bool:
    key, number = found.groups()
    return (
        keys.is_open
        and key.isupper()
        and not is_year(number)
        and is_believable(key, name, len(name), number)
    )


def with_commits(own: Attribution, made: Made, place: Place, keys: Keys) -> Attribution:
    """The owner of a place, where the session's commits there name an issue.

    They are asked only where the place itself names none surely. On an integration or
    a bot's branch much is done that no commit speaks of: there, an issue counts only
    if all commits of that time are the session's and name it, and is else only said.

    Args:
        own: what the place shows.
        made: the commits that the session made on that branch.
        place: where the response was made.
        keys: the tracker keys that are believed.
    """
    if own.issue not in _OPEN:
        return own
    issues = sorted({issue_named(name, place, keys) for name in made.names} - {""})
    if not issues:
        return own
    branch = shown(place.worktree_branch or place.branch)
    if len(issues) > 1:
        return _several(own, issues, branch)
    evidence = f"a commit on {branch} names {issues[0]}"
    if made.naming > 1:
        evidence = f"{made.naming} commits on {branch} name {issues[0]}"
    if own.issue in _GATHERED and made.others:
        return structs.replace(own, evidence=f"{own.evidence}; {evidence}")
    return Attribution(
        issue=issues[0],
        role=own.role,
        rule="commit",
        confidence=CONFIDENCE,
        evidence=evidence,
    )


_OPEN: Collection[str] = frozenset({NO_MATCH, DEFAULT_BRANCH, BOT_BRANCH, AMBIGUOUS})
_GATHERED: Collection[str] = frozenset({DEFAULT_BRANCH, BOT_BRANCH})


def _several(own: Attribution, issues: list[str], branch: str) -> Attribution:
    more = " and others" if len(issues) > 2 else ""  # noqa: PLR2004 - two are named
    why = f"commits on {branch} name {issues[0]} and {issues[1]}{more}"
    if own.issue != NO_MATCH:
        return structs.replace(own, evidence=f"{own.evidence}; {why}"[:300])
    return structs.replace(own, issue=AMBIGUOUS, evidence=why)
