"""One request for a page or for a file of it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from costd.core.errors import CostdError
from costd.publish.asking import Ask
from costd.publish.live import Live
from costd.publish.web import site
from costd.publish.web.pages import PAGES, Page, context, status_of
from costd.publish.web.scope import read
from costd.publish.web.visit import Asking, Visit

Limits = tuple[float, ...]


async def visit(
    ask: Ask, page: Page, path: str, pairs: list[tuple[str, str]], name: str
) -> Visit:
    """What a request is about.

    Raises:
        CostdError: the engine does not answer.
    """
    asking = Asking(ask)
    status = await asking.one("status")
    scope = read(
        path,
        pairs,
        status,
        more=page.more,
        narrowed_by=page.narrowed_by,
        default=page.default,
        is_timeless=page.is_timeless,
    )
    if scope.timezone != status["timezone"]:  # its days are other days there
        status = await asking.one("status", tz=scope.timezone)
    return Visit(asking, scope, status, name)


async def show(
    ask: Ask, _live: Live, limits: Limits, request: Request, path: str
) -> Response:
    """A page, or the reason why it cannot be shown."""
    page = PAGES.get(path)
    if page is None:
        raise HTTPException(404)
    name = request.path_params.get("name", "")
    try:
        pairs = request.query_params.multi_items()
        here = await visit(ask, page, request.url.path, pairs, name)
        filled = await context(page, here, limits)
        return site.page(request, site.render(page.template, filled))
    except CostdError as error:
        return failed(request, page, error)


def failed(request: Request, page: Page, error: CostdError) -> Response:
    """A page that says what is wrong and what to do."""
    filled = {
        "page": page,
        "error": error,
        "path": request.url.path,
    }
    return site.page(request, site.render("error.html", filled), status_of(error))


async def show_static(
    _ask: Ask, _live: Live, _limits: Limits, request: Request
) -> Response:
    """A file of the page; one with the mark of its content never changes.

    Raises:
        HTTPException: there is no such file.
    """
    found = site.static(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    is_marked = request.query_params.get("v") == found.mark
    headers = {
        "cache-control": "public, max-age=31536000, immutable"
        if is_marked
        else "no-cache",
        "vary": "accept-encoding",
    }
    body = found.content
    if site.takes_gzip(request):
        body, headers["content-encoding"] = found.packed, "gzip"
    return Response(body, 200, headers, found.media_type)
