"""What a page shows, as a file: JSON as the API gives it, or CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from costd.core import amounts
from costd.core.errors import CostdError
from costd.core.money import decimal_usd
from costd.publish.asking import Ask
from costd.publish.encode import dump
from costd.publish.live import Live
from costd.publish.replies import failure
from costd.publish.web.pages import PAGES
from costd.publish.web.scope import Scope
from costd.publish.web.showing import Limits, visit
from costd.publish.web.visit import Asking

_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")
_UNNAMED = re.compile(r"[^A-Za-z0-9_.-]+")


class _Export(NamedTuple):
    """A question, the page whose filters hold for it, and the columns of its rows."""

    page: str
    question: str
    params: dict[str, object]
    rows: Callable[[Any], Sequence[Any]]
    columns: Sequence[str]


_SUMS = ("responses", "cost_usd", "lower_bound", "unpriced_responses", "tokens.total")
_BUCKETS = tuple(
    f"tokens.{name}"
    for name in (
        "input", "output", "cache_read", "cache_creation_5m", "cache_creation_1h",
    )
)  # fmt: skip
_EXPORTS = {
    "costs": _Export(
        "/costs", "report", {"by": ["day", "model"]}, lambda a: a["rows"],
        ("day", "model", *_SUMS, *_BUCKETS),
    ),
    "issues": _Export(
        "/issues", "report", {"by": ["issue"]}, lambda a: a["rows"],
        ("issue", "sessions", *_SUMS, *_BUCKETS),
    ),
    "sessions": _Export(
        "/sessions", "sessions", {"limit": 0}, lambda a: a["rows"],
        ("session_id", "agent", "issue", "role", "project", "branch", "started_at",
         "last_at", *_SUMS, *_BUCKETS),
    ),
    "issue": _Export(
        "/issues/{name:path}", "issue", {}, lambda a: a["by_session"],
        ("session_id", "agent", "role", "project", "started_at", "last_at", *_SUMS,
         *_BUCKETS),
    ),
}  # fmt: skip


async def export(ask: Ask, _live: Live, _limits: Limits, request: Request) -> Response:
    """A file.

    Raises:
        HTTPException: there is nothing of that name.
    """
    name = request.path_params["name"]
    wanted = _EXPORTS.get(name)
    if wanted is None:
        raise HTTPException(404)
    query = request.query_params
    try:
        page = PAGES[wanted.page]
        here = await visit(ask, page, f"/{name}", query.multi_items(), "")
        params = {**_params(here.scope, name, query.get("id", "")), **wanted.params}
        found = await Asking(ask).one(wanted.question, **params)
    except CostdError as error:
        return failure(error)
    label = _UNNAMED.sub("-", query.get("id") or name).strip("-") or name
    if query.get("format") == "csv":
        body = sheet(wanted.rows(found), wanted.columns).encode("utf-8", "replace")
        return _file(body, f"costd-{label}.csv", "text/csv; charset=utf-8")
    return _file(dump(found), f"costd-{label}.json", "application/json")


def _params(scope: Scope, name: str, thing: str) -> dict[str, object]:
    if name == "issue":
        return {**scope.params(filtered=False), "id": thing}
    return scope.params()


def _file(body: bytes, name: str, media_type: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(body, 200, headers, media_type)


def sheet(rows: Sequence[Any], columns: Sequence[str]) -> str:
    """Rows as CSV; text that a spreadsheet would take for a formula stays text."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([name.replace(".", "_") for name in columns])
    for row in rows:
        writer.writerow([_cell(_value(row, name), name) for name in columns])
    return out.getvalue()


def _value(row: Any, name: str) -> Any:
    for part in name.split("."):
        row = row.get(part) if isinstance(row, dict) else None
    return row


def _cell(value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if name.endswith("_usd"):
        return decimal_usd(amounts.nano(value) or 0)
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\0", "")
    return f"'{text}" if _FORMULA.match(text) else text
