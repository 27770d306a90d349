"""Pull requests that somebody imported: whose a branch is through its own (rule 7).

Nobody is asked over the network. A pull request that closes one issue belongs to that
issue; one that closes none, or several, is an owner itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from msgspec import Struct

from costd.core.attribution.commits import issue_named
from costd.core.attribution.identity import valid_issue
from costd.core.attribution.keys import Keys
from costd.core.attribution.model import THRESHOLD, Found, Place, shown

CONFIDENCE = 85

Number = tuple[str, int]
"""A repository, in small letters, and a number of it."""


class Pull(Struct, frozen=True, gc=False):
    """A pull request.

    Args:
        repository: ``owner/name`` that it is made to.
        number: its number there.
        branch: the branch that it brings.
        head: ``owner/name`` that the branch is in; empty where nobody knows.
        closes: the issues that it closes, as they were written.
    """

    repository: str
    number: int
    branch: str
    head: str = ""
    closes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """``owner/name!45``."""
        return f"{self.repository}!{self.number}"

    @property
    def key(self) -> Number:
        """By which it is found, however its repository is spelt."""
        return self.repository.lower(), self.number


class Pulls:
    """Pull requests, arranged by number and by branch."""

    def __init__(self, pulls: Iterable[Pull] = ()) -> None:
        self._by_number: dict[Number, Pull] = {}
        self._by_branch: defaultdict[str, list[Pull]] = defaultdict(list)
        for pull in pulls:
            self._by_number[pull.key] = pull
            self._by_branch[pull.branch].append(pull)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._by_number)

    def read(
        self, found: Found, place: Place, keys: Keys, links: Collection[Number] = ()
    ) -> Found:
        """What a name says, once pull requests are asked.

        Args:
            found: what the name itself says; what it says surely stays.
            place: where the work was done.
            keys: the tracker keys that are believed.
            links: the pull requests that the session says it works on.
        """
        if not self._by_number:
            return found
        if found.rule == "pr" and found.issue:
            repo, _, number = found.issue.rpartition("!")
            pull = self._by_number.get((repo.lower(), int(number)))
            return _owner([pull], keys) if pull else found
        if found.confidence >= THRESHOLD or found.bucket in _STOPPED:
            return found
        own = self._of(place, links)
        return _owner(own, keys) if own else found

    def _of(self, place: Place, links: Collection[Number]) -> list[Pull]:
        """The pull requests of a branch: in its repository, or the session's own."""
        branch, repo = place.worktree_branch or place.branch, place.repo.lower()
        if not branch:
            linked = [self._by_number[n] for n in links if n in self._by_number]
            return [pull for pull in linked if repo in (pull.key[0], pull.head.lower())]
        return [
            pull
            for pull in self._by_branch.get(branch, ())
            if pull.key in links or (repo and repo == pull.head.lower())
        ]


_STOPPED = frozenset({"none:default-branch", "none:bot-branch"})


def owner_of(pull: Pull, keys: Keys) -> str:
    """The one issue that a pull request closes, or else its own id."""
    place = Place(repo=pull.repository)
    issues = {issue_named(name, place, keys) for name in pull.closes} - {""}
    return issues.pop() if len(issues) == 1 else pull.id


def _owner(pulls: list[Pull], keys: Keys) -> Found:
    """Whose these are; several of one branch must belong to one issue."""
    owners = {owner_of(pull, keys): pull for pull in pulls}
    closing = {o: pull for o, pull in owners.items() if o != pull.id} or owners
    (issue, pull), *others = sorted(closing.items(), key=lambda item: -item[1].number)
    if valid_issue(issue) != issue:
        return Found()
    said = f"pull request {pull.id} of branch {shown(pull.branch)}"
    if others:
        why = f"{said} is for {issue}, {others[0][1].id} for {others[0][0]}"
        return Found(issue, CONFIDENCE, "pr", why, rival=others[0][0])
    why = said if issue == pull.id else f"{said} closes {issue}"
    return Found(issue, CONFIDENCE, "pr", why)


NO_PULLS = Pulls()
