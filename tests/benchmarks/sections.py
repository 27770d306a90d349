"""What is measured, one function for each question; each gives rows of the table."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import writing
from benchmarks.daemon import Costd, Daemon, counted
from benchmarks.peers import Peer
from benchmarks.table import Row, duration, megabytes, times
from benchmarks.timing import (
    FailedRunError,
    Program,
    Run,
    median,
    percentile,
    timed,
    timed_on_terminal,
)
from benchmarks.tree import Totals

SESSIONS = 50
SEED = 50
SETTLE_SECONDS = 0.3
"""After the files are written; whatever is left to do then belongs to them."""
BEAT_SECONDS = 35.0
"""The beat comes every 30 seconds, and the daemon puts its house in order then."""
NANO = 10**9

QUESTIONS: Mapping[str, tuple[tuple[str, ...], Callable[[Program], Run]]] = {
    "`costd status`": (("status",), timed),
    "`costd status` on a terminal": (("status",), timed_on_terminal),
    "`costd status --json`": (("status", "--json"), timed),
    "`costd report --by day --json`": (("report", "--by", "day", "--json"), timed),
}


@dataclass(frozen=True, slots=True)
class Bench:
    """What all sections share."""

    tree: Path
    totals: Totals
    peers: Sequence[Peer]
    pairs: int
    say: Callable[[str], None]


def first_sync(bench: Bench, fresh: Callable[[], Costd]) -> tuple[list[Row], Costd]:
    """The first ``costd sync`` and its peers, in turns; the last ledger stays."""
    runs: dict[str, list[Run]] = {}
    costd = None
    for number in range(bench.pairs):
        bench.say(f"first sync, pair {number + 1} of {bench.pairs}")
        if costd is not None:
            shutil.rmtree(costd.state)
        costd = fresh()
        program = costd.program.with_arguments("sync", "--json")
        runs.setdefault("costd", []).append(timed(program))
        for peer in bench.peers:
            with tempfile.TemporaryDirectory() as cache:
                cold = peer.without_cache(Path(cache))
                runs.setdefault(peer.name, []).append(timed(cold))
    if costd is None:
        raise FailedRunError("there must be one pair at least")
    _check_totals(bench, costd, runs)
    wall = {name: [run.wall for run in some] for name, some in runs.items()}
    cpu = {name: [run.cpu for run in some] for name, some in runs.items()}
    return [
        compared("first `costd sync`: wall", wall, 0.9, "aim 0.6"),
        compared("first `costd sync`: CPU", cpu),
    ], costd


def _check_totals(
    bench: Bench, costd: Costd, runs: Mapping[str, Sequence[Run]]
) -> None:
    """Fast and wrong is not fast: the totals of all of them, against the generator's."""
    totals = bench.totals
    for run in runs["costd"]:
        _same(
            "costd sync: responses",
            json.loads(run.output)["responses"],
            totals.responses,
        )
    # From another process, which finds nothing new: it is what the ledger holds.
    report = timed(costd.program.with_arguments("report", "--json")).output
    found = json.loads(report)["total"]
    expected = expected_tokens(totals)
    tokens = {name: found["tokens"][name] for name in expected}
    _same("costd: tokens", tokens, expected)
    _same("costd: nano-USD", round(found["cost_usd"] * NANO), totals.cost_nano_usd)
    bench.say(
        f"costd: exact ({totals.responses} responses, five kinds of tokens,"
        f" ${totals.cost_nano_usd / NANO:.9f})"
    )
    for peer in bench.peers:
        said = peer.found(runs[peer.name][-1].output)
        same = (
            "same tokens"
            if said.tokens == sum(expected.values())
            else (f"{said.tokens - sum(expected.values()):+} tokens")
        )
        if said.cost_usd is None:
            bench.say(f"{peer.name}: {same}; no prices without network")
        else:
            off = said.cost_usd - totals.cost_nano_usd / NANO
            bench.say(f"{peer.name}: {same}, cost off by ${off:.6f}")


def expected_tokens(totals: Totals) -> dict[str, int]:
    """The generator's totals under the names of a report."""
    return {
        "input": totals.input_tokens,
        "output": totals.output_tokens,
        "cache_read": totals.cache_read_tokens,
        "cache_creation_5m": totals.cache_creation_5m_tokens,
        "cache_creation_1h": totals.cache_creation_1h_tokens,
    }


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise FailedRunError(f"{what}: {found}, and it must be {expected}")


def compared(
    what: str,
    seconds: Mapping[str, Sequence[float]],
    limit: float | None = None,
    more: str = "",
) -> Row:
    """A row of several programs; the ratio is the median of the pairs' ratios."""
    shown = {name: times(some, median(some)) for name, some in seconds.items()}
    ratio = None
    if "ccusage" in seconds:
        pairs = zip(seconds["costd"], seconds["ccusage"], strict=True)
        ratio = median([ours / theirs for ours, theirs in pairs])
    return Row(
        what,
        shown["costd"],
        shown.get("ccusage", ""),
        shown.get("tokscale", ""),
        "" if ratio is None else f"{ratio:.3f}",
        "" if limit is None else f"≤ {limit:g}" + (f" ({more})" if more else ""),
        None if limit is None or ratio is None else ratio <= limit,
    )


def questions(bench: Bench, costd: Costd, repeats: int) -> list[Row]:
    """Whole commands with the daemon up, each beside a whole run of the peers."""
    ours: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    theirs: dict[str, list[float]] = {peer.name: [] for peer in bench.peers}
    with tempfile.TemporaryDirectory() as cache:
        # For a peer with a cache this is its second question, not its first.
        programs = [peer.without_cache(Path(cache)) for peer in bench.peers]
        for program in programs:
            timed(program)
        for number in range(bench.pairs):
            bench.say(f"questions, pair {number + 1} of {bench.pairs}")
            for program in programs:
                theirs[program.name].append(timed(program).wall)
            for name, (arguments, run) in QUESTIONS.items():
                program = costd.program.with_arguments(*arguments)
                ours[name].append(median([run(program).wall for _ in range(repeats)]))
    return [
        compared(name, {"costd": some, **theirs}, 0.05) for name, some in ours.items()
    ]


def appending(bench: Bench, daemon: Daemon, root: Path, rounds: int) -> list[Row]:
    """How long a new line takes to be seen, with 50 sessions at once."""
    rows: list[Row] = []
    before = daemon.status()["totals"]["all"]
    plans = {
        "all in the same moment": writing.bursts(SESSIONS, rounds),
        "each once a second": writing.streams(SESSIONS, rounds),
    }
    talk = writing.Talk(root, SESSIONS, SEED)
    for how, plan in plans.items():
        bench.say(f"appending to {SESSIONS} sessions, {how}")
        seen = writing.latencies(daemon, talk, plan)
        p50, p99 = percentile(seen, 50), percentile(seen, 99)
        rows.append(
            Row(
                f"{SESSIONS} sessions, {how}: write to `status`, p50 / p99",
                f"{duration(p50)} / {duration(p99)} (most {duration(max(seen))},"
                f" {len(seen)} writes)",
                goal="p99 ≤ 250 ms",
                met=p99 <= 0.25,
            )
        )
    after = daemon.wait_for(before["responses"] + talk.totals.responses)
    spent = after["totals"]["all"]["cost_usd"] - before["cost_usd"]
    _same("appended: nano-USD", round(spent * NANO), talk.totals.cost_nano_usd)
    return rows


def idle(bench: Bench, daemon: Daemon, seconds: float) -> list[Row]:
    """What a daemon takes that has nothing to do, after its daily work."""
    daemon.rest(seconds)
    bench.say(f"idle for {seconds:.0f} seconds")
    before, started = daemon.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    share = (daemon.cpu_seconds() - before) / (time.monotonic() - started)
    return [
        resident("idle daemon: memory (RSS)", daemon),
        Row(
            f"idle daemon, its daily check and snapshot done: CPU over {seconds:.0f} s",
            f"{share:.3%} of a core",
            goal="≤ 0.2 %",
            met=share <= 0.002,
        ),
    ]


def after_import(bench: Bench, daemon: Daemon, seconds: float) -> list[Row]:
    """The memory of a daemon that has read everything itself: at once, a beat later."""
    bench.say("idle after reading everything")
    at_once = daemon.memory()["rss"]
    time.sleep(min(BEAT_SECONDS, seconds))
    row = resident("daemon that has read the tree itself: memory a beat later", daemon)
    return [replace(row, costd=f"{row.costd}, at once {megabytes(at_once)}")]


def resident(what: str, daemon: Daemon) -> Row:
    """The memory of a daemon now."""
    memory = daemon.memory()
    return Row(
        what,
        f"{megabytes(memory['rss'])} ({megabytes(memory['own'])} its own)",
        goal="≤ 60 MB",
        met=memory["rss"] <= 60e6,
    )


def growth(
    bench: Bench,
    daemons: Mapping[str, tuple[Daemon, Path]],
    *,
    rounds: int,
    size: int,
    rest: float,
) -> Row:
    """CPU for new lines beside a long and a short history, in turns.

    From the write until the summary files show it: read, recorded, published. It begins
    when both daemons have come to rest, or did little for ``rest`` seconds.
    """
    for daemon, _ in daemons.values():
        daemon.rest(rest)
    cost: dict[str, list[float]] = {name: [] for name in daemons}
    talks = {
        name: writing.Talk(root, 10, SEED + 1) for name, (_, root) in daemons.items()
    }
    known = {name: counted(daemon.status()) for name, (daemon, _) in daemons.items()}
    for number in range(rounds):
        bench.say(f"new lines beside a history, round {number + 1} of {rounds}")
        for name, (daemon, _) in daemons.items():
            before = daemon.cpu_seconds()
            written = talks[name].converse(size)
            daemon.wait_until_published(known[name] + talks[name].totals.responses)
            time.sleep(SETTLE_SECONDS)
            spent = daemon.cpu_seconds() - before
            cost[name].append(spent * size / written)
    long, short = (median(some) for some in cost.values())
    names = " / ".join(daemons)
    return Row(
        f"CPU for {megabytes(size)} of new lines, history of {names}",
        f"{duration(long)} / {duration(short)}: {long / short:.2f}",
        goal="≤ 1.5",
        met=long / short <= 1.5,
    )
