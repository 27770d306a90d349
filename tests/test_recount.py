"""The recount against golden cases, so that it can be believed about the daemon."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from goldens import (
    SHARED,
    Case,
    own_cases,
    shared_cases,
    shared_totals,
    write_files,
)
from recount import Part, Recount, Response, Total, default_rates, recount

pytestmark = pytest.mark.skipif(
    not default_rates().exists(), reason="no price table in this checkout"
)


def costs(cut: dict[str, Total]) -> dict[str, Decimal]:
    return {key: total.cost for key, total in cut.items()}


def usd(cut: dict[str, str]) -> dict[str, Decimal]:
    return {key: Decimal(value) for key, value in cut.items()}


def tokens(total: Total) -> dict[str, int]:
    return {
        "input": total.input_tokens,
        "output": total.output_tokens,
        "cache_read": total.cache_read_tokens,
        "cache_creation_5m": total.cache_creation_5m_tokens,
        "cache_creation_1h": total.cache_creation_1h_tokens,
    }


def flags(result: Recount) -> list[str]:
    raised = {
        "unfinalised": result.total.unfinalised,
        "unpriced": result.total.unpriced_responses,
    }
    return sorted(name for name, count in raised.items() if count)


@pytest.mark.parametrize("case", own_cases(), ids=lambda case: case.name)
def test_own_case(case: Case) -> None:
    result, expected = recount(case.root), case.expected
    assert result.total.cost == case.cost
    assert result.total.responses == expected["responses"]
    assert tokens(result.total) == expected["tokens"]
    assert costs(result.by_session) == case.sessions
    assert result.unpriced == expected["unpriced"]
    assert flags(result) == expected["flags"]


@pytest.mark.parametrize("case", own_cases(), ids=lambda case: case.name)
def test_what_a_case_says_beyond_the_common_fields(case: Case) -> None:
    result, expected = recount(case.root), case.expected
    by_agent: dict[str, Decimal] = {}
    items: list[Response | Part] = [*result.responses, *result.parts]
    for item in items:
        agent = item.agent_id or ""
        by_agent[agent] = by_agent.get(agent, Decimal(0)) + (item.cost or Decimal(0))
    said: dict[str, Any] = {
        "part_tokens": result.total.part_tokens,
        "web_searches": result.total.web_searches,
        "unfinalised": result.total.unfinalised,
        "skipped_lines": result.skipped_lines,
        "salvaged_lines": result.salvaged_lines,
    }
    cuts = {
        "agents": by_agent,
        "branches": costs(result.by_branch),
        "models": costs(result.by_model),
        "unattributed_usd": result.unattributed,
    }
    for key in said.keys() & expected.keys():
        assert said[key] == expected[key], key
    for key in cuts.keys() & expected.keys():
        assert cuts[key] == usd(expected[key]), key
    assert expected.keys() <= said.keys() | cuts.keys() | COMMON


COMMON = {
    "why",
    "responses",
    "tokens",
    "usd_expr",
    "cost_usd",
    "sessions",
    "unpriced",
    "flags",
}


@pytest.mark.parametrize("case", own_cases(), ids=lambda case: case.name)
def test_expected_cost_is_its_arithmetic(case: Case) -> None:
    exact = re.sub(r"\d+(\.\d+)?", r"D('\g<0>')", case.expected["usd_expr"])
    assert eval(exact, {"D": Decimal}) == case.cost
    assert sum(case.sessions.values()) == case.cost


def test_there_are_cases_of_every_kind() -> None:
    assert len(own_cases()) >= 100


@pytest.mark.parametrize(
    "case", shared_cases(), ids=lambda case: f"{case['id']} {case['name']}"
)
def test_shared_case(case: dict[str, Any], tmp_path: Path) -> None:
    write_files(tmp_path, case["files"])
    result = recount(tmp_path)
    assert result.total.cost == Decimal(case["expected_usd"])
    assert result.total.responses == case["expected_responses"]
    assert result.unpriced == case.get("expected_unpriced", [])
    assert ("unfinalised" in flags(result)) == (
        "unfinalised" in case.get("expected_flags", [])
    )
    if "expected_sessions" in case:
        assert costs(result.by_session) == usd(case["expected_sessions"])
    if "expected_unattributed_usd" in case:
        assert sum(result.unattributed.values()) == Decimal(
            case["expected_unattributed_usd"]
        )


@pytest.mark.parametrize("name", shared_totals())
def test_shared_logs(name: str) -> None:
    expected = shared_totals()[name]
    result = recount(SHARED / "corpus" / "claude" / name)
    total, wanted = result.total, {"in": 0, "out": 0, "w5": 0, "w1h": 0, "rd": 0}
    assert total.responses == expected["responses"]
    assert {
        "in": total.input_tokens,
        "out": total.output_tokens,
        "w5": total.cache_creation_5m_tokens,
        "w1h": total.cache_creation_1h_tokens,
        "rd": total.cache_read_tokens,
    } == wanted | expected["tokens"]
    assert total.cost == Decimal(expected["cost"])
    assert total.unfinalised == expected["unfinalised"]
    assert total.unpriced_responses == expected["unpriced"]
    assert {
        model: (cut.responses, cut.cost) for model, cut in result.by_model.items()
    } == {
        model: (responses, Decimal(cost))
        for model, (responses, cost) in expected["by_model"].items()
    }


WEIRD = SHARED / "corpus" / "claude-weird"


@pytest.mark.parametrize(
    "root", sorted(WEIRD.glob("*")) if WEIRD.exists() else [], ids=lambda p: p.name
)
def test_nothing_strange_raises(root: Path) -> None:
    result = recount(root)
    assert result.total.responses == len(result.responses)
    assert all(isinstance(response, Response) for response in result.responses)


def test_deep_nesting_is_one_bad_line(tmp_path: Path) -> None:
    deep = b'{"type":"assistant","message":' * 3_000 + b"\n"
    (tmp_path / "log.jsonl").write_bytes(deep)
    result = recount(tmp_path)
    assert (result.total.responses, result.skipped_lines) == (0, 1)
