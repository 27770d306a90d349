"""An independent recount of a tree of Claude Code logs.

Plain, slow and meant to be obviously right: the whole tree in memory, the standard
library only, every rule of the log format written down once more and in another way
than in the daemon. Tests compare the two. When they differ, one of them is wrong.

    result = recount(Path("~/.claude").expanduser(), Path("rates.json"))
    result.total.cost
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from oracle.dedup import Group, same_responses
from oracle.fold import Response, response_of
from oracle.lines import Seen, read_tree
from oracle.parts import Part, parts_of, side_searches
from oracle.prices import Prices
from oracle.sums import Total, cut, total_of, unattributed

__all__ = ["Part", "Recount", "Response", "Total", "recount"]


@dataclass
class Recount:
    """Everything one reading of a tree says."""

    responses: list[Response]
    parts: list[Part]
    total: Total
    by_model: dict[str, Total]
    by_session: dict[str, Total]
    by_branch: dict[str, Total]
    unpriced: list[str]
    unattributed: dict[str, Decimal]
    files: int
    skipped_lines: int
    salvaged_lines: int


def recount(root: Path, rates: Path | None = None) -> Recount:
    """Counts and prices every response under ``root``.

    Args:
        root: directory with logs at any depth.
        rates: price table, see ``recount_prices``; the default is the common one.
    """
    seen, prices = read_tree(root), Prices(rates or default_rates())
    groups = same_responses(seen)
    responses = [response_of(group, seen, prices) for group in groups]
    parts = [
        part
        for group, response in zip(groups, responses, strict=True)
        for part in parts_of(group, response, prices)
    ]
    parts += side_searches(seen, groups, responses, prices)
    return summed(seen, groups, responses, parts)


def default_rates() -> Path:
    """The shared price table beside the repository, else the one in the package."""
    repository = Path(__file__).resolve().parents[1]
    shared = repository.parent / "shared" / "prices" / "anthropic_prices.json"
    own = repository / "daemon" / "costd" / "prices" / "anthropic.json"
    return shared if shared.exists() else own


def summed(
    seen: Seen, groups: list[Group], responses: list[Response], parts: list[Part]
) -> Recount:
    """Adds everything up."""
    unpriced = [r.model for r in responses if r.cost is None]
    unpriced += [p.own_model for p in parts if p.cost is None]
    return Recount(
        responses=responses,
        parts=parts,
        total=total_of(responses, parts),
        by_model=cut(responses, parts, lambda item: item.model),
        by_session=cut(responses, parts, lambda item: item.session_id),
        by_branch=cut(responses, parts, lambda item: item.branch or ""),
        unpriced=sorted(set(unpriced)),
        unattributed=unattributed(seen, groups, responses, parts),
        files=seen.files,
        skipped_lines=seen.skipped_lines,
        salvaged_lines=seen.salvaged_lines,
    )
