"""Measure costd beside its peers, in one run, and print one table.

    python tests/benchmarks/compare.py --megabytes 1000 --pairs 5

The tree of logs is made once and kept, by seed and size. Peers are used where they
are; ``--install-peers`` has npm install them. Nothing is read or written outside the
cache directory and the temporary directory. docs/benchmarks.md explains the table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "daemon")]

import places  # noqa: E402 - after the paths of the checkout
from benchmarks import peers, sections, tree  # noqa: E402 - the path is set above
from benchmarks.daemon import Costd, base_environment  # noqa: E402 - the path is set above
from benchmarks.table import Row, markdown, megabytes  # noqa: E402 - the path is set above
from benchmarks.timing import FailedRunError, Neighbours  # noqa: E402 - the path is set above

SECTIONS = ("first", "questions", "idle", "appending", "growth", "attribution")


def main() -> None:
    """Measure what was asked for."""
    args = _arguments()
    try:
        _measure(args)
    except FailedRunError as error:
        sys.exit(f"compare.py: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--megabytes", type=int, default=1000, help="size of the tree [1000]")
    add("--pairs", type=int, default=5, help="turns of costd and its peers [5]")
    add("--short", type=int, default=50, help="megabytes of the short history [50]")
    add("--seed", type=int, default=1, help="which tree [1]")
    add("--rounds", type=int, default=30, help="rounds of appending [30]")
    add("--idle", type=float, default=60, help="seconds to watch an idle daemon [60]")
    add("--peers", type=Path, help="directory with node_modules [in the cache]")
    add("--install-peers", action="store_true", help="npm install them there first")
    add(
        "--cache",
        type=Path,
        default=_cache(),
        help="where trees are kept [%(default)s]",
    )
    add("--only", default=",".join(SECTIONS), help="some of %(default)s")
    args = parser.parse_args()
    args.only = args.only.split(",")
    if unknown := set(args.only) - set(SECTIONS):
        parser.error(f"no part is called {' '.join(sorted(unknown))}")
    return args


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "costd-benchmarks"


def _measure(args: argparse.Namespace) -> None:
    directory: Path = args.peers or args.cache / "peers"
    if args.install_peers:
        peers.install(directory)
    if set(args.only) - {"attribution"}:
        _compare(args, directory.resolve())
    if "attribution" in args.only:
        say("precision of attribution")
        script = [sys.executable, str(HERE / "attribution.py")]
        subprocess.run(script, check=False)  # it says itself when its sample is missing


def _compare(args: argparse.Namespace, directory: Path) -> None:
    logs, totals = grown_tree(args.cache, args.megabytes, args.seed)
    neighbours = Neighbours()
    with Workplace.made(args.cache) as place:
        home = place.home(logs)
        environment = base_environment(home) | {"CLAUDE_CONFIG_DIR": str(logs.parent)}
        found, missing = peers.find(directory, environment)
        for reason in missing:
            say(reason)
        bench = sections.Bench(logs, totals, found, args.pairs, say)
        rows = _sections(args, bench, place, home)
    heading = f"{_heading(args, totals, found)}{_noise(neighbours)}"
    print(heading, markdown(rows), sep="\n\n")  # noqa: T201 - a benchmark prints


def _sections(
    args: argparse.Namespace, bench: sections.Bench, place: Workplace, home: Path
) -> list[Row]:
    rows: list[Row] = []
    costd = place.costd(home)
    if "first" in args.only:
        found, costd = sections.first_sync(bench, lambda: place.costd(home))
        rows += found
        say(f"the ledger has {megabytes(costd.ledger_bytes)}")
    responses = bench.totals.responses
    if "idle" in args.only:
        with place.costd(home).daemon(responses) as daemon:
            rows += sections.after_import(bench, daemon, args.idle)
    if {"questions", "idle", "appending"} & set(args.only):
        with costd.daemon(responses) as daemon:
            if "idle" in args.only:
                rows += sections.idle(bench, daemon, args.idle)
            if "questions" in args.only:
                rows += sections.questions(bench, costd, repeats=5)
            if "appending" in args.only:
                rows += sections.appending(bench, daemon, costd.more_logs, args.rounds)
    if "growth" in args.only:
        rows.append(_growth(args, bench, place, costd))
    return rows


def _growth(
    args: argparse.Namespace, bench: sections.Bench, place: Workplace, long: Costd
) -> Row:
    logs, totals = grown_tree(args.cache, args.short, args.seed)
    short = place.costd(place.home(logs))
    with (
        long.daemon(bench.totals.responses) as one,
        short.daemon(totals.responses) as other,
    ):
        both = {
            f"{args.megabytes} MB": (one, long.more_logs),
            f"{args.short} MB": (other, short.more_logs),
        }
        rounds = args.pairs * 2 - 1
        return sections.growth(bench, both, rounds=rounds, size=10**6, rest=args.idle)


class Workplace:
    """Directories of one run: states on the cache's disk, sockets on a short path."""

    def __init__(self, top: Path, sockets: Path) -> None:
        self._top = top
        self._sockets = sockets
        self._count = 0

    @classmethod
    @contextmanager
    def made(cls, cache: Path) -> Iterator[Workplace]:
        """New ones, removed at the end."""
        with ExitStack() as stack:
            top = tempfile.TemporaryDirectory(prefix="run-", dir=cache)
            sockets = places.short_dir()
            yield cls(Path(stack.enter_context(top)), stack.enter_context(sockets))

    def home(self, logs: Path) -> Path:
        """A home directory whose ``.claude/projects`` is ``logs``."""
        home = self._new("home")
        (home / ".claude").symlink_to(logs.parent, target_is_directory=True)
        return home

    def costd(self, home: Path) -> Costd:
        """A costd that has seen nothing yet."""
        runtime = self._sockets / str(self._count)
        return Costd(home, self._new("state"), runtime, self._new("more"))

    def _new(self, what: str) -> Path:
        self._count += 1
        path = self._top / f"{what}-{self._count}"
        path.mkdir(parents=True)
        return path


def grown_tree(cache: Path, size: int, seed: int) -> tuple[Path, tree.Totals]:
    """The tree of ``size`` megabytes, made where it is not there yet, and its totals."""
    # Another generator makes other trees.
    version = hashlib.sha256(Path(tree.__file__).read_bytes()).hexdigest()[:8]
    folder = cache / f"tree-{version}-{seed}-{size}"
    known = folder / "totals.json"
    logs = folder / "projects"
    if not known.is_file():
        say(f"making a tree of {size} MB")
        shutil.rmtree(folder, ignore_errors=True)
        made = tree.generate(logs, size * 10**6, seed)
        known.write_text(json.dumps(asdict(made)), "utf-8")
    totals = tree.Totals(**json.loads(known.read_text("utf-8")))
    for log in logs.rglob("*.jsonl"):  # from here on the disk is nobody's excuse
        with log.open("rb") as file:
            while file.read(1 << 20):
                pass
    return logs, totals


def _heading(
    args: argparse.Namespace, totals: tree.Totals, found: list[peers.Peer]
) -> str:
    beside = ", ".join(f"{peer.name} {peer.version}" for peer in found) or "no peer"
    return (
        f"{totals.bytes / 1e6:.0f} MB in {totals.files} logs, seed {args.seed}; beside"
        f" {beside}; median of {args.pairs} pairs; {platform.system()},"
        f" {os.cpu_count()} cores, Python {platform.python_version()}"
    )


def _noise(neighbours: Neighbours) -> str:
    cores = neighbours.cores()
    return "" if cores is None else f"; others used {cores:.2f} cores meanwhile"


def say(text: str) -> None:
    """What goes on, for whoever waits; the table alone goes to standard output."""
    print(f"== {text}", file=sys.stderr, flush=True)  # noqa: T201 - a benchmark prints


if __name__ == "__main__":
    main()
