"""``prs``, ``import_prs`` and ``forget_prs``: pull requests, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costd.core.attribution import Pull, owner_of, valid_issue
from costd.core.attribution.pull_exports import LONGEST_BRANCH, MOST_CLOSED
from costd.core.errors import NotFoundError, UsageError
from costd.core.summary import envelope, instant
from costd.engine.claimed import moved_json
from costd.engine.jobs import Job
from costd.engine.view import Params, View, number, text, words
from costd.ledger.moves import Moves
from costd.ledger.pulls import ImportedPull, imported

MOST = 4_000
_DEFAULT_LIMIT = 50
_LONGEST_SOURCE = 200
_LONGEST_NAME = 128
_SHORT = 100
"""Sessions that are judged in one go, without answering others in between."""

Answer = dict[str, Any]


def prs(view: View, params: Params) -> Answer:
    """The pull requests that were imported, the newest of each repository first."""
    limit = number(params, "limit", _DEFAULT_LIMIT)
    found = sorted(
        imported(view.connection), key=lambda p: (p.pull.repository, -p.pull.number)
    )
    rows = [_row(view, each) for each in (found[:limit] if limit else found)]
    return envelope(view.now, rows=rows, count=len(found))


def _row(view: View, each: ImportedPull) -> Answer:
    pull = each.pull
    judged = view.ledger.owners.world.judge("", "", repo=pull.repository)
    return {
        "pr": pull.id,
        "repository": pull.repository,
        "number": pull.number,
        "branch": pull.branch,
        "closes": list(pull.closes),
        "issue": owner_of(pull, judged.keys),
        "source": each.source,
        "imported_at": instant(each.at),
    }


def import_prs(view: View, params: Params) -> Answer | Job:
    """Know pull requests, and whose they are, from now on and for the past.

    Raises:
        UsageError: one of them is none; then none is taken.
    """
    given = params.get("prs")
    if not isinstance(given, list) or not 0 < len(given) <= MOST:
        raise UsageError(
            f"prs must be 1 to {MOST:,} pull requests.", "Import fewer at once."
        )
    source = text(params, "source") or "api"
    if len(source) > _LONGEST_SOURCE or not source.isprintable():
        raise UsageError(
            f"source is longer than {_LONGEST_SOURCE} printable characters.",
            "Shorten it.",
        )
    before = {each.pull.key: each.pull for each in imported(view.connection)}
    pulls = {pull.key: pull for pull in map(_pull, given)}
    made = [pull for key, pull in pulls.items() if before.get(key) != pull]
    added = sum(pull.key not in before for pull in made)
    replaced = [before[pull.key] for pull in made if pull.key in before]
    said = {
        "added": added,
        "changed": len(made) - added,
        "known": len(pulls) - len(made),
        "repositories": sorted({pull.repository for pull in pulls.values()}),
    }
    new = [ImportedPull(pull, source, view.now) for pull in made]
    return _change(view, params, new, replaced, said)


def forget_prs(view: View, params: Params) -> Answer | Job:
    """Know pull requests no longer: by id, by repository, or ``all``.

    Raises:
        NotFoundError: one of them was not imported; then none is forgotten.
    """
    known = [each.pull for each in imported(view.connection)]
    if params.get("all") is True:
        gone = known
    else:
        names = words(params, "prs")
        if not names:
            raise UsageError("prs is missing.", "Name pull requests or repositories.")
        named = [(name, name.lower()) for name in names]
        for name, small in named:
            if not any(small in _names(pull) for pull in known):
                raise NotFoundError(
                    f"{name[:_LONGEST_NAME]!a} was not imported.", "See: costd prs"
                )
        gone = [p for p in known if any(small in _names(p) for _, small in named)]
    return _change(view, params, [], gone, {"removed": len(gone)})


def _names(pull: Pull) -> tuple[str, str]:
    return pull.id.lower(), pull.repository.lower()


def _pull(value: object) -> Pull:
    """One of those that were given.

    Raises:
        UsageError: it is none.
    """
    fields = value if isinstance(value, dict) else {}
    repository, branch = fields.get("repository"), fields.get("branch")
    head, count = fields.get("head", ""), fields.get("number")
    closes = fields.get("closes", [])
    names = [repository, branch, head, *(closes if isinstance(closes, list) else [0])]
    if (
        all(isinstance(name, str) and _is_word(name) for name in names)
        and type(count) is int
        and valid_issue(f"{repository}!{count}") == f"{repository}!{count}"
        and branch
        and len(closes) <= MOST_CLOSED
    ):
        return Pull(str(repository), count, str(branch), str(head), tuple(closes))
    raise UsageError(
        "A pull request needs its repository, number and branch.",
        "Give repository, number, branch, and head and closes where they are known.",
    )


def _is_word(name: str) -> bool:
    return len(name) <= LONGEST_BRANCH and name.isprintable() and " " not in name


def _change(
    view: View,
    params: Params,
    made: Sequence[ImportedPull],
    gone: Sequence[Pull],
    said: Answer,
) -> Answer | Job:
    """The answer, when everything that the change moves has moved."""
    is_dry = params.get("dry_run") is True
    moves = Moves()

    def answer() -> Answer:
        moved = None if is_dry else moved_json(moves)
        return envelope(view.now, dry_run=is_dry, **said, moved=moved)

    if is_dry or not (made or gone):
        return answer()
    sessions = view.ledger.know_pulls(made, gone)
    steps = view.ledger.lay(sessions, moves, anew=True)
    if len(sessions) > _SHORT:
        return view.jobs.begin(Job(steps, answer))
    for _ in steps:
        pass
    return answer()
