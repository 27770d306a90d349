"""What a branch's name says about the issue (rules 6 and 7, stop rules first).

Exact templates, then known keys, then an upper-case key that nobody denies, then bare
numbers, then pull requests; a lower-case key that nobody knows is only a candidate.
Numbers need their repository: #45 of two repositories are two issues.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct, structs

from costd.core.attribution.identity import valid_issue
from costd.core.attribution.keys import (
    KEY_AND_NUMBER,
    LONGEST_NAME,
    Keys,
    candidate,
    is_believable,
)
from costd.core.attribution.model import NOTHING, Found, shown
from costd.core.attribution.numbers import is_counted, is_dated, is_year
from costd.core.attribution.stops import stopped, stripped
from costd.core.attribution.words import SERIES, TYPES

STAMPED, KNOWN, TEMPLATE, PULL_REQUEST, UPPER, NUMBER = 95, 95, 90, 85, 80, 60
WEAK = 50

_TYPE = "|".join(sorted((word.lower() for word in TYPES), key=len, reverse=True))
_PR = "pull-requests?|merge-requests?|pulls?|prs?|mrs?"
_NUMBERED = re.compile(
    rf"(?:^|/)(?:(?:{_TYPE})[-_]){{0,3}}(?:(?P<pr>{_PR})|gh-issues?|github-issues?|issues?|gh"
    r"|tickets?)[-/_#]#?(?P<number>[1-9]\d{0,5})(?![A-Za-z0-9]|\.\d)"
    r"(?P<stamp>-\d{8}-\d{4})?",
    re.IGNORECASE | re.ASCII,
)
_GAS_TOWN = re.compile(
    r"polecat/[^/]+/([a-z][a-z0-9]*(?:-[a-z0-9]+)+(?:\.\d+)*)(?:@|--|\+)[0-9a-z]{6,12}",
    re.ASCII,
)
_BEAD = re.compile(
    r"(?<![A-Za-z0-9])([a-z][a-z0-9]{0,15})-((?=[a-z]*\d)[a-z0-9]{3,8}(?:\.\d+)*)"
    r"(?![A-Za-z0-9])",
    re.ASCII,
)
_BARE = re.compile(
    r"((?:[\w.-]+/){0,2})((?:fix|fixes|bug|bugfix|hotfix|feat|feature|closes|resolves)"
    r"[-_])?(#)?([1-9]\d{0,5})(?=$|[-_][A-Za-z])",
    re.IGNORECASE | re.ASCII,
)
_TELLTALE = re.compile("[0-9@+]|--")
_SECOND_TRY = 10
_ROLE = re.compile(r"(?:^|/)(planning|review)[-_/]")


class _Name(Struct, frozen=True):
    """A name with what the patterns found in it, looked for once."""

    text: str
    numbered: re.Match[str] | None
    keys: list[re.Match[str]]


def read_branch(branch: str, keys: Keys, repo: str = "") -> Found:
    """What the name says, the surest evidence first.

    Args:
        branch: the branch, or the directory of a worktree, which is named like one.
        keys: the keys that are believed.
        repo: ``owner/name``; without it a number says nothing.

    Returns:
        A ``Found``; below ``THRESHOLD`` it is a candidate that must not count.
    """
    if not branch or len(branch) > LONGEST_NAME:
        return NOTHING
    text = stripped(branch)
    if stop := stopped(text):
        return stop
    if not _TELLTALE.search(text):  # most names hold nothing like an id
        return NOTHING
    name = _Name(text, _number_in(text), [*KEY_AND_NUMBER.finditer(text)])
    found = _surest(name, keys, repo)
    if found.issue and (role := _ROLE.search(text)):
        return structs.replace(found, role=role[1])
    return found


def _number_in(text: str) -> re.Match[str] | None:
    found = _NUMBERED.search(text)
    if found and is_dated(text, found.end("number"), found["number"]):
        return None
    return found


def _surest(name: _Name, keys: Keys, repo: str) -> Found:
    weak = NOTHING
    for rule in _RULES:
        found = rule(name, keys, repo)
        if found.confidence >= NUMBER:
            return found
        if found.why and (not weak.why or found.confidence > weak.confidence):
            weak = found
    return weak


def _numbered(repo: str, number: str, name: str, confidence: int) -> Found:
    """An issue by number, or the reason why it cannot be one."""
    if not repo:
        return Found(why=f"number {number} in {shown(name)}, repository not known")
    issue = valid_issue(f"{repo}#{number}")
    if issue is None:
        return NOTHING
    return Found(issue, confidence, why=f"number {number} in {shown(name)}")


def _template(name: _Name, keys: Keys, repo: str) -> Found:  # noqa: ARG001 (one shape for all rules)
    text, found = name.text, name.numbered
    if text.startswith("polecat/") and (bead := _GAS_TOWN.fullmatch(text)):
        issue = valid_issue(bead[1]) or ""
        return Found(issue, STAMPED, why=f"Gas Town branch {shown(text)}")
    if not found or found["pr"]:
        return NOTHING
    number = found["number"]
    confidence = STAMPED if found["stamp"] else TEMPLATE
    return _numbered(repo, number, text, confidence)


def _known_key(name: _Name, keys: Keys, repo: str) -> Found:
    """A key that is known, in any case, anywhere; the leftmost one."""
    text = name.text
    first = NOTHING
    begin = 0
    for found in name.keys:
        key = keys.known(found[1], repo)
        if not key or is_dated(text, found.end(), found[2]):
            continue
        issue = f"{key}-{found[2]}"
        if not first.issue:
            first = Found(issue, KNOWN, why=f"known key {key} in {shown(text)}")
            begin = found.end()
        elif issue != first.issue and "/" not in text[begin : found.start()]:
            return _ambiguous(first, issue, text)
    if not first.issue and keys.beads:
        return _bead(text, keys)
    return first


def _ambiguous(first: Found, rival: str, text: str) -> Found:
    why = f"{first.issue} and {rival} in {shown(text)}"
    return structs.replace(first, why=why, rival=rival)


def _bead(text: str, keys: Keys) -> Found:
    for found in _BEAD.finditer(text):
        if found[1] in keys.beads:
            why = f"bead prefix {found[1]} in {shown(text)}"
            return Found(f"{found[1]}-{found[2]}", KNOWN, why=why)
    return NOTHING


def _unknown_key(name: _Name, keys: Keys, repo: str) -> Found:  # noqa: ARG001 (one shape for all rules)
    """An upper-case key counts, a lower-case one is a candidate; open world only."""
    if not keys.is_open:
        return NOTHING
    text = name.text
    first = weak = NOTHING
    begin = 0
    for found in name.keys:
        issue, seen = _upper_key(text, found)
        if seen.confidence < UPPER:
            weak = weak if weak.issue else seen
        elif not first.issue:
            first = seen
            begin = found.end()
        elif issue != first.issue and "/" not in text[begin : found.start()]:
            return _ambiguous(first, issue, text)
    return first if first.issue else weak


def _upper_key(text: str, found: re.Match[str]) -> tuple[str, Found]:
    """What one key with its number says when nobody knows the key."""
    key = found[1].rpartition("_")[2]
    issue = f"{key.upper()}-{found[2]}"
    if not key.isupper():
        upper, confidence = candidate(text, found)
        why = f"{issue} in {shown(text)}, but nobody knows the key {upper}"
        return issue, Found(issue, confidence, why=why) if upper else NOTHING
    if not is_believable(key, text, found.end(), found[2]):
        return issue, NOTHING
    if is_year(found[2]):
        return issue, Found(issue, WEAK, why=f"perhaps a year in {shown(text)}")
    return issue, Found(issue, UPPER, why=f"key {key} in {shown(text)}")


def _bare_number(name: _Name, keys: Keys, repo: str) -> Found:
    text = name.text
    found = _BARE.match(text)
    if not found:
        return NOTHING
    folders, word, mark, number = found.groups()
    if mark:
        return _numbered(repo, number, text, UPPER)
    folder = folders.rstrip("/").rpartition("/")[2]
    if key := keys.known(folder, repo):  # eng/12 is hardly number 12 of the repository
        issue = f"{key}-{number}"
        return Found(issue, WEAK, why=f"perhaps {issue} in {shown(text)}")
    is_series = not SERIES.isdisjoint(folders.upper().split("/"))
    if is_series or folder.isdecimal() or is_counted(text, found.end(), number):
        return NOTHING  # backport/5.x/123, 2026/11/21-title, 2-factor
    if word and found.end() == len(text) and int(number) < _SECOND_TRY:
        return NOTHING  # fix-2 is a second try
    return _numbered(repo, number, text, NUMBER)


def _pull_request(name: _Name, keys: Keys, repo: str) -> Found:  # noqa: ARG001 (one shape for all rules)
    found = name.numbered
    if not found or not found["pr"]:
        return NOTHING
    number = found["number"]
    issue = valid_issue(f"{repo}!{number}") if repo else None
    if issue is None:
        return Found(why=f"pull request {number}, repository not known")
    why = f"pull request {number} in {shown(name.text)}"
    return Found(issue, PULL_REQUEST, "pr", why)


_RULES: tuple[Callable[[_Name, Keys, str], Found], ...] = (
    _template,
    _known_key,
    _unknown_key,
    _bare_number,
    _pull_request,
)
