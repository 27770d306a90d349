"""The price tables: complete, dated without holes, and as their sources say."""

from __future__ import annotations

import importlib.metadata
import json
import runpy
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from costd.prices import load_rate_card

ROOT = Path(__file__).parents[2]
ANTHROPIC = json.loads(files("costd.prices").joinpath("anthropic.json").read_bytes())
PROVIDERS = json.loads(files("costd.prices").joinpath("providers.json").read_bytes())
SHARED = ROOT.parent / "shared/prices/anthropic_prices.json"
CARD = load_rate_card()
COUNTS = {"in": 70_003, "out": 1_009, "rd": 1_013, "w5": 1_019, "w1h": 1_021}


def start(row: dict[str, Any]) -> int:
    moment = datetime.fromisoformat(row.get("from", "2025-01-01")).replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1000


def nano(rates: dict[str, str], factor: str, prompt_extra: int) -> int:
    counts = COUNTS | {"in": COUNTS["in"] + prompt_extra}
    total = sum(counts[bucket] * Decimal(rates[bucket]) for bucket in counts)
    return round(total * Decimal(factor) * 1000)


def charge(model: str, at: int, extra: int, **how: str) -> int | None:
    return CARD.price(
        model=model,
        at=at,
        input_tokens=COUNTS["in"] + extra,
        output_tokens=COUNTS["out"],
        cache_read_tokens=COUNTS["rd"],
        cache_creation_5m_tokens=COUNTS["w5"],
        cache_creation_1h_tokens=COUNTS["w1h"],
        speed=how.get("speed", ""),
        geo=how.get("geo", ""),
    ).cost


def anthropic_rows() -> list[tuple[str, dict[str, Any]]]:
    models = ANTHROPIC["models"].items()
    return [(model, row) for model, rows in models for row in rows]


@pytest.mark.parametrize(("model", "row"), anthropic_rows())
def test_every_row_prices_in_every_way_it_lists(
    model: str, row: dict[str, Any]
) -> None:
    at = start(row)
    long_prompt = 1_000_000
    for speed, near, far in (
        ("standard", row, row.get("long", row)),
        ("fast", row.get("fast", {}), row.get("fast_long", row.get("fast", {}))),
    ):
        if not near:
            assert charge(model, at, 0, speed=speed) is None
            continue
        for geo, factor in (("", "1"), ("us", row.get("us", "1"))):
            assert charge(model, at, 0, speed=speed, geo=geo) == nano(near, factor, 0)
            expected = nano(far, factor, long_prompt)
            assert charge(model, at, long_prompt, speed=speed, geo=geo) == expected
    regional = row.get("regional", "1")
    assert charge(f"eu.anthropic.{model}", at, 0) == nano(row, regional, 0)
    assert charge(f"global.anthropic.{model}", at, 0) == nano(row, "1", 0)


@pytest.mark.parametrize("model", ANTHROPIC["models"])
def test_rows_follow_each_other_without_a_hole(model: str) -> None:
    rows = ANTHROPIC["models"][model]
    for row, following in pairwise(rows):
        assert row["until"] == following["from"] > row["from"]
    assert "until" not in rows[-1]


def test_every_alias_has_a_model() -> None:
    for table in (ANTHROPIC, *PROVIDERS["providers"].values()):
        for alias, model in table["aliases"].items():
            assert model in table["models"]
            assert CARD.rows_for(alias), alias


def test_regional_surcharges_hold_from_the_generation_that_has_them() -> None:
    # What is priced apart in the US is priced apart by region, and so are the first
    # models with regional endpoints.
    regional = {model for model, row in anthropic_rows() if "regional" in row}
    us = {model for model, row in anthropic_rows() if "us" in row}
    first = {"claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"}
    assert regional == us | first


def test_the_card_says_what_it_is_made_of() -> None:
    source = PROVIDERS["source"]
    assert CARD.sources == [
        {"name": "anthropic", "as_of": ANTHROPIC["_as_of"]},
        {"name": f"genai-prices {source['version']}", "as_of": source["as_of"]},
    ]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared facts are not here")
def test_the_table_holds_the_shared_facts() -> None:
    def facts(value: Any) -> Any:
        if isinstance(value, dict):
            dropped = {"_comment", "_note", "regional"}
            return {k: facts(v) for k, v in value.items() if k not in dropped}
        return [facts(item) for item in value] if isinstance(value, list) else value

    shared = json.loads(SHARED.read_bytes())
    assert facts(ANTHROPIC) == facts(shared)


# --- against the package that providers.json is read from -------------------------------


def same_version() -> bool:
    try:
        installed = importlib.metadata.version("genai-prices")
    except importlib.metadata.PackageNotFoundError:
        return False
    return bool(installed == PROVIDERS["source"]["version"])


needs_package = pytest.mark.skipif(
    not same_version(), reason="genai-prices is not here in the version of the table"
)


@needs_package
def test_the_table_is_what_the_script_writes() -> None:
    script = runpy.run_path(str(ROOT / "scripts/generate_prices.py"))
    written = files("costd.prices").joinpath("providers.json").read_text("utf-8")
    assert script["document"](PROVIDERS["source"]["as_of"]) == written


def provider_models() -> list[tuple[str, str, int]]:
    """Each name at noon of the first day of each of its rows: no peak hour."""
    return [
        (provider, name, start(row) + 12 * 3_600_000)
        for provider, table in PROVIDERS["providers"].items()
        for name in (*table["models"], *table["aliases"])
        for row in table["models"][table["aliases"].get(name, name)]
        if "in" in row
    ]


# Names that the package knows by another spelling only.
SPELLED = {
    "codestral": "codestral-latest",
    "magistral-small": "magistral-small-2509",
    "mistral-medium-3-1": "mistral-medium",
    "pixtral-large": "pixtral-large-latest",
}


@needs_package
@pytest.mark.parametrize(("provider", "model", "at"), provider_models())
@pytest.mark.parametrize("prompt", [1_000, 600_000])
def test_other_providers_agree_with_the_package(
    provider: str, model: str, at: int, prompt: int
) -> None:
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - may be absent

    read, write, write_1h, output = 101, 103, 107, 1_009
    their = calc_price(
        Usage(
            input_tokens=prompt + read + write + write_1h,
            cache_read_tokens=read,
            cache_write_tokens=write + write_1h,
            cache_write_1h_tokens=write_1h,
            output_tokens=output,
        ),
        SPELLED.get(model, model),
        provider_id=provider,
        genai_request_timestamp=datetime.fromtimestamp(at / 1000, UTC),
    ).total_price
    ours = CARD.price(
        model=f"{provider}/{model}",
        at=at,
        input_tokens=prompt,
        output_tokens=output,
        cache_read_tokens=read,
        cache_creation_5m_tokens=write,
        cache_creation_1h_tokens=write_1h,
    )
    assert ours.cost == round(their * 10**9)
