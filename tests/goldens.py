"""The golden cases: logs with the numbers that a right reading of them gives.

``tests/corpus/README.md`` says what is in ``expected.json``. Cases and logs that are
shared between projects lie beside the repository and may be absent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@dataclass(frozen=True)
class Case:
    """One case: a directory to read, and what must come out."""

    name: str
    root: Path
    expected: dict[str, Any]

    @property
    def cost(self) -> Decimal:
        """Expected cost of everything in the case, USD."""
        return Decimal(self.expected["cost_usd"])

    @property
    def sessions(self) -> dict[str, Decimal]:
        """Expected cost by session, USD."""
        return {k: Decimal(v) for k, v in self.expected["sessions"].items()}


def own_cases(agent: str = "claude") -> list[Case]:
    """The cases of this repository, by name."""
    found = sorted((CORPUS / agent).glob("*/expected.json"))
    return [
        Case(path.parent.name, path.parent, json.loads(path.read_text("utf-8")))
        for path in found
    ]


def shared_cases() -> list[dict[str, Any]]:
    """The shared cases as they are written; none when they are absent."""
    path = SHARED / "cases" / "dedup-cases.json"
    cases: list[dict[str, Any]] = (
        json.loads(path.read_text("utf-8")) if path.exists() else []
    )
    return cases


def write_files(root: Path, files: dict[str, str]) -> None:
    """Writes the files of a shared case under ``root``."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", errors="surrogatepass"))


def shared_totals() -> dict[str, dict[str, Any]]:
    """Expected totals of the shared logs by name; none when they are absent."""
    path = SHARED / "corpus" / "EXPECTED-claude.json"
    totals: dict[str, dict[str, Any]] = (
        json.loads(path.read_text("utf-8")) if path.exists() else {}
    )
    return totals
