"""The description of the API holds every route, and what is answered is as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

import places
from costd.publish.api import build_app
from costd.publish.contract import anchor, contract_text, schemas, sections
from costd.publish.live import Live
from costd.publish.openapi import document
from costd.publish.questions import QUESTIONS
from publish.wire import Engine, fetch
from real_answers import every_answer

DOCUMENT = document()
SCHEMAS = DOCUMENT["components"]["schemas"]
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def problems(value: Any, schema: dict[str, Any], where: str = "") -> Iterator[str]:
    """What is wrong with a value, by the part of JSON Schema that is used here."""
    if "$ref" in schema:
        yield from problems(value, SCHEMAS[schema["$ref"].rpartition("/")[2]], where)
    for part in schema.get("allOf", ()):
        yield from problems(value, part, where)
    if "anyOf" in schema and all(
        list(problems(value, each, where)) for each in schema["anyOf"]
    ):
        yield f"{where}: {value!r} is none of {schema['anyOf']}"
    if "type" in schema and not is_a(value, schema["type"]):
        yield f"{where}: {value!r} is no {schema['type']}"
        return
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for name, inner in value.items():
            rest = schema.get("additionalProperties", {})
            yield from problems(inner, known.get(name, rest), f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for inner in value:
            yield from problems(inner, schema["items"], f"{where}[]")


def is_a(value: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        wanted = int if kind == "integer" else (int, float)
        return isinstance(value, wanted) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])


def test_every_route_is_described() -> None:
    app = build_app(Engine().ask, Live())
    served = set()
    for route in app.routes:
        assert isinstance(route, Route)
        path = route.path.replace(":path}", "}")
        if path.startswith("/api/") or path in ("/healthz", "/metrics"):
            served |= {(path, m.lower()) for m in route.methods or () if m != "HEAD"}
    described = {
        (path, method) for path, place in DOCUMENT["paths"].items() for method in place
    }
    assert described == served


def test_every_question_has_a_shape_of_its_own() -> None:
    shapeless = {"hook"}  # nobody but costd itself reads that answer
    for question in QUESTIONS:
        place = DOCUMENT["paths"][question.path.replace(":path}", "}")]
        operation = place[question.method.lower()]
        content = operation["responses"]["200"]["content"]["application/json"]
        has_shape = content["schema"] != {"type": "object"}
        assert has_shape or question.name in shapeless, question.name
        names = [each["name"] for each in operation["parameters"]]
        assert set(question.takes) <= set(names)
    names = [o["operationId"] for p in DOCUMENT["paths"].values() for o in p.values()]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    targets = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert targets
    assert targets <= set(SCHEMAS)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in SCHEMAS)


def test_real_answers_are_as_described(private_home: Path) -> None:
    with places.memory_dir() as top:
        answers = every_answer(top)
    titles = {title for title in sections(contract_text()) if title in answers}
    assert len(titles) > 30
    for title, values in answers.items():
        schema = SCHEMAS[anchor(title)]
        assert schema["type"] == "object"
        for value in values:
            assert list(problems(value, schema)) == [], title


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("tokens", {"input": "1"}),
        ("tokens", {"input": True}),
        ("figures", {"tokens": {"total": None}}),
        ("apicosts", {"byDay": [{"cost": "1"}]}),
        ("apicosts", {"byDay": [{"byModel": {"m": "x"}}]}),
        ("apicosts", {"parts": {"role": [{"name": 1}]}}),
        ("sessions", []),
    ],
)
def test_what_is_otherwise_is_noticed(schema: str, value: Any) -> None:
    assert list(problems(value, SCHEMAS[schema])) != []


def test_it_is_served(sock: Path) -> None:
    reply = fetch(sock, "/api/openapi.json")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.json == json.loads(json.dumps(DOCUMENT))
    assert reply.json["openapi"].startswith("3.1")


def test_a_table_becomes_a_schema() -> None:
    text = (
        "## Thing\n\n| field | type | meaning |\n|---|---|---|\n"
        "| `…` | | [other](#other) |\n| `a[].b.{c}` | number or null | `x` |\n"
        "| `a[].…` | list | [other](#other) of it |\n| `d` | day | |\n"
    )
    (schema,) = schemas(text).values()
    other = {"$ref": "#/components/schemas/other"}
    assert schema == {
        "type": "object",
        "allOf": [other],
        "properties": {
            "a": {
                "type": "array",
                "items": {
                    "type": "object",
                    "allOf": [other],
                    "properties": {
                        "b": {
                            "type": "object",
                            "additionalProperties": {
                                "anyOf": [{"type": "number"}, {"type": "null"}],
                                "description": "x",
                            },
                        }
                    },
                },
            },
            "d": {"type": "string", "format": "date"},
        },
    }
