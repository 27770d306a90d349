"""Which text may be an issue's id, and how it is spelt.

An id ends up in file names, tables and terminals, so what may stand in one is listed
here rather than what may not.
"""

from __future__ import annotations

import re

from costd.core.attribution.words import DEVICES, NOT_AN_ISSUE
from costd.core.errors import UsageError

LONGEST = 128

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*-[0-9]{1,9}", re.ASCII)
_NUMBER = re.compile(
    r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+){1,4}[#!][1-9][0-9]{0,8}", re.ASCII
)
_BUCKET = re.compile(r"none:[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]*", re.ASCII)
_BARE_NUMBER = re.compile(r"#?[0-9]+", re.ASCII)
_REPO_NUMBER = re.compile(r"(?:#|GH-)?([1-9][0-9]{0,8})", re.ASCII | re.IGNORECASE)
_HOSTED = re.compile(
    r"https?://[A-Za-z0-9.-]+/([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+){1,3}?)/(?:-/)?"
    r"(issues|work_items|pull|pulls|merge_requests)/([1-9][0-9]{0,8})(?:[/?#].*)?",
    re.ASCII,
)
_TRACKED = re.compile(
    r"https?://(?:linear\.app/[A-Za-z0-9_.-]+/issue|[A-Za-z0-9.-]+/browse"
    r"|[A-Za-z0-9.-]+/(?:youtrack/)?issue)/"
    r"([A-Za-z][A-Za-z0-9_]*-[0-9]{1,9})(?:[/?#].*)?",
    re.ASCII,
)
_ADDRESS = re.compile(r"https?://[A-Za-z0-9\-._~:/?#@!$&()*+,;=%]+", re.ASCII)
_AFTER_ADDRESS = ".,;:!?)*_~"


def valid_issue(text: str) -> str | None:
    """The id that ``text`` means, in its one spelling, or ``None`` if it is refused.

    Tracker keys are upper-cased, addresses of GitHub, GitLab, Linear and Jira become
    ids, ``none:<bucket>`` passes. ``issue_problem`` says why a text is refused.
    """
    if len(text) > LONGEST * 4:
        return None
    issue = _from_address(text.strip(" "))
    return None if _problem(issue) else issue


def issue_problem(text: str) -> str:
    """Why ``text`` cannot be an issue's id; empty when it can."""
    if len(text) > LONGEST * 4:
        return f"is {len(text)} characters long; {LONGEST} are allowed"
    return _problem(_from_address(text.strip(" ")))


def addressed_issue(text: str) -> str:
    """The one issue whose address stands in a text; empty where none or several do.

    Ids without an address are not looked for: they are too often something else. Nor
    are pull requests.
    """
    found = {
        issue
        for address in _ADDRESS.findall(text)
        if (issue := valid_issue(address.rstrip(_AFTER_ADDRESS))) and "!" not in issue
    }
    return found.pop() if len(found) == 1 else ""


def issue_in(repo: str, text: str) -> str | None:
    """As ``valid_issue``, where a bare number (``45``, ``#45``, ``GH-45``) is ``repo``'s.

    Without a repository a bare number stays refused: #45 of two repositories would
    become one issue.
    """
    number = _REPO_NUMBER.fullmatch(text.strip(" ")) if repo else None
    return valid_issue(f"{repo}#{number[1]}" if number else text)


def require_issue(text: str) -> str:
    """As ``valid_issue``, for people.

    Raises:
        UsageError: the text is refused; it says why.
    """
    issue = valid_issue(text)
    if issue is None:
        raise UsageError(
            f"This cannot be an issue: it {issue_problem(text)}.",
            fix="Give an id such as MIN-123, owner/name#45 or none:overhead.",
        )
    return issue


def _from_address(text: str) -> str:
    """The id inside a tracker's address; any other text with its key upper-cased."""
    if text.startswith("http"):
        if tracked := _TRACKED.fullmatch(text):
            return tracked[1].upper()
        if hosted := _HOSTED.fullmatch(text):
            mark = "#" if hosted[2] in ("issues", "work_items") else "!"
            return f"{hosted[1]}{mark}{hosted[3]}"
    return text.upper() if _KEY.fullmatch(text) else text


def _problem(issue: str) -> str:
    if not issue:
        return "is empty"
    if len(issue) > LONGEST:
        return f"is {len(issue)} characters long; {LONGEST} are allowed"
    if not issue.isprintable():
        return "contains control characters"
    if issue.lower() in NOT_AN_ISSUE or issue in ("none:", "none:unknown"):
        return "names no issue; leave it out, and the money lands in a named bucket"
    if _BARE_NUMBER.fullmatch(issue):
        return "is a number without its repository; write owner/name#45"
    return _shape_problem(issue)


def _shape_problem(issue: str) -> str:
    if issue.startswith("none:"):
        fine = _BUCKET.fullmatch(issue) is not None
        return "" if fine else "is no bucket; write none: and lower-case words"
    if ".." in issue or any(
        part.startswith(".") or part.endswith(".") for part in issue.split("/")
    ):
        return "looks like a path"
    if issue.partition(".")[0].upper() in DEVICES:
        return "is the name of a device on Windows"
    if _NUMBER.fullmatch(issue) or _PLAIN.fullmatch(issue):
        return ""
    return "holds characters other than letters, digits and . _ - @ : +"
