"""Model names: one name for the many spellings that logs hold.

Anthropic, Bedrock, Vertex and routers each spell the same model their own way. A name
is only ever matched whole, never by its beginning: ``claude-opus-5`` begins
``claude-opus-5-5``, which is another model at another price.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BEDROCK = "bedrock"
VERTEX = "vertex"

_MARKER = re.compile(r"\[[^\]]*\]")
_LOCATION = re.compile(r"(?:^|/)locations/([a-z0-9-]+)/")
_BEDROCK = re.compile(r"^(?:([a-z]+(?:-[a-z]+)*)\.)?anthropic\.")
_VERSION = re.compile(r"-v\d+(?::\w+)*$")
_DATE = re.compile(r"-20\d\d(?:\d{4}|-\d\d-\d\d)$")
_REVERSED = re.compile(r"^claude-((?:[4-9]|\d\d)(?:-\d+)?)-([a-z]+)$")

_BACKENDS = {"msg_bdrk_": BEDROCK, "msg_vrtx_": VERTEX}


class ModelName(NamedTuple):
    """A model, and what its spelling says about where and how it was served.

    ``exact`` is the name before date, ``-latest``, version and ``-fast`` were dropped:
    some catalogues price a dated name apart, so it is looked up first.
    """

    name: str
    backend: str = ""
    region: str = ""
    fast: bool = False
    exact: str = ""


def backend_of(response_id: str) -> str:
    """``bedrock``, ``vertex`` or nothing, as the response's id tells it."""
    return _BACKENDS.get(response_id[:9], "")


def unmarked(raw: str) -> str:
    """``raw`` in lower case without a client's marker such as ``[1m]``."""
    return _MARKER.sub("", raw.lower()).strip()


def key_of(name: str) -> str:
    """The form in which names are compared: lower case, dots and ``@`` as hyphens."""
    return name.strip().lower().replace("@", "-").replace(".", "-")


def normalise(raw: str) -> ModelName:
    """Read the spelling of a model in a log.

    An inference profile's ARN that does not name its model stays whole: it has no
    price until the user says which model it is.
    """
    text = unmarked(raw)
    backend, region = "", ""
    if text.startswith("arn:"):
        backend = BEDROCK
        if "anthropic." not in text:
            return ModelName(text, backend, exact=text)
    if location := _LOCATION.search(text):
        backend, region = VERTEX, location[1]
    tail = text.rpartition("/")[2].removeprefix("system.ai.")
    if prefix := _BEDROCK.match(tail):
        backend, region = BEDROCK, prefix[1] or ""
        tail = tail[prefix.end() :]
    if "@" in tail:
        backend = backend or VERTEX
    exact = key_of(tail)
    name, fast = _shorten(exact)
    return ModelName(_REVERSED.sub(r"claude-\2-\1", name), backend, region, fast, exact)


def _shorten(name: str) -> tuple[str, bool]:
    """Drop date, ``-latest`` and, from Claude's names, version and ``-fast``.

    Elsewhere ``-fast`` and ``-v3`` are part of the name: ``grok-4-fast`` is a model.
    """
    is_claude, fast, before = name.startswith("claude-"), False, ""
    while name != before:
        before = name
        name = _DATE.sub("", name).removesuffix("-latest")
        if is_claude:
            fast = fast or name.endswith("-fast")
            name = _VERSION.sub("", name.removesuffix("-fast"))
    return name, fast
