"""Precision and speed of attribution on real branch names.

Reads ``repository<TAB>branch`` lines and prints, for each world, how many branches
carry a tracker's key and how many of these keys are the repository's real ones. Which
keys are real was found by hand for the repositories below; bare numbers and pull
requests cannot be checked like this and are only counted.

    python tests/benchmarks/attribution.py [merge-branches.tsv]
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "daemon"))

from costd.core.attribution import (  # noqa: E402 (after the path of the checkout)
    Attribution,
    Keys,
    Place,
    attribute_place,
    promoted,
)

SAMPLE = ROOT.parent / "shared" / "cases" / "merge-branches.tsv"
REAL = {
    "alessandrojcm/dhc-dashboard": {"ALE"},
    "charmbracelet/crush": {"CHARM"},
    "dhis2/dhis2-core": {"DHIS2"},
    "eltmon/overdeck": {"PAN"},
    "entireio/cli": {"ENT"},
    "ta93abe/me": {"TA"},
}
KEY = re.compile(r"([A-Z][A-Z0-9_]*)-\d+")
ROUNDS = 3


def read(path: Path) -> list[Place]:
    """The sample as places: one directory per repository, one branch per line."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    return [
        Place(cwd=f"/src/{repo.rpartition('/')[2]}/app", branch=branch, repo=repo)
        for repo, branch in rows
    ]


def worlds(places: Iterable[Place]) -> dict[str, Keys]:
    """What may be known beforehand, from nothing to everything."""
    branches: defaultdict[str, list[str]] = defaultdict(list)
    for place in places:
        branches[place.repo].append(place.branch)
    found = {repo: promoted(names) for repo, names in branches.items()}
    return {
        "open world": Keys(),
        "open, promoted keys": Keys(by_repo={r: k for r, k in found.items() if k}),
        "real keys known": Keys(
            by_repo={repo: frozenset(keys) for repo, keys in REAL.items()}
        ),
        "real keys configured": Keys(
            configured=frozenset(key for keys in REAL.values() for key in keys)
        ),
    }


def judge(places: list[Place], owners: list[Attribution]) -> Counter[str]:
    """Counts of matches by kind; ``real`` are those whose key is the repository's."""
    counts: Counter[str] = Counter()
    for place, owner in zip(places, owners, strict=True):
        if owner.candidate and owner.candidate_confidence:
            counts["candidates"] += 1
        if owner.is_bucket:
            counts["buckets"] += 1
        elif key := KEY.fullmatch(owner.issue):
            counts["keys"] += 1
            counts["real"] += key[1] in REAL.get(place.repo, set())
        else:
            counts["pull requests" if "!" in owner.issue else "numbers and beads"] += 1
    return counts


def show(name: str, counts: Counter[str]) -> None:
    """One line per world."""
    keys, real = counts["keys"], counts["real"]
    share = f"{real / keys:6.1%}" if keys else "  none"
    print(  # noqa: T201 (a benchmark prints)
        f"{name:22} {keys:5} keys, {real:5} real {share}"
        f" | {counts['numbers and beads']:5} numbers and beads"
        f" | {counts['pull requests']:4} pull requests"
        f" | {counts['candidates']:4} candidates | {counts['buckets']:5} in buckets"
    )


def microseconds(places: list[Place], keys: Keys) -> float:
    """CPU time of one attribution, the best of a few rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for place in places:
            attribute_place(place, keys)
        best = min(best, time.process_time() - started)
    return best / len(places) * 1e6


def main() -> None:
    """Print precision, counts and speed for every world."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sample", nargs="?", type=Path, default=SAMPLE)
    sample = parser.parse_args().sample
    if not sample.is_file():
        sys.exit(f"{sample} is not there; give a file of repository<TAB>branch lines")
    places = read(sample)
    known = worlds(places)
    for name, keys in known.items():
        show(name, judge(places, [attribute_place(place, keys) for place in places]))
    for name, keys in known.items():
        cost = microseconds(places, keys)
        print(f"{name:22} {cost:5.1f} µs for one place")  # noqa: T201 (a benchmark prints)


if __name__ == "__main__":
    main()
