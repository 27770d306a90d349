"""The shape of a report: which fields there are, and what a value of each must be.

Reports come from programs that costd does not know. Whatever is not of this shape is
left out, so that nothing that reads a report has to ask again what it holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from costd.core.plain import redact

Json = dict[str, Any]
Reader = Callable[[Any], Any]

LONGEST = 500
MOST = 10_000
_LARGEST = 1 << 53


def text(value: Any) -> str | None:
    """A text, cut where it is too long."""
    if not isinstance(value, str):
        return None
    return value[:LONGEST].encode("utf-8", "replace").decode()


def prose(value: Any) -> str | None:
    """A text that people or programs wrote: without what has the form of a key."""
    found = text(value)
    return None if found is None else redact(found)


def count(value: Any) -> int | None:
    """A whole number that is not negative."""
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and 0 <= value < _LARGEST else None


def whole(value: Any) -> int | None:
    """A whole number, such as an exit status."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and -_LARGEST < value < _LARGEST else None


def number(value: Any) -> float | None:
    """A number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) and 0 <= value < _LARGEST else None


def truth(value: Any) -> bool | None:
    """Yes or no."""
    return value if isinstance(value, bool) else None


def texts(value: Any) -> list[str] | None:
    """A list of texts; None stays None."""
    if not isinstance(value, list):
        return None
    return [found for each in value[:MOST] if (found := text(each)) is not None]


def numbers(value: Any) -> dict[str, float]:
    """Numbers by name."""
    given = list(value.items())[:MOST] if isinstance(value, dict) else []
    return {
        name[:LONGEST]: found
        for name, each in given
        if isinstance(name, str) and (found := number(each)) is not None
    }


def shaped(**fields: Reader) -> Reader:
    """An object with these fields; what is missing is None."""

    def read(value: Any) -> Json:
        given: Mapping[str, Any] = value if isinstance(value, dict) else {}
        return {name: reader(given.get(name)) for name, reader in fields.items()}

    return read


def rows(**fields: Reader) -> Reader:
    """A list of such objects."""
    one = shaped(**fields)

    def read(value: Any) -> list[Json]:
        given = value[:MOST] if isinstance(value, list) else []
        return [one(each) for each in given if isinstance(each, dict)]

    return read


def each_name(reader: Reader) -> Reader:
    """An object of such values by name."""

    def read(value: Any) -> Json:
        given = list(value.items())[:MOST] if isinstance(value, dict) else []
        return {str(name)[:LONGEST]: reader(inner) for name, inner in given}

    return read


_BUCKETS: dict[str, Reader] = dict.fromkeys(
    ("input", "output", "cache_read", "cache_creation_5m", "cache_creation_1h"), count
)

SECTIONS: Mapping[str, Reader] = {
    "outcome": shaped(
        status=text,
        evidence=prose,
        exit_code=whole,
        iterations=count,
        max_iterations=count,
        errors=count,
        error=lambda v: None if v is None else shaped(type=text, message=prose)(v),
        blocked_reason=prose,
    ),
    "tokens": shaped(
        **_BUCKETS,
        total=count,
        estimated=truth,
        per_iteration=rows(iteration=count, **_BUCKETS, total=count, estimated=truth),
        by_model=each_name(shaped(**_BUCKETS)),
    ),
    "cost": shaped(cost_usd=number),
    "timing": shaped(
        started_at=text,
        completed_at=text,
        duration_ms=number,
        phases=numbers,
        profile=rows(
            phase=text,
            total_ms=number,
            own_ms=number,
            count=count,
            avg_ms=number,
            max_ms=number,
            min_ms=number,
            percent=number,
        ),
        per_iteration=rows(iteration=count, duration_ms=number, phases=numbers),
    ),
    "files": shaped(modified=texts, created=texts, deleted=texts, count=count),
    "validation": shaped(
        runs=rows(
            iteration=count,
            phase=text,
            command=prose,
            passed=truth,
            duration_ms=number,
            exit_code=whole,
        ),
        total_runs=count,
        failures=count,
    ),
    "scope": shaped(
        mode=text, violations=count, blocked_files=lambda v: texts(v) or []
    ),
    "environment": shaped(
        os=text,
        os_release=text,
        machine=text,
        python_version=text,
        costd_version=text,
        ci=truth,
        ci_provider=text,
        ci_build_id=text,
        ci_branch=text,
        ci_commit=text,
    ),
}
"""Every section of a report beside ``run``."""

RUN: Mapping[str, Reader] = {
    **dict.fromkeys(
        (
            "run_id",
            "timestamp",
            "issue",
            "task",
            "role",
            "capability",
            "agent",
            "provider",
            "model",
            "source",
            "costd_version",
        ),
        text,
    ),
}
RUN_MORE: Mapping[str, Reader] = {
    **dict.fromkeys(("command", "project", "branch", "commit", "commit_before"), text),
    "pid": count,
}
"""Fields of ``run`` that only some reports have."""


def in_shape(report: Json) -> Json:
    """The report with all of its fields and no other; ``run`` without its sessions."""
    run = report.get("run")
    given: Mapping[str, Any] = run if isinstance(run, dict) else {}
    about = {name: reader(given.get(name)) for name, reader in RUN.items()}
    more = {name: RUN_MORE[name](given[name]) for name in RUN_MORE if name in given}
    sections = {name: reader(report.get(name)) for name, reader in SECTIONS.items()}
    return {"schema_version": 1, "run": {**about, **more}, **sections}
