"""``suggest``: what could be linked, and ``link_suggested``: all of it at once."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from costd.core.attribution import AMBIGUOUS, CONFIDENCE, valid_issue, worktree_names
from costd.core.summary import Sums, cost_usd, envelope
from costd.engine.answers.report import read_question
from costd.engine.claimed import claim_json, moved_json
from costd.engine.jobs import Job
from costd.engine.view import Params, View, number, text
from costd.ledger.claims import NewClaim
from costd.ledger.moves import Moves
from costd.ledger.suggestions import Hint, Neighbour, hints, neighbours

APPLY = "costd suggest --apply"
SAME_SESSION, PULL_REQUEST, PROMPT = 45, 50, 50
"""Percent: not enough to count, enough to be asked about."""

_LIMIT = 50


class Suggestion(NamedTuple):
    """What could be said, with what it would move; money in nano-USD."""

    selector: str
    value: str
    issue: str
    confidence: int
    reason: str
    evidence: str
    bucket: str
    sessions: int
    responses: int
    cost: int
    unpriced: int

    @property
    def is_clear(self) -> bool:
        """Whether there is one issue only that it could be."""
        return self.reason != "ambiguous"

    @property
    def command(self) -> str:
        """What says it."""
        value, issue = shlex.quote(self.value), shlex.quote(self.issue)
        return f"costd link --{self.selector} {value} --issue {issue}"


def suggest(view: View, params: Params) -> dict[str, Any]:
    """What could be linked, the dearest first."""
    found = _suggestions(view, params)
    limit = number(params, "limit", _LIMIT)
    clear = [each for each in found if each.is_clear]
    return envelope(
        view.now,
        since=text(params, "since"),
        until=text(params, "until"),
        rows=[_row(each) for each in found[: limit or None]],
        count=len(found),
        cost_usd=_usd(found),
        unpriced_responses=sum(each.unpriced for each in found),
        applicable=len(clear),
        applicable_usd=_usd(clear),
        applicable_unpriced_responses=sum(each.unpriced for each in clear),
        apply_command=APPLY if clear else None,
    )


def link_suggested(view: View, params: Params) -> dict[str, Any] | Job:
    """Make all claims that ``suggest`` names; what is ambiguous is left to people."""
    found = _suggestions(view, params)
    news = [_claim(each, view.now) for each in found if each.is_clear]
    moves = Moves()
    change = view.ledger.claim(news, moves)

    def answer() -> dict[str, Any]:
        return envelope(
            view.now,
            claims=[claim_json(made.claim) for made in change.made if made.is_new],
            skipped=sum(not each.is_clear for each in found),
            moved=moved_json(moves),
        )

    if not change.sessions:
        return answer()
    return view.jobs.begin(Job(view.ledger.lay(change.sessions, moves), answer))


def _suggestions(view: View, params: Params) -> list[Suggestion]:
    question = read_question(view, {**params, "filters": {}})
    span = question.since, question.until
    found = [*_by_place(hints(view.connection, *span))]
    for neighbour in neighbours(view.connection, *span):
        suggestion = _by_session(neighbour)
        if suggestion is not None:
            found.append(suggestion)
    return sorted(found, key=lambda each: (-each.cost, each.selector, each.value))


def _by_place(seen: Iterable[Hint]) -> list[Suggestion]:
    """One for each branch, or directory of a worktree, whose name says something."""
    groups: dict[tuple[str, str, str], list[Hint]] = {}
    for hint in seen:
        selector, value = _place(hint)
        groups.setdefault((selector, value, hint.issue), []).append(hint)
    return [
        Suggestion(
            selector=selector,
            value=value,
            issue=issue,
            confidence=same[0].confidence,
            reason="ambiguous" if same[0].bucket == AMBIGUOUS else "candidate",
            evidence=same[0].evidence,
            bucket=same[0].bucket,
            sessions=len({hint.session_id for hint in same}),
            responses=sum(hint.responses for hint in same),
            cost=sum(hint.cost for hint in same),
            unpriced=sum(hint.unpriced for hint in same),
        )
        for (selector, value, issue), same in groups.items()
    ]


def _place(hint: Hint) -> tuple[str, str]:
    """What names the issue: the worktree's directory, or the branch."""
    names = worktree_names(hint.cwd)
    if names and (not hint.branch or hint.evidence.startswith("worktree")):
        end = hint.cwd.rfind(f"/{names[0]}") + 1 + len(names[0])
        return "cwd", hint.cwd[:end]
    return "branch", hint.branch


def _by_session(found: Neighbour) -> Suggestion | None:
    """What else is known of the session."""
    if found.issue:
        issue, confidence, reason = found.issue, SAME_SESSION, "same-session"
        evidence = f"the rest of the session is for {found.issue}"
    elif found.prompted:
        issue, confidence, reason = found.prompted, PROMPT, "prompt-url"
        evidence = f"the first prompt gives no other issue's address than {issue}'s"
    else:
        request = valid_issue(f"{found.repository}!{found.number}")
        if request is None:
            return None
        issue, confidence, reason = request, PULL_REQUEST, "pull-request"
        evidence = f"the session names no other pull request than {request}"
    return Suggestion(
        "session",
        found.session_id,
        issue,
        confidence,
        reason,
        evidence,
        found.bucket,
        1,
        found.responses,
        found.cost,
        found.unpriced,
    )


def _usd(found: Sequence[Suggestion]) -> float | None:
    """What they cost; null where nothing of it has a price."""
    return cost_usd(
        Sums(
            cost=sum(each.cost for each in found),
            unpriced=sum(each.unpriced for each in found),
        )
    )


def _row(each: Suggestion) -> dict[str, Any]:
    return {
        "selector": each.selector,
        "value": each.value,
        "issue": each.issue,
        "confidence": each.confidence / 100,
        "reason": each.reason,
        "evidence": each.evidence,
        "bucket": each.bucket,
        "sessions": each.sessions,
        "responses": each.responses,
        "cost_usd": _usd([each]),
        "unpriced_responses": each.unpriced,
        "command": each.command,
    }


def _claim(each: Suggestion, now: int) -> NewClaim:
    return NewClaim(
        key=f"suggest:{now}:{each.selector}:{each.value}:{each.issue}"[:1200],
        subject="",
        selector=each.selector,
        value=each.value,
        within="",
        issue=each.issue,
        role="",
        from_at=None,
        until_at=None,
        made_at=now,
        rule="claim",
        confidence=CONFIDENCE["claim"],
        source="suggest",
        note=each.evidence,
    )
