"""List prices for the recount: a dated table, exact decimals, no derived rate.

The table is a JSON file: ``models`` maps a canonical name to dated rows with rates in
USD per million tokens (``in``, ``out``, ``w5``, ``w1h``, ``rd``) and variants
(``long``, ``fast``, ``fast_long``, ``us``); ``aliases`` maps other spellings.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from oracle.usage import Usage

MILLION = Decimal(1_000_000)
NANO = Decimal("1e-9")
BEDROCK = re.compile(r"^(?:(?P<region>[a-z][a-z-]*)\.)?anthropic\.")
NAME_FIRST = re.compile(r"^claude-(\d+(?:-\d+)*)-([a-z]+)$")
# Regional endpoints cost a tenth more from the 4.5 models on; before, nothing.
REGIONAL = Decimal("1.1")
BEFORE_4_5 = {
    "claude-opus-4-1",
    "claude-opus-4",
    "claude-sonnet-4",
    "claude-3-7-sonnet",
    "claude-3-5-sonnet",
    "claude-3-5-haiku",
    "claude-3-opus",
    "claude-3-sonnet",
    "claude-3-haiku",
    "claude-2",
}


@dataclass(frozen=True)
class Name:
    """A model name taken apart."""

    canonical: str
    fast: bool
    regional: bool
    first_party: bool


class Prices:
    """The table, and the two questions asked of it.

    Args:
        path: the JSON file.
    """

    def __init__(self, path: Path) -> None:
        table = json.loads(path.read_text(encoding="utf-8"))
        self.models: dict[str, list[dict[str, Any]]] = table["models"]
        self.aliases: dict[str, str] = table.get("aliases", {})
        self.search = Decimal(table.get("web_search_per_1000", "10")) / 1000

    def cost(
        self,
        model: str,
        usage: Usage,
        at: int | None,
        *,
        searches: int = 0,
        speed: str | None = None,
        geo: str | None = None,
        backend: str = "",
    ) -> Decimal | None:
        """USD of one request, rounded once to nano-dollars; None when unpriced.

        Args:
            model: the name as the log has it.
            usage: the tokens of this request alone.
            at: milliseconds since the epoch.
            searches: web searches, charged apart from the tokens.
            speed: ``usage.speed``.
            geo: ``usage.inference_geo``.
            backend: the message id, whose prefix names a cloud's backend.
        """
        name = self.name(model)
        row = self.row(name.canonical, at)
        if row is None:
            return None
        rates = variant(row, usage.prompt, fast=name.fast or speed == "fast")
        if rates is None:
            return None
        tokens = (
            usage.input_tokens * Decimal(rates["in"])
            + usage.output_tokens * Decimal(rates["out"])
            + usage.cache_creation_5m_tokens * Decimal(rates["w5"])
            + usage.cache_creation_1h_tokens * Decimal(rates["w1h"])
            + usage.cache_read_tokens * Decimal(rates["rd"])
        ) / MILLION
        cloud = backend.startswith(("msg_bdrk_", "msg_vrtx_"))
        if name.regional and name.canonical not in BEFORE_4_5:
            tokens *= REGIONAL
        elif geo == "us" and name.first_party and not cloud:
            tokens *= Decimal(row.get("us", "1"))
        exact = tokens + searches * self.search
        return exact.quantize(NANO, rounding=ROUND_HALF_EVEN)

    def row(self, canonical: str, at: int | None) -> dict[str, Any] | None:
        """The row in force; the first row also serves earlier times."""
        rows = self.models.get(canonical)
        if not rows:
            return None
        day = "9999-12-31"
        if at is not None:
            day = datetime.fromtimestamp(at / 1000, tz=UTC).date().isoformat()
        begun = [row for row in rows if row["from"] <= day] or rows[:1]
        row = begun[-1]
        return row if day < row.get("until", "9999-99-99") else None

    def name(self, model: str) -> Name:
        """Takes a raw model name apart (format page 8); exact, never by prefix."""
        rest = re.sub(r"\[[^\]]*\]", "", model.lower())
        rest = rest.rsplit("/", 1)[-1].removeprefix("system.ai.")
        bedrock = BEDROCK.match(rest)
        rest = BEDROCK.sub("", rest)
        vertex = "@" in rest
        rest, fast = re.sub(r"[@.]", "-", rest), False
        while True:
            shorter = re.sub(r"-v\d+(:\d+)?$|-\d{8}$|-latest$", "", rest)
            if shorter.endswith("-fast"):
                shorter, fast = shorter.removesuffix("-fast"), True
            if shorter == rest:
                break
            rest = shorter
        return Name(
            canonical=self.canonical(rest),
            fast=fast,
            regional=bedrock is not None and bedrock["region"] != "global",
            first_party=bedrock is None and not vertex,
        )

    def canonical(self, name: str) -> str:
        """The table's own spelling, else the name as it is."""
        turned = NAME_FIRST.sub(r"claude-\2-\1", name)
        for candidate in (name, self.aliases.get(name, ""), turned):
            if candidate in self.models:
                return candidate
        return name


def variant(row: dict[str, Any], prompt: int, *, fast: bool) -> dict[str, Any] | None:
    """The rates of a row for this prompt and speed; None when not published."""
    long = row.get("long")
    above = long is not None and prompt > long["above"]
    if fast:
        return row.get("fast_long" if above else "fast")
    return long if above else row
