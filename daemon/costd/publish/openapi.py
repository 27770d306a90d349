"""What the API is, for programs that read such things: OpenAPI 3.1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from costd import __version__
from costd.publish.contract import Asked, Schema, contract_text, plain, schemas, ways
from costd.publish.encode import compact
from costd.publish.questions import (
    FILTERS,
    QUESTIONS,
    Question,
    Reader,
    flag,
    names,
    number,
    words,
)

_INTEGER, _TEXT = {"type": "integer", "minimum": 0}, {"type": "string"}
_KINDS: Mapping[Reader, Schema] = {
    number: _INTEGER,
    flag: {"type": "boolean"},
    words: {"type": "array", "items": _TEXT},
    names: {"type": "array", "items": _TEXT},
}
_SPECIALS = {
    "/api/live": ("The status, as it changes", "text/event-stream"),
    "/healthz": ("Whether the numbers can be trusted", "application/json"),
    "/metrics": ("The status as Prometheus text", "text/plain"),
    "/api/version": ("Who answers", "application/json"),
    "/api/openapi.json": ("This description", "application/json"),
}
_INFO = {
    "title": "costd",
    "version": __version__,
    "summary": "The local cost ledger for coding agents.",
    "description": "Money is in USD with up to nine decimals, a list-price equivalent. "
    "null means that nobody knows; it is never written as 0. An unknown parameter is an "
    "error. On the Unix socket nothing is asked for; on loopback TCP a token is.",
    "license": {"name": "MIT", "identifier": "MIT"},
}


@cache
def described() -> bytes:
    """The whole document, as JSON."""
    return compact(document())


def document() -> dict[str, Any]:
    """Every path, with what it takes and what it answers."""
    text = contract_text()
    known = {(way.method, way.path): way for way in ways(text)}
    shapes = schemas(text)
    paths: dict[str, Any] = {}
    for question in QUESTIONS:
        path = question.path.replace(":path}", "}")
        way = known.get((question.method, path))
        place = paths.setdefault(path, {})
        place[question.method.lower()] = _operation(question, way, shapes)
    for path, (summary, media_type) in _SPECIALS.items():
        paths[path] = {"get": _special(path, summary, media_type, known)}
    paths["/api/open"] = {"post": _ticket()}
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "security": [{}, {"token": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": shapes,
            "responses": {
                "problem": _answer({"$ref": _ref("errors")}, "What is wrong")
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "costd-26783"},
            },
        },
    }


def _ref(name: str) -> str:
    return f"#/components/schemas/{name}"


def _operation(
    question: Question, way: Asked | None, shapes: Mapping[str, Schema]
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": question.name,
        "summary": way.label if way else question.name,
        "parameters": _parameters(question),
        "responses": {
            "200": _answer(_shape(question, way, shapes), "The answer"),
            "default": {"$ref": "#/components/responses/problem"},
        },
    }
    if way and way.takes:
        said["description"] = f"Takes {plain(way.takes)}."
    if question.method == "POST":
        said["requestBody"] = _body(question, way)
    return said


def _shape(
    question: Question, way: Asked | None, shapes: Mapping[str, Schema]
) -> Schema:
    if question.name == "explain":
        several = [name for name in shapes if name.startswith("explain---")]
        return {"anyOf": [{"$ref": _ref(name)} for name in several]}
    if way and way.anchor in shapes:
        return {"$ref": _ref(way.anchor)}
    return {"type": "object"}


def _answer(schema: Schema, description: str) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {"description": description, "content": content}


def _parameters(question: Question) -> list[dict[str, Any]]:
    inside = re.findall(r"\{(\w+)(?::path)?\}", question.path)
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT}
        for name in inside
    ]
    takes = {**question.takes, **(FILTERS if question.filtered else {})}
    found += [
        {"name": name, "in": "query", "schema": _KINDS.get(reader, _TEXT)}
        for name, reader in takes.items()
    ]
    return found


def _body(question: Question, way: Asked | None) -> dict[str, Any]:
    """An object with what the table names, or the events themselves."""
    one: Schema = {"type": "object"}
    if question.body:
        one = {"anyOf": [one, {"type": "array", "items": {"type": "object"}}]}
    elif way:
        fields = re.findall(r"`([a-z_]+)`", way.takes)
        one["properties"] = {name: {} for name in fields}
    content = {"application/json": {"schema": one}}
    return {"required": bool(question.body), "content": content}


def _special(
    path: str, summary: str, media_type: str, known: Mapping[tuple[str, str], Asked]
) -> dict[str, Any]:
    schema = {"type": "object" if media_type.endswith("json") else "string"}
    description = summary
    if way := known.get(("GET", path)):
        description = plain(way.takes) or summary
    return {
        "operationId": path.strip("/").replace("/", "_").replace(".", "_"),
        "summary": summary,
        "responses": {
            "200": {
                "description": description,
                "content": {media_type: {"schema": schema}},
            },
            "default": {"$ref": "#/components/responses/problem"},
        },
    }


def _ticket() -> dict[str, Any]:
    fields = {"schema_version": _INTEGER, "url": _TEXT, "seconds": _INTEGER}
    return {
        "operationId": "open",
        "summary": "An address that lets a browser in, once",
        "description": "Only on the Unix socket, where [http] is enabled.",
        "responses": {
            "200": _answer({"type": "object", "properties": fields}, "The address"),
            "default": {"$ref": "#/components/responses/problem"},
        },
    }
