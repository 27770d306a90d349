"""The questions one can ask over HTTP, and how each is read from a request.

Adding one is one line in ``QUESTIONS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from costd.core.errors import UsageError

Reader = Callable[[list[str]], object]

MOST_ROWS = 1_000_000


def text(values: list[str]) -> str:
    """One value as it stands."""
    if len(values) > 1:
        raise UsageError("it is given more than once", "Give it once.")
    return values[0]


def number(values: list[str]) -> int:
    """One whole number that is not negative."""
    value = text(values)
    if not re.fullmatch(r"0*[0-9]{1,7}", value) or int(value) > MOST_ROWS:
        raise UsageError("it is no whole number", f"Give a number up to {MOST_ROWS}.")
    return int(value)


def flag(values: list[str]) -> bool:
    """One yes or no; the bare name means yes."""
    known = {"": True, "1": True, "true": True, "yes": True}
    known |= {"0": False, "false": False, "no": False}
    value = text(values).lower()
    if value not in known:
        raise UsageError("it is neither true nor false", "Give true or false.")
    return known[value]


def words(values: list[str]) -> list[str]:
    """Several words, one per parameter or with commas between them."""
    return [word for value in values for word in value.split(",") if word]


def names(values: list[str]) -> list[str]:
    """Several names, one per parameter; a comma is part of the name."""
    return [value for value in values if value]


FILTERS: Mapping[str, Reader] = {
    "model": words,
    "session": words,
    "issue": words,
    "role": words,
    "agent": words,
    # A directory or a branch may have a comma in it.
    "project": names,
    "branch": names,
}
SPAN: Mapping[str, Reader] = {"since": text, "until": text, "tz": text}
PAGE: Mapping[str, Reader] = {**SPAN, "limit": number}
RUNS: Mapping[str, Reader] = {**SPAN, "status": words, "task": text}

EVENTS: Mapping[str, Reader] = {
    **PAGE,
    **dict.fromkeys(("type", "task", "agent", "model", "session", "run"), words),
    "success": flag,
}

# Seconds to wait for the engine. Work that reads every log takes as long as it takes.
READ_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Question:
    """One row of the table: what is asked, where, and what it takes.

    Attributes:
        name: what the engine is asked.
        path: where; a part in braces becomes the parameter of that name.
        method: ``GET`` reads the query string, ``POST`` a JSON object.
        takes: readers of the query's parameters, by name.
        filtered: whether it takes ``FILTERS`` too, as the parameter ``filters``.
        seconds: how long to wait for the engine; None for ever.
        body: the parameter that a ``POST``'s whole body is, an object or an array;
            empty where the body is an object of the parameters themselves.
    """

    name: str
    path: str
    method: str = "GET"
    takes: Mapping[str, Reader] = field(default_factory=dict)
    filtered: bool = False
    seconds: float | None = READ_SECONDS
    body: str = ""


QUESTIONS = (
    Question("status", "/api/status"),
    Question("report", "/api/report", takes={"by": words, **SPAN}, filtered=True),
    Question(
        "sessions", "/api/sessions", takes={"offset": number, **PAGE}, filtered=True
    ),
    Question("session", "/api/sessions/{id}"),
    Question("prices", "/api/prices", takes={"model": text}),
    Question(
        "explain",
        "/api/explain",
        takes=dict.fromkeys(("response", "session", "branch", "cwd", "repo"), text),
    ),
    Question("costs_summary", "/api/costs/summary", takes={"tz": text}),
    Question("costs_by_issue", "/api/costs/by-issue", takes=SPAN),
    Question("costs", "/api/costs", takes={"by": words, **SPAN}, filtered=True),
    Question("calendar", "/api/costs/calendar", takes={"tz": text}, filtered=True),
    Question("places", "/api/places"),
    Question("activities", "/api/activities", takes=PAGE),
    Question(
        "board",
        "/api/board",
        takes={"state": text, "search": text, "offset": number, **PAGE},
        filtered=True,
    ),
    Question(
        "responses",
        "/api/responses",
        takes={
            **dict.fromkeys(("session", "issue", "model", "order"), text),
            "offset": number,
            **PAGE,
        },
    ),
    Question("issues", "/api/issues", takes=PAGE, filtered=True),
    Question("issue", "/api/issues/{id:path}/costs", takes=SPAN, filtered=True),
    Question("claims", "/api/claims", takes={"issue": text, "all": flag, **PAGE}),
    Question("suggest", "/api/suggest", takes=PAGE),
    Question("link_suggested", "/api/suggest", method="POST"),
    Question("runtimes", "/api/runtimes", takes={**SPAN, "agent": words}),
    Question("performance", "/api/performance", takes={**SPAN, "agent": words}),
    Question("runs_summary", "/api/runs/summary", takes=RUNS),
    Question("run_report", "/api/runs/{id}"),
    Question("runs", "/api/runs", takes={**RUNS, "limit": number, "detailed": flag}),
    Question("run", "/api/runs", method="POST"),
    Question("clean_runs", "/api/runs/clean", method="POST"),
    Question("keys", "/api/keys"),
    Question("import_keys", "/api/keys", method="POST"),
    Question("forget_keys", "/api/keys/forget", method="POST"),
    Question("prs", "/api/prs", takes={"limit": number}),
    Question("import_prs", "/api/prs", method="POST"),
    Question("forget_prs", "/api/prs/forget", method="POST"),
    Question("doctor", "/api/doctor", takes={"quick": flag}),
    Question("link", "/api/claims", method="POST"),
    Question("unlink", "/api/unlink", method="POST"),
    Question("hook", "/api/hook", method="POST"),
    Question("events", "/api/events", method="POST", body="events"),
    Question("activity", "/api/activity", method="POST", body="events"),
    Question(
        "event_report",
        "/api/events/report",
        takes={"by": words, **SPAN},
        filtered=True,
    ),
    Question("event_query", "/api/events", takes=EVENTS),
    Question("kpi", "/api/kpi", takes={"period": text, "cycle_day": number, **PAGE}),
    Question("sync", "/api/sync", method="POST", seconds=None),
    Question("reprice", "/api/reprice", method="POST", seconds=None),
    Question("verify", "/api/verify", method="POST", seconds=None),
    Question("backup", "/api/backup", method="POST", seconds=None),
    Question("restore", "/api/restore", method="POST", seconds=None),
    Question("reload", "/api/config/reload", method="POST"),
)


def read_query(
    question: Question, pairs: Iterable[tuple[str, str]]
) -> dict[str, object]:
    """The parameters of ``question`` from the pairs of a query string.

    Raises:
        UsageError: a parameter it does not take, or a value that is none.
    """
    readers = {**question.takes, **(FILTERS if question.filtered else {})}
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in readers:
            takes = ", ".join(readers) or "no parameters"
            raise UsageError(f"no parameter {name[:40]!r} here", f"It takes {takes}.")
        given.setdefault(name, []).append(value)
    params = {name: _read(name, readers[name], given[name]) for name in given}
    if question.filtered:
        params["filters"] = {n: params.pop(n) for n in FILTERS if n in params}
    return params


def _read(name: str, reader: Reader, values: list[str]) -> object:
    try:
        return reader(values)
    except UsageError as error:
        raise UsageError(f"parameter {name!r}: {error.message}", error.fix) from None


def read_body(body: bytes, name: str = "") -> dict[str, object]:
    """The parameters of a question from a body; an empty body has none.

    Args:
        body: JSON.
        name: the parameter that the whole body is; empty where it holds them all.

    Raises:
        UsageError: it is not one JSON object, or array where it is one parameter.
    """
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        # Not the error's own text: it carries the whole body along.
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(
            f"the body is not JSON (at {place})", "Send one JSON object."
        ) from None
    if name and isinstance(value, dict | list):
        return {name: value}
    if not isinstance(value, dict):
        raise UsageError("the body is not a JSON object", "Send one JSON object.")
    return value
