"""The pages: which template each has, and what it asks the engine for it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from costd.core.attribution import ROLES
from costd.core.errors import CostdError, NotFoundError
from costd.core.issue_markdown import issue_markdown
from costd.publish.asking import Ask, answer
from costd.publish.encode import compact
from costd.publish.web import charts
from costd.publish.web.scope import PRESETS, Scope, address

SECONDS = 60.0
CARDS = 12
ROWS = 50
RESPONSES = 100
_WHY = 5
_EVER = "1970-01-01"
_FEW_DAYS = 3
"""Of so few, the page shows when each session was; of more, what each day cost."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Asking:
    """Asks the engine for a page."""

    ask: Ask

    async def one(self, question: str, **params: object) -> Json:
        """An answer."""
        found = await answer(self.ask, question, params, SECONDS)
        return found if isinstance(found, dict) else {}

    async def several(self, *questions: tuple[str, dict[str, object]]) -> list[Json]:
        """Answers to several questions, in their order."""
        wanted = [self.one(name, **params) for name, params in questions]
        return list(await asyncio.gather(*wanted))


@dataclass(frozen=True)
class Visit:
    """One request for a page.

    Attributes:
        asking: how to ask the engine.
        scope: what the address says.
        status: the engine's status, which every page shows a part of.
        name: of the one thing that the page is about, if it is about one.
    """

    asking: Asking
    scope: Scope
    status: Json
    name: str = ""


Make = Callable[[Visit], Awaitable[Json]]


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        key: of its place in the navigation.
        title: what it is called.
        template: what draws it.
        make: what it shows.
        more: parameters of its address beyond the filters.
        default: the span where the address names none.
        calm: whether it stays as it is while one looks at it: forms do.
        narrows: whether it has the bar of filters.
    """

    key: str
    title: str
    template: str
    make: Make
    more: Sequence[str] = field(default=())
    default: str = "30d"
    calm: bool = False
    narrows: bool = True


async def overview(visit: Visit) -> Json:
    """What was spent, what runs, what was dearest."""
    scope = visit.scope
    (costs,) = await visit.asking.several(
        ("costs", {**_spent(scope), "by": ["issue", "project"]})
    )
    owners = costs["parts"]["issue"]
    return {
        "costs": costs,
        "chart": _days(costs, scope),
        "top": [row for row in owners if not str(row["name"]).startswith("none:")][:8],
        "loose": [row for row in owners if str(row["name"]).startswith("none:")],
        "projects": costs["parts"]["project"][:6],
        "rate": sum(s["usd_per_hour"] or 0 for s in visit.status["live"]),
    }


def _spent(scope: Scope) -> dict[str, object]:
    """For ``costs``, which takes no beginning for thirty days."""
    return {"since": _EVER, **scope.params()}


def _days(costs: Json, scope: Scope) -> charts.Chart:
    names = [row["model"] for row in costs["byModel"]]
    rows = charts.every_day(costs["byDay"], scope.first, scope.last)
    return charts.stacked(rows, names)


async def live(visit: Visit) -> Json:
    """What runs now."""
    rows = visit.status["live"]
    return {"rate": sum(s["usd_per_hour"] or 0 for s in rows), "rows": rows}


async def issues(visit: Visit) -> Json:
    """The board."""
    scope = visit.scope
    params: dict[str, object] = {**scope.params(), "limit": CARDS}
    if scope.more.get("search"):
        params["search"] = scope.more["search"]
    if scope.more.get("state"):
        params["state"] = scope.more["state"]
        params["offset"] = _number(scope, "offset")
    board = await visit.asking.one("board", **params)
    return {
        "board": board,
        "offset": _number(scope, "offset"),
        "step": CARDS,
        "live": {row["issue"]: row for row in visit.status["live"]},
    }


async def issue(visit: Visit) -> Json:
    """One issue."""
    span = visit.scope.params(filtered=False)
    found = await visit.asking.one("issue", id=visit.name, **span)
    dearest = [row["session_id"] for row in found["by_session"][:_WHY]]
    why = await visit.asking.several(
        *(("explain", {"session": session_id}) for session_id in dearest)
    )
    reasons = {
        owner["sentence"]: owner
        for each in why
        for owner in each["owners"]
        if owner["issue"] == visit.name
    }
    days = [
        {"date": row["day"], "cost": row["cost_usd"], "lowerBound": row["lower_bound"]}
        | {"byModel": {"": row["cost_usd"]}}
        for row in found["by_day"]
    ]
    first = None if not days else visit.scope.today.fromisoformat(days[0]["date"])
    last = visit.scope.today.fromisoformat(days[-1]["date"]) if days else None
    return {
        "issue": found,
        "why": list(reasons.values())[:_WHY],
        "chart": charts.stacked(charts.every_day(days, first, last), [""])
        if last
        else None,
        "markdown": issue_markdown(found),
    }


async def costs(visit: Visit) -> Json:
    """What was spent, cut in every way."""
    scope = visit.scope
    parts = ["project", "branch", "role", "issue", "session"]
    found, year, spent = await visit.asking.several(
        ("costs", {**_spent(scope), "by": parts}),
        ("calendar", {"tz": scope.timezone}),
        ("sessions", {**scope.params(), "limit": 1}),
    )
    dearest = found["parts"]["session"][:10]
    return {
        "costs": found,
        "chart": _days(found, scope),
        "squares": charts.squares(year["rows"], scope.today),
        "months": charts.months(scope.today),
        "year": sum(row["cost"] or 0 for row in year["rows"]),
        "dearest": dearest,
        "sessions": spent["count"],
    }


async def sessions(visit: Visit) -> Json:
    """Sessions, the latest first, and when they were."""
    scope = visit.scope
    offset = _number(scope, "offset")
    found, spent = await visit.asking.several(
        ("sessions", {**scope.params(), "limit": ROWS, "offset": offset}),
        ("costs", _spent(scope)),
    )
    chart = _days(spent, scope)
    is_long = len(chart.bars) > _FEW_DAYS
    lanes, begin, end = ([], "", "") if is_long else charts.lanes(found["rows"])
    return {
        "chart": chart if is_long else None,
        "found": found,
        "offset": offset,
        "step": ROWS,
        "lanes": lanes,
        "span_from": begin,
        "span_until": end,
    }


async def session(visit: Visit) -> Json:
    """One session, down to its responses."""
    offset, order = _number(visit.scope, "offset"), visit.scope.more.get("order", "")
    wanted: dict[str, object] = {"session": visit.name, "offset": offset}
    wanted |= {"limit": RESPONSES, "order": order if order == "cost" else "time"}
    found, owners, responses = await visit.asking.several(
        ("session", {"id": visit.name}),
        ("explain", {"session": visit.name}),
        ("responses", wanted),
    )
    rows = [
        {
            "date": slot["from"],
            "cost": slot["cost_usd"],
            "byModel": {"": slot["cost_usd"]},
        }
        for slot in responses["timeline"]
    ]
    return {
        "session": found,
        "owners": owners["owners"],
        "responses": responses,
        "chart": charts.stacked(rows, [""]),
        "offset": offset,
        "step": RESPONSES,
    }


async def response(visit: Visit) -> Json:
    """One response with its price row."""
    return {"response": await visit.asking.one("explain", response=visit.name)}


async def health(visit: Visit) -> Json:
    """What is wrong and what to do."""
    return {"doctor": await visit.asking.one("doctor", quick=True)}


async def assign(visit: Visit) -> Json:
    """Sessions that no issue owns, to be given to one."""
    scope = visit.scope
    buckets = list(visit.status["unattributed"])
    params = {**scope.params(filtered=False), "limit": ROWS}
    found, suggested = await visit.asking.several(
        (
            "sessions",
            {**params, "filters": {**scope.filters, "issue": buckets or ["none:"]}},
        ),
        ("suggest", {**scope.params(filtered=False), "limit": 8}),
    )
    ids = [n for n in scope.more.get("done", "").split(",") if n.isdigit()]
    claims = await visit.asking.one("claims", limit=ROWS * 4) if ids else {"rows": []}
    return {
        "found": found,
        "suggested": suggested,
        "done": [row for row in claims["rows"] if str(row["id"]) in ids],
        "undone": _number(scope, "undone"),
        "preview": None,
        "problem": None,
        "roles": sorted(ROLES),
    }


def _number(scope: Scope, name: str) -> int:
    text = scope.more.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0  # noqa: PLR2004 - digits of millions


_PAGED = ("offset",)
PAGES = {
    "/": Page("overview", "Overview", "overview.html", overview),
    "/live": Page("live", "Live", "live.html", live, narrows=False),
    "/issues": Page(
        "issues", "Issues", "issues.html", issues, ("search", "state", "offset"), "all"
    ),
    "/issues/{name:path}": Page("issues", "Issue", "issue.html", issue, default="all"),
    "/costs": Page("costs", "Costs", "costs.html", costs),
    "/sessions": Page("sessions", "Sessions", "sessions.html", sessions, _PAGED),
    "/sessions/{name:path}": Page(
        "sessions", "Session", "session.html", session, ("offset", "order"),
        default="all", narrows=False,
    ),
    "/responses/{name:path}": Page(
        "sessions", "Response", "response.html", response, narrows=False
    ),
    "/health": Page("health", "Health", "health.html", health, narrows=False),
    "/assign": Page(
        "issues", "Assign", "assign.html", assign, ("done", "undone"), "90d", calm=True
    ),
}  # fmt: skip
NAVIGATION = (
    ("overview", "Overview", "/"),
    ("live", "Live", "/live"),
    ("issues", "Issues", "/issues"),
    ("costs", "Costs", "/costs"),
    ("sessions", "Sessions", "/sessions"),
    ("health", "Health", "/health"),
)


async def context(page: Page, visit: Visit, limits: Sequence[float]) -> Json:
    """Everything that the template of a page is given."""
    made = await page.make(visit)
    places = await visit.asking.one("places") if page.narrows else {}
    return {
        **made,
        "page": page,
        "scope": visit.scope,
        "status": visit.status,
        "tz": visit.scope.timezone,
        "now": visit.status["generated_at"],
        "name": visit.name,
        "limits": limits,
        "places": places,
        "navigation": NAVIGATION,
        "to": address,
        "burning": sum(s["usd_per_hour"] or 0 for s in visit.status["live"]),
        "presets": PRESETS,
        "here": visit.scope.link(),
        "seen": seen(visit.status),
    }


def seen(status: Json) -> str:
    """A mark of what the status says of costs; another one when something is new."""
    said = [
        status["totals"],
        status["unattributed"],
        status["health"],
        [(s["session_id"], s["last_at"], s["cost_usd"]) for s in status["live"]],
    ]
    return f"{zlib.crc32(compact(said)):08x}"


def status_of(error: CostdError) -> int:
    """The HTTP status of a page that cannot be shown."""
    return 404 if isinstance(error, NotFoundError) else 400
