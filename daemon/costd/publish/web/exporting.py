"""What a page shows, as a file: JSON as the API gives it, or CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

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
_AT_ONCE = 250
_END = "\n}\n"
_ROWS = ',\n  "rows": ['
_FORMATS = {
    True: ("csv", "text/csv; charset=utf-8"),
    False: ("json", "application/json"),
}
_UNNAMED = re.compile(r"[^A-Za-z0-9_.-]+")


class _Export(NamedTuple):
    """A question, the page whose filters hold for it, and the columns of its rows.

    ``many`` is the dimension of which there may be thousands: those are asked for a few
    at a time, and what to ask for the rest of the answer.
    """

    page: str
    question: str
    params: dict[str, object]
    rows: Callable[[Any], Sequence[Any]]
    columns: Sequence[str]
    many: str = ""
    head: dict[str, object] = {}  # noqa: RUF012 - of a tuple, and never changed


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
        ("issue", "sessions", *_SUMS, *_BUCKETS), "issue", {"by": []},
    ),
    "sessions": _Export(
        "/sessions", "sessions", {"limit": 0}, lambda a: a["rows"],
        ("session_id", "agent", "issue", "role", "project", "branch", "started_at",
         "last_at", *_SUMS, *_BUCKETS), "session", {"limit": 1},
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
    asking, is_csv = Asking(ask), query.get("format") == "csv"
    try:
        page = PAGES[wanted.page]
        here = await visit(ask, page, f"/{name}", query.multi_items(), "")
        params = {**_params(here.scope, name, query.get("id", "")), **wanted.params}
        if wanted.many:
            pieces = _pieces(asking, wanted, params, is_csv=is_csv)
            body = _after(await anext(pieces), pieces)
        else:
            found = await asking.one(wanted.question, **params)
            rows = wanted.rows(found)
            text = sheet(rows, wanted.columns) if is_csv else dump(found).decode()
            body = _after(text, _nothing())
    except CostdError as error:
        return failure(error)
    label = _UNNAMED.sub("-", query.get("id") or name).strip("-") or name
    kind, media_type = _FORMATS[is_csv]
    headers = {"content-disposition": f'attachment; filename="costd-{label}.{kind}"'}
    return StreamingResponse(body, 200, headers, media_type)


async def _after(first: str, others: AsyncIterator[str]) -> AsyncIterator[bytes]:
    """The first piece is there before the headers: a refusal is an ordinary reply."""
    yield first.encode("utf-8", "replace")
    async for piece in others:
        yield piece.encode("utf-8", "replace")


async def _nothing() -> AsyncGenerator[str]:
    return
    yield


async def _pieces(
    asking: Asking, wanted: _Export, params: dict[str, object], *, is_csv: bool
) -> AsyncGenerator[str]:
    """A file of thousands of rows, of which only some are in memory at a time."""
    if is_csv:
        yield sheet([], wanted.columns)
    else:
        head = await asking.one(wanted.question, **{**params, **wanted.head})
        asked = {name: wanted.params.get(name, head[name]) for name in head}
        head = {name: value for name, value in asked.items() if name != "rows"}
        yield dump(head).decode()[: -len(_END)] + _ROWS
    is_first = True
    async for rows in _rows(asking, wanted, params):
        if is_csv:
            yield sheet(rows, wanted.columns, has_head=False)
        elif rows:
            yield ("" if is_first else ",") + dump(rows).decode()[1:-2].rstrip()
            is_first = False
    if not is_csv:
        yield "\n]\n}\n"


async def _rows(
    asking: Asking, wanted: _Export, params: dict[str, object]
) -> AsyncGenerator[Sequence[Any]]:
    """The rows, some at a time: each of those that there were at the beginning once."""
    narrowed = {**params, "of": wanted.many}
    names = (await asking.one("names", **narrowed))["names"]
    filters = params.get("filters")
    others = filters if isinstance(filters, dict) else {}
    for start in range(0, len(names), _AT_ONCE):
        some = {**others, wanted.many: names[start : start + _AT_ONCE]}
        found = await asking.one(wanted.question, **{**params, "filters": some})
        yield wanted.rows(found)


def _params(scope: Scope, name: str, thing: str) -> dict[str, object]:
    if name == "issue":
        return {**scope.params(filtered=False), "id": thing}
    return scope.params()


def sheet(rows: Sequence[Any], columns: Sequence[str], *, has_head: bool = True) -> str:
    """Rows as CSV; text that a spreadsheet would take for a formula stays text."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    if has_head:
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
