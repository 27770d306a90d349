"""Write daemon/costd/prices/providers.json from the genai-prices package.

Run it after raising genai-prices in the dev dependencies, look at the diff, commit:

    PYTHONPATH=daemon python scripts/generate_prices.py --as-of 2026-11-22

What is left out, and why: models that do not sell text by the token; names that mean
something else per account (fine-tunes) or per router (``:free``); Claude, whose own
table is kept by hand. A price that cannot be said exactly is not said at all.
"""

# ruff: noqa: INP001 - a script is not in a package
from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices.data import providers
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from costd.core.models import key_of, normalise

TARGET = Path(__file__).parents[1] / "daemon/costd/prices/providers.json"

COMMENT = (
    "Written by scripts/generate_prices.py; do not edit. Shape as in anthropic.json; a row"
    " without rates is a time whose price is not known. peak: rates within these hours"
    " of the UTC day. The fast rates of a row are as old as the row."
)

PROVIDERS = (
    "openai",
    "google",
    "x-ai",
    "deepseek",
    "mistral",
    "moonshotai",
    "zai",
    "zhipuai",
    "minimax",
)

BUCKETS = {
    "in": "input_mtok",
    "out": "output_mtok",
    "w5": "cache_write_mtok",
    "w1h": "cache_write_1h_mtok",
    "rd": "cache_read_mtok",
}

NOT_TEXT = re.compile(
    r"image|audio|tts|realtime|embed|moderation|whisper|transcri|live|ocr|voxtral"
    r"|robotics|omni|banana|vision|davinci|babbage|curie|^ada$|instruct|ft[:-]"
)

# Open weights that their maker does not serve: the price is some host's.
HOSTED = re.compile(r"^gemma|^gpt-oss")

# Names that coding agents write and that the package matches by a pattern only.
PATTERN_NAMES = {
    "openai": (
        "gpt-5.2-codex",
        "gpt-5.4-codex",
        "gpt-5.1-codex-max",
        "codex-mini-latest",
    ),
    "google": (
        "gemini-2.5-pro-preview-05-06",
        "gemini-2.5-pro-preview-06-05",
        "gemini-3.1-pro-preview-customtools",
    ),
    "mistral": ("magistral-medium-2509", "magistral-small-2509"),
}

# By hours that an older generation had, without dates: nobody can say what held when.
UNSAYABLE = {"deepseek-chat", "deepseek-reasoner"}

# From 2026-08-17 DeepSeek has peak hours on weekdays; the package cannot say "weekdays"
# and has peak rates of the newest price only. A dated price before the newest one had
# peak hours too, at rates that the package does not hold: it becomes a gap.
PEAK_SINCE = date(2026, 8, 17)


def table(provider: Provider) -> dict[str, Any]:
    """One provider's models and their further names, in the shape of a rate table."""
    models: dict[str, list[dict[str, Any]]] = {}
    aliases: dict[str, str] = {}
    for model in provider.models:
        if NOT_TEXT.search(model.id.lower()) or HOSTED.search(model.id):
            continue
        if model.id.startswith("claude-") or ":" in model.id or model.id in UNSAYABLE:
            continue
        rows = list(rows_of(model))
        if not any("in" in row for row in rows):
            continue
        name = model.id.lower()
        models[name] = rows
        for other in names_of(provider, model):
            aliases.setdefault(other, name)
    return {"models": models, "aliases": needed(models, aliases)}


def needed(models: Iterable[str], aliases: dict[str, str]) -> dict[str, str]:
    """The names that a look-up would not find without an alias.

    It drops dates and "-latest" itself, and takes dots for hyphens.
    """
    known = {key_of(name): name for name in models}
    kept: dict[str, str] = {}
    for other, name in aliases.items():
        key = key_of(other)
        if key not in known and known.get(normalise(other).name) != name:
            known[key] = name
            kept[other] = name
    return kept


def names_of(provider: Provider, model: ModelInfo) -> Iterator[str]:
    """Whole names that the package takes for this model, beside its id."""
    for name in equals(model.match):
        if not re.search(r"[:/]", name):
            yield name.lower()
    for name in PATTERN_NAMES.get(provider.id, ()):
        if model.is_match(name):
            yield name


def equals(clause: Any) -> Iterator[str]:
    """The names that a match clause compares whole."""
    if isinstance(clause, ClauseEquals):
        yield clause.equals
    elif isinstance(clause, ClauseOr):
        for inner in clause.or_:
            yield from equals(inner)


def rows_of(model: ModelInfo) -> Iterator[dict[str, Any]]:
    """Dated rows, oldest first; the fast tier is known for the newest row only."""
    prices = model.prices
    if isinstance(prices, ModelPrice):
        prices = [ConditionalPrice(prices=prices)]
    dated = [p for p in prices if not isinstance(p.constraint, TimeOfDateConstraint)]
    peaks = [p for p in prices if isinstance(p.constraint, TimeOfDateConstraint)]
    for number, price in enumerate(dated):
        row: dict[str, Any] = {}
        if isinstance(price.constraint, StartDateConstraint):
            row["from"] = price.constraint.start_date.isoformat()
        last = number == len(dated) - 1
        if peaks and not last and row.get("from", "") >= PEAK_SINCE.isoformat():
            yield row
            continue
        row |= rates_of(price.prices)
        if last:
            row |= fast_of(model)
            row |= peak_of(peaks)
        yield row


def rates_of(price: ModelPrice) -> dict[str, Any]:
    """The standard rates of a row, with its long tier and search price."""
    if not price.input_mtok or not price.output_mtok:
        return {}
    near, far = sets_of(price)
    row: dict[str, Any] = dict(near)
    if price.web_searches_kcount:
        row["search"] = text(price.web_searches_kcount)
    if far:
        row["long"] = far
    return row


def sets_of(price: ModelPrice) -> tuple[dict[str, str], dict[str, Any]]:
    """Rates below and above the threshold on the prompt; the second may be empty."""
    near: dict[str, str] = {}
    far: dict[str, Any] = {}
    starts = set()
    for bucket, key in BUCKETS.items():
        value = getattr(price, key)
        if value is None:
            continue
        if isinstance(value, TieredPrices):
            (tier,) = value.tiers
            starts.add(tier.start)
            near[bucket], far[bucket] = text(value.base), text(tier.price)
        else:
            near[bucket] = far[bucket] = text(value)
    if not starts:
        return near, {}
    (above,) = starts
    return near, {"above": above, **far}


def fast_of(model: ModelInfo) -> dict[str, Any]:
    """The fast service tier, where one is published."""
    for variant in model.price_variants or ():
        if variant.when == {"service_tier": "fast"}:
            near, far = sets_of(variant.prices)
            if "in" in near and "out" in near:
                return {"fast": near} | ({"fast_long": far} if far else {})
    return {}


def peak_of(peaks: list[ConditionalPrice]) -> dict[str, Any]:
    """One set of peak rates with all its hours."""
    if not peaks:
        return {}
    rates = [sets_of(peak.prices)[0] for peak in peaks]
    hours = []
    for peak in peaks:
        window = peak.constraint
        if not isinstance(window, TimeOfDateConstraint):
            raise TypeError(f"{window!r} has no hours")
        if window.start_time.minute or window.end_time.minute:
            raise ValueError(f"{window!r} is not in whole hours")
        hours.append([window.start_time.hour, window.end_time.hour])
    if any(other != rates[0] for other in rates):
        raise ValueError("peak hours at different rates")
    return {"peak": {"hours": hours, "weekdays": True, **rates[0]}}


def text(number: Any) -> str:
    """A decimal without idle zeros."""
    return f"{number.normalize():f}"


def document(as_of: str) -> str:
    """The file: one line per model, so that a diff shows prices."""
    by_id = {provider.id: provider for provider in providers}
    source = {
        "name": "genai-prices",
        "version": version("genai-prices"),
        "as_of": as_of,
    }
    lines = [
        "{",
        f' "_comment": {json.dumps(COMMENT)},',
        f' "source": {json.dumps(source)},',
        ' "providers": {',
    ]
    blocks = []
    for name in PROVIDERS:
        made = table(by_id[name])
        models = ",\n".join(
            f"   {compact(key)}:{compact(rows)}" for key, rows in made["models"].items()
        )
        blocks.append(
            f'  "{name}": {{"_as_of":"{as_of}","aliases":{compact(made["aliases"])},'
            f'"models":{{\n{models}}}}}'
        )
    return "\n".join([*lines, ",\n".join(blocks), " }", "}", ""])


def compact(value: object) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--as-of", required=True, help="date of the prices")
    options = parser.parse_args()
    as_of = date.fromisoformat(options.as_of).isoformat()
    TARGET.write_text(document(as_of), encoding="utf-8")


if __name__ == "__main__":
    main()
