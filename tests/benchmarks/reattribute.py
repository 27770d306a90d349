"""How long it takes to give a million responses other owners, and to read one issue.

Fills a ledger with rows as a busy year leaves them, and prints how long a claim over
its busiest month takes, how long a question waits meanwhile, how long a new rule takes
(everything is judged anew), and how long one issue takes to read.

    python tests/benchmarks/reattribute.py [--responses 1000000]
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "daemon"))

from costd.core.attribution import Keys  # noqa: E402 (after the path of the checkout)
from costd.engine.answers.issues import issue  # noqa: E402 (after the path of the checkout)
from costd.engine.live import Live  # noqa: E402 (after the path of the checkout)
from costd.engine.memory import Memory  # noqa: E402 (after the path of the checkout)
from costd.ledger import Ledger  # noqa: E402 (after the path of the checkout)
from costd.ledger.claims import NewClaim  # noqa: E402 (after the path of the checkout)
from costd.ledger.moves import Moves  # noqa: E402 (after the path of the checkout)
from costd.ledger.rows import ADD  # noqa: E402 (after the path of the checkout)
from costd.prices import load_rate_card  # noqa: E402 (after the path of the checkout)

DAY = 86_400_000
BEGAN = 1_764_000_000_000
PER_CONTEXT = 120
ISSUES = 2_000
ROUNDS = 20


def rows(count: int) -> Iterator[tuple[Any, ...]]:
    """Responses: each session's in a few hours, spread over a year."""
    chance = random.Random(7)
    for number in range(count):
        context = number // PER_CONTEXT + 1
        begin = BEGAN + (context * 7919 % 365) * DAY
        at = begin + chance.randrange(6 * 3_600_000)
        cost = chance.randrange(10**7, 10**9)
        yield (
            number + 1, number, f"msg_{number}", f"req_{number}", "", "", 1, number,
            context, 1, at, 4, 10, 500, 20_000, 0, 1_000, 0, 0, cost, 1,
        )  # fmt: skip


def fill(ledger: Ledger, count: int) -> None:
    """Write the rows, their contexts and their rollup."""
    contexts = count // PER_CONTEXT + 1
    with ledger.database.transaction() as connection:
        connection.execute(
            "INSERT INTO log_file VALUES (1, x'2f', 'claude', x'2f', 1, 1, 1, 1, 1, 1, "
            "1, x'', 1, x'', x'', 1, 0, 0, 0, 0, 0, '', NULL)"
        )
        connection.execute("INSERT INTO service VALUES (1, 'claude-opus-5', '', '')")
        connection.execute("INSERT INTO price VALUES (1, 'p', 'v')")
        connection.executemany(
            "INSERT INTO session VALUES (?, 'claude', ?, NULL)",
            (
                (n, f"{n:08d}-0000-4000-8000-000000000000")
                for n in range(1, contexts + 1)
            ),
        )
        connection.executemany(
            "INSERT INTO context (id, session, agent_id, cwd, branch, first_at, last_at) "
            "VALUES (?, ?, '', ?, ?, 0, 0)",
            (
                (n, n // 2 + 1, f"/src/app{n % 40}", f"feature/MIN-{n % ISSUES + 1}")
                for n in range(1, contexts + 1)
            ),
        )
        connection.executemany(ADD, rows(count))
        connection.execute(
            "UPDATE context SET (first_at, last_at) = (SELECT coalesce(min(at), 0), "
            "coalesce(max(at), 0) FROM response WHERE context_id = context.id)"
        )
    ledger.reattribute()
    with ledger.database.transaction() as connection:
        from costd.ledger.cells import rebuild  # noqa: PLC0415 (only filling needs it)

        for number in range(1, contexts + 1):
            rebuild(connection, number)


def claim(number: int, **fields: Any) -> NewClaim:
    """A claim about every branch, or about what ``fields`` say."""
    said: dict[str, Any] = {
        "key": str(number), "subject": "", "selector": "branch", "value": "feature/*",
        "within": "", "issue": "PAN-1", "role": "", "from_at": None, "until_at": None,
        "made_at": number, "rule": "claim", "confidence": 100, "source": "benchmark",
    }  # fmt: skip
    return NewClaim(**{**said, **fields})


class Taken(NamedTuple):
    """Seconds by the clock and of CPU: in all, and for what a question waits at most."""

    wall: float
    cpu: float
    longest_wall: float
    longest_cpu: float


def moment() -> tuple[float, float]:
    """Now: by the clock, and the CPU time of this process."""
    return time.perf_counter(), time.process_time()


def finish(steps: Iterator[None], began: tuple[float, float] | None = None) -> Taken:
    """Take all steps; the first one may have begun before."""
    start = last = began or moment()
    wall = cpu = 0.0
    for _ in steps:
        now = moment()
        wall, cpu = max(wall, now[0] - last[0]), max(cpu, now[1] - last[1])
        last = now
    end = moment()
    return Taken(end[0] - start[0], end[1] - start[1], wall, cpu)


def say(what: str, work: Callable[[], Taken]) -> None:
    """Print how long something took."""
    took = work()
    print(  # noqa: T201 (a benchmark prints)
        f"{what:40} {took.wall:6.3f} s, CPU {took.cpu:6.3f} s   a question waits "
        f"{took.longest_wall * 1000:6.1f} ms, CPU {took.longest_cpu * 1000:5.1f} ms"
    )


def claiming(ledger: Ledger, new: NewClaim) -> Taken:
    """Make a claim and work out the owners of all that it speaks of."""
    began = moment()
    moves = Moves()
    change = ledger.claim([new], moves)
    took = finish(ledger.lay(change.sessions, moves), began)
    moved = sum(move.responses for move in moves.found())
    print(f"  {moved:,} responses of {len(change.sessions):,} sessions")  # noqa: T201 (a benchmark prints)
    return took


def reading(ledger: Ledger, name: str) -> Taken:
    """Read one issue, each time as if for the first time: the median, and the most."""
    zone = ZoneInfo("Europe/Oslo")
    view: Any = SimpleNamespace(
        ledger=ledger,
        connection=ledger.database.connection,
        zone=zone,
        live=Live(300_000),
        memory=Memory(),
        now=BEGAN + 400 * DAY,
    )
    walls, cpus = [], []
    for _ in range(ROUNDS):
        view.memory.forget()
        began = moment()
        issue(view, {"id": name})
        ended = moment()
        walls.append(ended[0] - began[0])
        cpus.append(ended[1] - began[1])
    middle = ROUNDS // 2
    return Taken(sorted(walls)[middle], sorted(cpus)[middle], max(walls), max(cpus))


def main() -> None:
    """Fill, claim, judge anew, read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--responses", type=int, default=1_000_000)
    count = parser.parse_args().responses
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # as the daemon has it
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.db", load_rate_card(), Keys())
        fill(ledger, count)
        month = {"from_at": BEGAN + 100 * DAY, "until_at": BEGAN + 130 * DAY}
        inside = {"from_at": BEGAN + 100 * DAY + 10_000_000}
        say("one claim over a busy month", lambda: claiming(ledger, claim(1, **month)))
        say("one claim that cuts a day", lambda: claiming(ledger, claim(2, **inside)))
        say("one claim over everything", lambda: claiming(ledger, claim(3)))
        everything = ledger.owners.everything()
        say("a new rule: everything is judged anew",
            lambda: finish(ledger.lay(everything, Moves(), anew=True)))  # fmt: skip
        say("reading the issue that owns everything", lambda: reading(ledger, "PAN-1"))
        for number in (1, 2, 3):
            ledger.unclaim([number], BEGAN, "benchmark", Moves())
        finish(ledger.lay(everything, Moves()))
        claiming(ledger, claim(4, value="feature/MIN-*7", issue="PAN-2"))
        say("reading an issue that owns a tenth", lambda: reading(ledger, "PAN-2"))
        say("reading one issue", lambda: reading(ledger, "MIN-908"))
        ledger.close()


if __name__ == "__main__":
    main()
