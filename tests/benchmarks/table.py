"""What was measured, as a table that a page can take as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEAD = ("measured", "costd", "ccusage", "tokscale", "costd ÷ ccusage", "goal", "met")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: cells as text, and whether the goal is met (None: there is none)."""

    measured: str
    costd: str
    ccusage: str = ""
    tokscale: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """In the order of ``HEAD``."""
        met = "" if self.met is None else "yes" if self.met else "**no**"
        return (
            self.measured,
            self.costd,
            self.ccusage,
            self.tokscale,
            self.ratio,
            self.goal,
            met,
        )


def markdown(rows: Sequence[Row]) -> str:
    """The rows under ``HEAD``, columns aligned; empty columns are left out."""
    lines = [HEAD, *(row.cells() for row in rows)]
    kept = [n for n in range(len(HEAD)) if any(line[n] for line in lines[1:])]
    widths = {n: max(len(line[n]) for line in lines) for n in kept}
    shown = [
        "| " + " | ".join(line[n].ljust(widths[n]) for n in kept) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (widths[n] + 2) for n in kept) + "|"
    return "\n".join([shown[0], rule, *shown[1:]])


def duration(seconds: float) -> str:
    """Seconds or milliseconds, three digits."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def times(values: Sequence[float], middle: float) -> str:
    """The median, with the range where there are several."""
    if len(values) == 1:
        return duration(middle)
    return f"{duration(middle)} ({duration(min(values))} to {duration(max(values))})"


def megabytes(size: float) -> str:
    """Millions of bytes."""
    return f"{size / 1e6:.1f} MB"
