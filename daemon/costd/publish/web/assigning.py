"""Giving sessions to an issue: first what would move, then the claims, then perhaps back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import Response

from costd.core.errors import CostdError, UsageError
from costd.publish.asking import Ask
from costd.publish.bodies import read_limited
from costd.publish.live import Live
from costd.publish.web import site
from costd.publish.web.pages import PAGES, context
from costd.publish.web.showing import Limits, failed, visit
from costd.publish.web.visit import Asking, Json

MOST = 200
"""Sessions that are given away at once; claims that are taken back at once."""


async def assign(ask: Ask, _live: Live, limits: Limits, request: Request) -> Response:
    """One step of the form."""
    body = (await read_limited(request)).decode("utf-8", "replace")
    form = parse_qs(body, max_num_fields=MOST + 10)
    step = form.get("step", [""])[0]
    asking, shown = Asking(ask), dict[str, Any]()
    try:
        if step == "preview":
            shown["preview"] = await _preview(asking, form)
        elif step == "apply":
            made = await _apply(asking, form)
            return _to(request, done=",".join(map(str, made)))
        elif step == "undo":
            return _to(request, undone=str(await _undo(asking, form)))
        else:
            raise UsageError("That is no step of this form.", "Go back and try again.")
    except CostdError as error:
        shown["problem"] = error
    return await show(ask, limits, request, shown)


async def show(
    ask: Ask, limits: Limits, request: Request, shown: dict[str, Any]
) -> Response:
    """The page of the form, with what came of it."""
    page = PAGES["/assign"]
    try:
        pairs = request.query_params.multi_items()
        here = await visit(ask, page, "/assign", pairs, "")
        filled = {**await context(page, here, limits), **shown}
        status = 400 if shown.get("problem") else 200
        return site.page(request, site.render(page.template, filled), status)
    except CostdError as error:
        return failed(request, page, error)


def _to(request: Request, **result: str) -> Response:
    """Back to the page, so that a reload does nothing again."""
    pairs = request.query_params.multi_items()
    kept = [(name, value) for name, value in pairs if name not in ("done", "undone")]
    location = f"/assign?{urlencode([*kept, *result.items()])}"
    return Response(status_code=303, headers={"location": location})


def _claim(form: dict[str, list[str]], session_id: str) -> dict[str, object]:
    claim: dict[str, object] = {
        "session": session_id,
        "issue": form.get("issue", [""])[0].strip(),
        "source": "page",
    }
    role = form.get("role", [""])[0]
    return {**claim, "role": role} if role else claim


def _sessions(form: dict[str, list[str]]) -> list[str]:
    found = list(dict.fromkeys(form.get("session", [])))
    if not found:
        raise UsageError(
            "No session was chosen.", "Mark those that belong to the issue."
        )
    if len(found) > MOST:
        raise UsageError(f"More than {MOST} sessions at once.", "Take fewer.")
    return found


async def _preview(asking: Asking, form: dict[str, list[str]]) -> Json:
    """What claims about the sessions would move, by who has it now."""
    sessions = _sessions(form)
    answers = await asking.several(
        *(("link", {**_claim(form, name), "dry_run": True}) for name in sessions)
    )
    moved = [each["moved"] for each in answers]
    owners = dict.fromkeys(row["owner"] for each in moved for row in each["from"])
    return {
        "sessions": sessions,
        "issue": answers[0]["claim"]["issue"],
        "role": answers[0]["claim"]["role"],
        **_together(moved),
        "rows": [
            {
                "owner": owner,
                **_together(
                    [r for each in moved for r in each["from"] if r["owner"] == owner]
                ),
            }
            for owner in owners
        ],
    }


def _together(moved: Sequence[Json]) -> Json:
    """Sums over what moves; the cost is None where nothing of it has a price."""
    costs = [each["cost_usd"] for each in moved if each["cost_usd"] is not None]
    unpriced = sum(each["unpriced_responses"] for each in moved)
    return {
        "responses": sum(each["responses"] for each in moved),
        "unpriced_responses": unpriced,
        "cost_usd": round(sum(costs), 9) if costs or not unpriced else None,
    }


async def _apply(asking: Asking, form: dict[str, list[str]]) -> list[int]:
    """The numbers of the claims that were made."""
    claims = [_claim(form, name) for name in _sessions(form)]
    # One that cannot be is found out before the first one is made.
    await asking.one("link", **claims[0], dry_run=True)
    answers = await asking.several(*(("link", claim) for claim in claims))
    return [each["claim"]["id"] for each in answers]


async def _undo(asking: Asking, form: dict[str, list[str]]) -> int:
    """How many claims were taken back."""
    texts = form.get("claim", [])[:MOST]
    ids = [int(text) for text in texts if text.isascii() and text.isdigit()]
    if not ids or len(ids) != len(texts):
        raise UsageError("No claim was named.", "Go back and try again.")
    answers = await asking.several(
        *(("unlink", {"id": number, "source": "page"}) for number in ids)
    )
    return sum(len(each["claims"]) for each in answers)
