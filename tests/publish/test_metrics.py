"""The text that Prometheus reads."""

from __future__ import annotations

import re

from costd.publish.metrics import MOST_SERIES, exposition

STATUS: dict[str, object] = {
    "version": "1.2.3",
    "generated_at": "2026-11-22T10:00:00Z",
    "started_at": "2026-11-22T09:00:00.5Z",
    "totals": {
        "today": {
            "cost_usd": 1.25,
            "responses": 3,
            "tokens": 3,
        },
        "all": {"cost_usd": 7, "responses": 30, "tokens": 10},
    },
    "live": [{}, {}],
    "sources": [
        {
            "name": "claude",
            "files": 2,
            "bytes_behind": 0,
            "skipped_lines": 1,
            "salvaged_lines": None,
            "last_record_at": "2026-11-22T09:59:00Z",
        }
    ],
    "unattributed": {"none:default-branch": 0.5},
    "unpriced": {"models": ["x"], "tokens": 12},
    "lower_bound": {"responses": 4, "reasons": {}},
    "health": [{"code": "disk_full"}, {"code": "disk_full"}, {"code": "a"}],
}

SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? [-0-9.e+]+')


def samples(status: dict[str, object]) -> list[str]:
    lines = exposition(status).splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_the_figures_of_a_status() -> None:
    assert samples(STATUS) == [
        'costd_build_info{version="1.2.3"} 1',
        "costd_start_timestamp_seconds 1795338000.5",
        "costd_generated_timestamp_seconds 1795341600.0",
        "costd_live_sessions 2",
        "costd_health_problems 3",
        'costd_health_problem{code="a"} 1',
        'costd_health_problem{code="disk_full"} 1',
        "costd_unpriced_tokens 12",
        "costd_lower_bound_responses 4",
        'costd_unattributed_usd{bucket="none:default-branch"} 0.5',
        'costd_cost_usd{window="today"} 1.25',
        'costd_cost_usd{window="all"} 7',
        'costd_responses{window="today"} 3',
        'costd_responses{window="all"} 30',
        'costd_tokens{window="today"} 3',
        'costd_tokens{window="all"} 10',
        'costd_source_files{source="claude"} 2',
        'costd_source_bytes_behind{source="claude"} 0',
        'costd_source_skipped_lines{source="claude"} 1',
        'costd_source_last_record_timestamp_seconds{source="claude"} 1795341540.0',
    ]


def test_each_sample_has_a_help_and_a_type_above_it_once() -> None:
    lines = exposition(STATUS).splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    helps = [line.split()[2] for line in lines if line.startswith("# HELP")]
    names = [re.split(r"[ {]", line)[0] for line in samples(STATUS)]
    assert types == helps == list(dict.fromkeys(names))
    assert all(SAMPLE.fullmatch(line) for line in samples(STATUS))


def test_what_is_not_known_is_left_out_and_never_zero() -> None:
    assert samples({}) == ['costd_build_info{version="unknown"} 1']
    status: dict[str, object] = {"totals": {"today": {"cost_usd": None}}, "sources": 3}
    assert len(samples(status)) == 1


def test_labels_cannot_break_out_and_have_a_bound() -> None:
    evil = 'a"} 1\nforged 2\\' + "x" * 100 + "\ud800"
    status: dict[str, object] = {
        "unattributed": {evil: 1, **{f"b{n}": 1 for n in range(1000)}}
    }
    lines = samples(status)
    assert len(lines) == 1 + MOST_SERIES
    shown = r"a\"} 1" + "\N{REPLACEMENT CHARACTER}" + r"forged 2\\x"
    assert lines[1].startswith('costd_unattributed_usd{bucket="' + shown)
    assert max(map(len, lines)) < 120
    exposition(status).encode()
