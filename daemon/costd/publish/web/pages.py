"""The pages: the address of each, its template, and what it shows."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from costd.core.errors import CostdError, NotFoundError
from costd.publish.encode import compact
from costd.publish.questions import FILTERS
from costd.publish.web import views
from costd.publish.web.scope import PRESETS, address
from costd.publish.web.visit import Json, Visit

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
        narrowed_by: filters that it takes.
        default: the span where the address names none.
        calm: whether it stays as it is while one looks at it: forms do.
        narrows: whether it has the bar of filters.
        is_timeless: whether it is about no span of time.
        unheeding: what to say where an address would narrow it by more than it can be.
    """

    key: str
    title: str
    template: str
    make: Make
    more: Sequence[str] = field(default=())
    default: str = "30d"
    narrowed_by: Collection[str] = field(default=tuple(FILTERS))
    calm: bool = False
    narrows: bool = True
    is_timeless: bool = False
    unheeding: str = "The numbers of this page are of all."


_PAGED = ("offset",)
_OF_AN_ISSUE = tuple(name for name in FILTERS if name != "issue")
PAGES = {
    "/": Page("overview", "Overview", "overview.html", views.overview),
    "/live": Page(
        "live", "Live", "live.html", views.live, is_timeless=True,
        unheeding="This is what runs now.",
    ),
    "/issues": Page(
        "issues", "Issues", "issues.html", views.issues, ("search", "state", "offset"), "all"
    ),
    "/issues/{name:path}": Page(
        "issues", "Issue", "issue.html", views.issue, default="all",
        narrowed_by=_OF_AN_ISSUE,
    ),
    "/costs": Page("costs", "Costs", "costs.html", views.costs, ("more",)),
    "/performance": Page(
        "performance", "Performance", "performance.html", views.performance,
        narrowed_by=("agent",),
        unheeding="Tasks are told of by agent and time: these are all of them.",
    ),
    "/runtimes": Page(
        "runtimes", "Runtimes", "runtimes.html", views.runtimes, default="all",
        narrowed_by=("agent",),
        unheeding="Tasks are told of by agent and time: these are all of them.",
    ),
    "/sessions": Page("sessions", "Sessions", "sessions.html", views.sessions, _PAGED),
    "/sessions/{name:path}": Page(
        "sessions", "Session", "session.html", views.session, ("offset", "order"),
        default="all", narrows=False, narrowed_by=("model",), is_timeless=True,
    ),
    "/responses/{name:path}": Page(
        "sessions", "Response", "response.html", views.response, narrows=False,
        narrowed_by=(), is_timeless=True,
    ),
    "/health": Page(
        "health", "Health", "health.html", views.health, narrows=False,
        narrowed_by=(), is_timeless=True,
    ),
    "/assign": Page(
        "issues", "Assign", "assign.html", views.assign, ("done", "undone", "offset"),
        "90d", calm=True,
    ),
}  # fmt: skip
NAVIGATION = (
    ("overview", "Overview", "/"),
    ("live", "Live", "/live"),
    ("issues", "Issues", "/issues"),
    ("costs", "Costs", "/costs"),
    ("performance", "Performance", "/performance"),
    ("runtimes", "Runtimes", "/runtimes"),
    ("sessions", "Sessions", "/sessions"),
    ("health", "Health", "/health"),
)


async def context(page: Page, visit: Visit, limits: Sequence[float]) -> Json:
    """Everything that the template of a page is given."""
    made = await page.make(visit)
    places = await visit.asking.one("places") if page.narrows else {}
    every = visit.status["live"]
    running = [row for row in every if visit.scope.holds(row)]
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
        "running": running,
        "burning": _burning(running),
        "burning_all": _burning(every),
        "presets": PRESETS,
        "here": visit.scope.link(),
        "seen": seen(visit.status),
    }


def _burning(running: Sequence[Json]) -> tuple[float, bool]:
    """USD an hour, and whether something of it has no price."""
    rate = sum(session["usd_per_hour"] or 0 for session in running)
    return rate, any(session["unpriced_responses"] for session in running)


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
