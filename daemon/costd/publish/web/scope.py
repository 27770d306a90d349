"""What a page is about: the filters in its address, and the addresses of other pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from costd.core.instants import parse_instant
from costd.publish.questions import FILTERS

PRESETS = (
    ("today", "Today", 1),
    ("7d", "7 days", 7),
    ("30d", "30 days", 30),
    ("90d", "90 days", 90),
    ("365d", "Year", 365),
    ("all", "All time", 0),
)
_DAYS = {name: days for name, _, days in PRESETS}
_SPAN = ("since", "until", "tz")
_MOST_LENGTH = 1_000


@dataclass(frozen=True)
class Scope:
    """The part of the ledger that an address names.

    Attributes:
        path: of the page.
        span: ``since``, ``until`` and ``tz`` as they stand in the address.
        filters: what else narrows it, by name.
        more: other parameters of the page, as ``search`` or ``offset``.
        timezone: where days begin.
        today: which day it is there.
        default: the span of a page whose address names none.
        unheeded: what the address would narrow the page by, and the page cannot.
    """

    path: str
    span: dict[str, str]
    filters: dict[str, list[str]]
    more: dict[str, str]
    timezone: str
    today: date
    default: str = "30d"
    unheeded: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def preset(self) -> str:
        """The named span that is shown; empty for one of its own."""
        since = self.span.get("since", self.default)
        return since if since in _DAYS and "until" not in self.span else ""

    @property
    def first(self) -> date | None:
        """The first day; None: since ever, or no day."""
        since = self.span.get("since", self.default)
        if since in _DAYS:
            days = _DAYS[since]
            return self.today - timedelta(days=days - 1) if days else None
        return _date(since)

    @property
    def last(self) -> date:
        """The last day."""
        return _date(self.span.get("until", "")) or self.today

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the time is filtered."""
        return bool(self.filters)

    def holds(self, running: Mapping[str, Any]) -> bool:
        """Whether a running session is among what the filters leave."""
        named = {**running, "session": running["session_id"]}
        return all((named[n] or "") in values for n, values in self.filters.items())

    @property
    def words(self) -> str:
        """The time, as a heading says it."""
        preset = next((label for name, label, _ in PRESETS if name == self.preset), "")
        if preset:
            return (
                preset if preset in ("Today", "All time") else f"Last {preset.lower()}"
            )
        since, until = self.span.get("since", ""), self.span.get("until", "")
        if since and since == until:
            return since
        return f"{since or 'the beginning'} to {until or 'now'}"

    def params(self, *, filtered: bool = True) -> dict[str, object]:
        """The same for the engine: days instead of spans that change by the second."""
        found: dict[str, object] = {}
        since = self.span.get("since", self.default)
        if since in _DAYS:
            if self.first is not None:
                found["since"] = self.first.isoformat()
        elif since:
            found["since"] = since
        if "until" in self.span:
            found["until"] = self.span["until"]
        if "tz" in self.span:
            found["tz"] = self.span["tz"]
        if filtered and self.filters:
            found["filters"] = self.filters
        return found

    def link(self, path: str = "", /, **change: object) -> str:
        """An address with the same filters, but for what ``change`` says.

        None takes a parameter away; parameters of the page itself stay on the page.
        """
        pairs: dict[str, list[str]] = {n: [v] for n, v in self.span.items()}
        pairs |= {name: list(values) for name, values in self.filters.items()}
        pairs |= {name: list(values) for name, values in self.unheeded.items()}
        if not path:
            pairs |= {name: [value] for name, value in self.more.items()}
        for name, value in change.items():
            pairs.pop(name, None)
            if value not in (None, ""):
                several = isinstance(value, list | tuple)
                pairs[name] = [str(v) for v in value] if several else [str(value)]  # type: ignore[attr-defined]  # several is a list
        query = urlencode([(n, v) for n, values in pairs.items() for v in values])
        return (path or self.path) + (f"?{query}" if query else "")

    def span_link(self, path: str) -> str:
        """An address with the same time, and no other filter."""
        return f"{path}?{urlencode({'since': self.default, **self.span})}"

    def day_link(self, path: str, day: str, **change: object) -> str:
        """The address of one day."""
        return self.link(path, since=day, until=day, **change)


def address(folder: str, name: Any) -> str:
    """``/issues/owner%2Fname%2345``: the address of one thing."""
    return f"/{folder}/{quote(str(name), safe='')}"


def read(
    path: str,
    pairs: Iterable[tuple[str, str]],
    status: dict[str, Any],
    *,
    more: Sequence[str] = (),
    narrowed_by: Iterable[str] = FILTERS,
    default: str = "30d",
    is_timeless: bool = False,
) -> Scope:
    """The scope that an address names; what the page does not take is told apart.

    Args:
        path: of the page.
        pairs: what its address says.
        status: the engine's.
        more: names of what only this page takes.
        narrowed_by: filters that it takes.
        default: the span where the address names none.
        is_timeless: whether the page is about no span of time.
    """
    unheeded: dict[str, list[str]] = {}
    span, rest, allowed = dict[str, str](), dict[str, str](), set(narrowed_by)
    filters: dict[str, list[str]] = {}
    for name, raw in pairs:
        value = raw[:_MOST_LENGTH]
        if not value:
            continue
        if name in _SPAN and (name == "tz" or not is_timeless):
            span[name] = value
        elif name in allowed:
            filters.setdefault(name, []).append(value)
        elif name in FILTERS or name in _SPAN:
            unheeded.setdefault(name, []).append(value)
        elif name in more:
            rest[name] = value
    timezone = _zone(span, str(status.get("timezone") or "UTC"))
    at = parse_instant(str(status.get("generated_at"))) or 0
    today = datetime.fromtimestamp(at / 1000, ZoneInfo(timezone)).date()
    return Scope(path, span, filters, rest, timezone, today, default, unheeded)


def _zone(span: dict[str, str], default: str) -> str:
    """A zone that there is; one that there is not is taken out of the span."""
    for name in (span.get("tz", ""), default):
        try:
            if name:
                return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            span.pop("tz", None)
    return "UTC"


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
