"""What each page shows: the questions it asks, and what it makes of the answers."""

from __future__ import annotations

from datetime import date

from costd.core.attribution import ROLES
from costd.core.issue_markdown import issue_markdown
from costd.publish.web import charts, lines
from costd.publish.web.scope import Scope
from costd.publish.web.shown import local_day
from costd.publish.web.visit import Json, Visit

CARDS = 12
ROWS = 50
RESPONSES = 100
_WHY = 5
_EVER = "1970-01-01"
_FEW_DAYS = 3
"""Of so few, the page shows when each session was; of more, what each day cost."""


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
    }


def _spent(scope: Scope) -> dict[str, object]:
    """For ``costs``, which takes no beginning for thirty days."""
    return {"since": _EVER, **scope.params()}


def _days(costs: Json, scope: Scope) -> charts.Chart:
    names = [row["model"] for row in costs["byModel"]]
    rows = charts.every_day(costs["byDay"], scope.first, scope.last)
    return charts.stacked(rows, names)


async def live(_visit: Visit) -> Json:
    """What runs now: every page is given that."""
    return {}


async def issues(visit: Visit) -> Json:
    """The board."""
    scope = visit.scope
    params: dict[str, object] = {**scope.params(), "limit": CARDS}
    if scope.more.get("search"):
        params["search"] = scope.more["search"]
    if scope.more.get("state"):
        params["state"] = scope.more["state"]
        params["offset"] = _number(scope, "offset")
    buckets = list(visit.status["unattributed"]) or ["none:"]
    narrowed = {**scope.filters, "issue": buckets}
    board, loose = await visit.asking.several(
        ("board", params),
        ("report", {**scope.params(), "by": ["issue"], "filters": narrowed}),
    )
    return {
        "board": board,
        "loose": loose,
        "offset": _number(scope, "offset"),
        "step": CARDS,
        "live": {row["issue"]: row for row in visit.status["live"]},
    }


async def issue(visit: Visit) -> Json:
    """One issue."""
    narrowed = visit.scope.params()
    found = await visit.asking.one("issue", id=visit.name, **narrowed)
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
    found, year, told = await visit.asking.several(
        ("costs", {**_spent(scope), "by": parts}),
        ("calendar", {"tz": scope.timezone, "filters": scope.filters}),
        ("activities", scope.params(filtered=False)),
    )
    dearest = found["parts"]["session"][:10]
    return {
        "costs": found,
        "chart": _days(found, scope),
        "squares": charts.squares(year["rows"], scope.today),
        "months": charts.months(scope.today),
        "year": {
            "cost_usd": sum(row["cost"] or 0 for row in year["rows"]),
            "lower_bound": any(row["lowerBound"] for row in year["rows"]),
            "responses": sum(row["count"] for row in year["rows"]),
        },
        "dearest": dearest,
        "activities": told,
    }


async def performance(visit: Visit) -> Json:
    """How tasks went."""
    params = visit.scope.params(filtered=False)
    agents = visit.scope.filters.get("agent", [])
    found = await visit.asking.one("performance", **params, agent=agents)
    first = visit.scope.first or visit.scope.today
    days = charts.every_day(found["daily"], first, visit.scope.last)
    return {
        "found": found,
        "chart": charts.outcomes(days),
        "rates": [lines.rates(days, [str(day["date"]) for day in days])],
        "errors": charts.counts(days, "errors"),
    }


async def runtimes(visit: Visit) -> Json:
    """The agents beside each other."""
    scope = visit.scope
    params = scope.params(filtered=False)
    found = await visit.asking.one(
        "runtimes", **params, agent=scope.filters.get("agent", [])
    )
    rows = sorted(found["runtimes"].values(), key=lambda row: -(row["totalCost"] or 0))
    begun = local_day(found["since"], scope.timezone)
    first = date.fromisoformat(begun or str(scope.today))
    chart = charts.beside(rows, first, scope.last)
    return {
        "rows": rows,
        "chart": chart,
        "rates": lines.beside(rows, [bar.label for bar in chart.bars]),
        "first_day": first.isoformat(),
        "capabilities": sorted({kind for row in rows for kind in row["byCapability"]}),
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
    wanted |= {"model": "".join(visit.scope.filters.get("model", [])[:1])}
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
    buckets, offset = list(visit.status["unattributed"]), _number(scope, "offset")
    params = {**scope.params(filtered=False), "limit": ROWS}
    found, suggested = await visit.asking.several(
        (
            "sessions",
            {
                **params,
                "offset": offset,
                "filters": {**scope.filters, "issue": buckets or ["none:"]},
            },
        ),
        ("suggest", {**scope.params(filtered=False), "limit": 8}),
    )
    ids = [n for n in scope.more.get("done", "").split(",") if n.isdigit()]
    claims = await visit.asking.one("claims", limit=ROWS * 4) if ids else {"rows": []}
    return {
        "found": found,
        "offset": offset,
        "step": ROWS,
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
