"""How long it takes to give a million responses other owners, and to read one issue.

Fills a ledger with rows as a busy year leaves them, and prints how long a claim over
its busiest month takes, how long a question waits meanwhile, how long a new rule takes
(everything is judged anew), and how long one issue takes to read.

    python tests/benchmarks/reattribute.py [--responses 1000000]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
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


def finish(steps: Iterator[None]) -> tuple[float, float]:
    """Seconds for all steps, and for the longest one: so long a question waits."""
    began = last = time.perf_counter()
    longest = 0.0
    for _ in steps:
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return time.perf_counter() - began, longest


def say(what: str, work: Callable[[], tuple[float, float]]) -> None:
    """Print how long something took."""
    seconds, longest = work()
    print(f"{what:44} {seconds:7.3f} s   a question waits {longest * 1000:6.1f} ms")  # noqa: T201 (a benchmark prints)


def claiming(ledger: Ledger, new: NewClaim) -> tuple[float, float]:
    """Make a claim and work out the owners of all that it speaks of."""
    began = time.perf_counter()
    moves = Moves()
    change = ledger.claim([new], moves)
    begun = time.perf_counter() - began
    seconds, longest = finish(ledger.lay(change.sessions, moves))
    moved = sum(move.responses for move in moves.found())
    print(f"  {moved:,} responses of {len(change.sessions):,} sessions")  # noqa: T201 (a benchmark prints)
    return begun + seconds, max(begun, longest)


def reading(ledger: Ledger, name: str) -> tuple[float, float]:
    """Read one issue: the median, and the longest."""
    zone = ZoneInfo("Europe/Oslo")
    view: Any = SimpleNamespace(
        ledger=ledger,
        connection=ledger.database.connection,
        zone=zone,
        live=Live(300_000),
        memory=Memory(),
        now=BEGAN + 400 * DAY,
    )
    taken = []
    for _ in range(ROUNDS):
        view.memory.forget()
        began = time.perf_counter()
        issue(view, {"id": name})
        taken.append(time.perf_counter() - began)
    return sorted(taken)[ROUNDS // 2], max(taken)


def main() -> None:
    """Fill, claim, judge anew, read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--responses", type=int, default=1_000_000)
    count = parser.parse_args().responses
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
