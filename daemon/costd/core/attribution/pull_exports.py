"""Pull requests in what ``gh`` and the interfaces of GitHub and GitLab give.

Fields that say which pull request, which branch and which issues it closes are looked
at. Of a title and a description only the ids are taken that closing words stand before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from costd.core.attribution.commits import names_in
from costd.core.attribution.identity import valid_issue
from costd.core.attribution.pulls import Pull
from costd.core.errors import UsageError

LONGEST_BRANCH = 512
MOST_CLOSED = 20
_HOW = (
    "Make it like this: gh pr list --state all --limit 1000 --json "
    "number,headRefName,closingIssuesReferences,url > prs.json"
)
_WRAPPERS = ("nodes", "items", "data", "pullRequests", "edges", "node", "search")

Json = dict[str, Any]


def pulls_in_export(text: str) -> list[Pull]:
    """The pull requests that a file holds, each once, the last that it says of one.

    Raises:
        UsageError: it is no export, or none is in it. Nothing of it is quoted.
    """
    found = {pull.key: pull for each in _values(text) for pull in _pulls(each)}
    if not found:
        raise UsageError("No pull request with its url and branch is in it.", _HOW)
    return [found[key] for key in sorted(found)]


def _values(text: str) -> list[object]:
    text = text.lstrip("\ufeff \t\r\n")
    if not text:
        raise UsageError("The file is empty.", _HOW)
    try:
        try:
            return [json.loads(text)]
        except json.JSONDecodeError:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise UsageError("The file is neither JSON nor JSON lines.", _HOW) from None


def _pulls(value: object) -> Iterator[Pull]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            pull = _pull(value)
            if pull is None:
                waiting += [value[name] for name in _WRAPPERS if name in value]
            else:
                yield pull


def _pull(value: Json) -> Pull | None:
    """One pull request, of whichever of the three."""
    head = _dict(value.get("head"))
    branch = _first(
        value.get("headRefName"), head.get("ref"), value.get("source_branch")
    )
    urls = (value.get("html_url"), value.get("url"), value.get("web_url"))
    ids = [_id(url) for url in urls]
    issue = next((found for found in ids if "!" in found), "")
    if not issue or not branch or len(branch) > LONGEST_BRANCH:
        return None
    if not branch.isprintable() or " " in branch:
        return None
    repository, _, number = issue.rpartition("!")
    closes = dict.fromkeys(_closed(value, repository))
    return Pull(
        repository=repository,
        number=int(number),
        branch=branch,
        head=_head(value, head, repository),
        closes=tuple(closes)[:MOST_CLOSED],
    )


def _closed(value: Json, repository: str) -> Iterator[str]:
    references = value.get("closingIssuesReferences")
    if isinstance(references, dict):
        references = references.get("nodes")
    for each in references if isinstance(references, list) else ():
        if issue := _reference(_dict(each), repository):
            yield issue
    said = [value.get(name) for name in ("title", "body", "description")]
    text = "\n\n".join(part for part in said if isinstance(part, str))
    for name in names_in(text):
        yield f"{repository}{name}" if name.startswith("#") else name


def _reference(value: Json, repository: str) -> str:
    """The issue that a reference names; its repository may be another one."""
    issue = _id(value.get("url"))
    if issue:
        return issue if "!" not in issue else ""
    number = value.get("number")
    if not isinstance(number, int) or isinstance(number, bool):
        return ""
    other = _full_name(_dict(value.get("repository")))
    return valid_issue(f"{other or repository}#{number}") or ""


def _head(value: Json, head: Json, repository: str) -> str:
    """The repository that the branch is in; empty for somebody's copy, who knows which."""
    owner = _dict(value.get("headRepositoryOwner")).get("login")
    name = _dict(value.get("headRepository")).get("name")
    if isinstance(owner, str) and isinstance(name, str):
        return _repository(f"{owner}/{name}")
    if "repo" in head:
        return _repository(_dict(head["repo"]).get("full_name"))
    source, target = value.get("source_project_id"), value.get("target_project_id")
    is_other = value.get("isCrossRepository") is True or source != target
    return "" if is_other else repository


def _full_name(value: Json) -> str:
    owner = _dict(value.get("owner")).get("login")
    name = _first(value.get("nameWithOwner"), value.get("full_name"))
    return _repository(name or f"{owner}/{value.get('name')}")


def _repository(name: object) -> str:
    """A name that may be one, else empty."""
    if not isinstance(name, str) or "/" not in name:
        return ""
    return name if valid_issue(f"{name}#1") == f"{name}#1" else ""


def _id(url: object) -> str:
    """The issue or pull request that an address means."""
    if not isinstance(url, str) or not url.startswith("http"):
        return ""
    found = valid_issue(url.removesuffix("/")) or ""
    return "" if "://" in found else found


def _first(*values: object) -> str:
    return next((value for value in values if isinstance(value, str) and value), "")


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}
