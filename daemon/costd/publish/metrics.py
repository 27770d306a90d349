"""The status as Prometheus text: gauges with few and bounded labels.

Never a label per session, issue or branch: those have no bound, and a monitoring
system is not a ledger. A figure that is not known is left out, never zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from costd.core.instants import parse_instant

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_SERIES = 50
MOST_LABEL = 64

Sample = tuple[Mapping[str, str], object]


def exposition(status: Mapping[str, object]) -> str:
    """The answer to ``status``, in the text format 0.0.4."""
    families = (
        *_whole(status),
        *_trust(status),
        *_windows(status),
        *_sources(status),
    )
    return "".join(_family(*family) for family in families)


def _family(name: str, help_text: str, samples: Iterable[Sample]) -> str:
    lines = [
        f"{name}{_labels(labels)} {_number(value)}\n"
        for labels, value in list(samples)[:MOST_SERIES]
        if _is_number(value)
    ]
    head = f"# HELP {name} {help_text}\n# TYPE {name} gauge\n"
    return head + "".join(lines) if lines else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _number(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escape(text)}"' for name, text in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escape(text: str) -> str:
    printable = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "�", text[:MOST_LABEL])
    return printable.replace("\\", r"\\").replace('"', r"\"")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _rows(value: object) -> list[Mapping[str, object]]:
    return [_mapping(row) for row in value] if isinstance(value, list) else []


def _length(value: object) -> int | None:
    return len(value) if isinstance(value, list) else None


def _seconds(value: object) -> float | None:
    at = parse_instant(value) if isinstance(value, str) else None
    return None if at is None else at / 1000


def _whole(
    status: Mapping[str, object],
) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    """Figures of costd as a whole."""
    codes = {str(row.get("code", "unknown")) for row in _rows(status.get("health"))}
    version = {"version": str(status.get("version", "unknown"))}
    yield "costd_build_info", "The version that runs.", [(version, 1)]
    yield (
        "costd_start_timestamp_seconds",
        "When the daemon started.",
        [({}, _seconds(status.get("started_at")))],
    )
    yield (
        "costd_generated_timestamp_seconds",
        "When these figures were true.",
        [({}, _seconds(status.get("generated_at")))],
    )
    yield (
        "costd_live_sessions",
        "Sessions at work.",
        [({}, _length(status.get("live")))],
    )
    yield (
        "costd_health_problems",
        "Present problems.",
        [({}, _length(status.get("health")))],
    )
    yield (
        "costd_health_problem",
        "One for each kind of present problem.",
        [({"code": code}, 1) for code in sorted(codes)],
    )
    yield (
        "costd_unpriced_tokens",
        "Tokens of models without a known price.",
        [({}, _mapping(status.get("unpriced")).get("tokens"))],
    )
    yield (
        "costd_lower_bound_responses",
        "Responses whose log shows only a lower bound.",
        [({}, _mapping(status.get("lower_bound")).get("responses"))],
    )
    yield (
        "costd_unattributed_usd",
        "Cost without an issue, by bucket, at list prices.",
        [
            ({"bucket": b}, usd)
            for b, usd in _mapping(status.get("unattributed")).items()
        ],
    )


def _trust(
    status: Mapping[str, object],
) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    """Whether the figures can be trusted."""
    yield from _keeping(_mapping(status.get("ledger")))
    watch = _mapping(status.get("watch"))
    yield (
        "costd_watch_mode",
        "How changes are noticed.",
        [({"mode": str(watch["mode"])}, 1)] if watch.get("mode") else [],
    )
    shares = _mapping(status.get("shares"))
    yield (
        "costd_unpriced_tokens_ratio",
        "Tokens without a price, of all tokens.",
        [({}, shares.get("unpriced_tokens"))],
    )
    yield (
        "costd_unattributed_cost_ratio",
        "Cost without an issue, of all cost.",
        [({}, shares.get("unattributed_cost"))],
    )


def _keeping(
    ledger: Mapping[str, object],
) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    """How the ledger's file is."""
    for name, key, help_text in (
        ("costd_ledger_bytes", "bytes", "Size of the ledger."),
        ("costd_ledger_whole", "whole", "Whether the last check found it whole."),
        ("costd_ledger_busy_count", "busy_count", "Times nothing could be recorded."),
        ("costd_ledger_recovering", "recovering", "Whether it still reads logs again."),
        ("costd_disk_free_bytes", "disk_free_bytes", "Space on the ledger's disk."),
        ("costd_clock_jumps", "clock_jumps", "Times the clock was set."),
    ):
        yield name, help_text, [({}, ledger.get(key))]
    for name, key, help_text in (
        ("costd_ledger_check_timestamp_seconds", "checked_at", "The last check."),
        ("costd_snapshot_timestamp_seconds", "snapshot_at", "The newest snapshot."),
    ):
        yield name, help_text, [({}, _seconds(ledger.get(key)))]


def _windows(
    status: Mapping[str, object],
) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    """Totals of today, the week, the month and the whole ledger."""
    totals = {n: _mapping(t) for n, t in _mapping(status.get("totals")).items()}
    yield (
        "costd_cost_usd",
        "Cost at list prices.",
        [({"window": window}, t.get("cost_usd")) for window, t in totals.items()],
    )
    yield (
        "costd_responses",
        "Billable model responses.",
        [({"window": window}, t.get("responses")) for window, t in totals.items()],
    )
    yield (
        "costd_tokens",
        "Tokens of all kinds.",
        [({"window": window}, t.get("tokens")) for window, t in totals.items()],
    )


def _sources(
    status: Mapping[str, object],
) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    """How far costd has read, by source."""
    rows = _rows(status.get("sources"))
    for key, help_text in (
        ("files", "Session logs known."),
        ("bytes_behind", "Bytes written by agents and not yet read."),
        ("skipped_lines", "Lines that could not be used."),
        ("salvaged_lines", "Damaged lines that gave their records after all."),
    ):
        yield (
            f"costd_source_{key}",
            help_text,
            [
                ({"source": str(row.get("name", "unknown"))}, row.get(key))
                for row in rows
            ],
        )
    yield (
        "costd_source_last_record_timestamp_seconds",
        "Time of the newest record.",
        [
            (
                {"source": str(row.get("name", "unknown"))},
                _seconds(row.get("last_record_at")),
            )
            for row in rows
        ],
    )
