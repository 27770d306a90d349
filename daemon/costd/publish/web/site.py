"""Templates and static files: loaded when the first page is asked for, then kept."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import Response

from costd import __version__
from costd.publish.replies import PAGE_HEADERS
from costd.publish.web.shown import FILTERS

_FOLDER = files("costd.publish.web")
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_LEAST = 1_000
"""Less than that is not worth compressing."""


@dataclass(frozen=True)
class Static:
    """A file of the page, as it is and compressed, with a name for its content."""

    content: bytes
    packed: bytes
    media_type: str
    mark: str


@cache
def static(name: str) -> Static | None:
    """A file that a browser may ask for; None where there is none of that name."""
    kind = _TYPES.get(name.rpartition(".")[2])
    place = _FOLDER / "static" / name
    if kind is None or "/" in name or not place.is_file():
        return None
    content = place.read_bytes()
    return Static(
        content,
        gzip.compress(content, 9, mtime=0),
        kind,
        hashlib.sha256(content).hexdigest()[:12],
    )


def asset(name: str) -> str:
    """The address of a static file, another one whenever its content is another."""
    found = static(name)
    return f"/static/{name}?v={found.mark if found else ''}"


@cache
def templates() -> jinja2.Environment:
    """The templates; everything that they show is escaped."""
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.globals.update(asset=asset, version=__version__)
    return made


def template_names() -> list[str]:
    """Every template there is."""
    return sorted(each.name for each in (_FOLDER / "templates").iterdir())


def _source(name: str) -> str | None:
    place = _FOLDER / "templates" / name
    return place.read_text("utf-8") if place.is_file() else None


def render(template: str, context: dict[str, Any]) -> str:
    """A whole page."""
    found = templates().get_template(template)
    with _inside(found, context) as inside:
        return "".join(found.root_render_func(inside))


def render_block(template: str, block: str, context: dict[str, Any]) -> str:
    """One part of a page, for a browser that has the rest."""
    if block == "pulse":
        return render("pulse.html", context)
    found = templates().get_template(template)
    with _inside(found, context) as inside:
        return "".join(found.blocks[block](inside))


@contextmanager
def _inside(template: jinja2.Template, context: dict[str, Any]) -> Iterator[Context]:
    """What a template looks at, with the macros of ``parts.html`` if it is a page.

    Macros and what they look at refer to each other: emptied, they keep no answer of
    megabytes from being freed until somebody looks for such rings.
    """
    made = []
    if "scope" in context:
        parts = templates().get_template("parts.html")
        made.append(parts.new_context(context))
        context = {**context, "ui": TemplateModule(parts, made[0])}
    made.append(template.new_context(context))
    try:
        yield made[-1]
    finally:
        for each in made:
            each.vars.clear()
            each.parent.clear()


def page(
    request: Request,
    text: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """A page as a reply, compressed where the browser takes that."""
    body = text.encode("utf-8", "replace")
    said = {**PAGE_HEADERS, **(headers or {}), "vary": "accept-encoding"}
    if len(body) > _LEAST and takes_gzip(request):
        body = gzip.compress(body, 5, mtime=0)
        said["content-encoding"] = "gzip"
    return Response(body, status, said, "text/html; charset=utf-8")


def takes_gzip(request: Request) -> bool:
    """Whether the browser says so."""
    return "gzip" in request.headers.get("accept-encoding", "")
