"""How many events a daemon takes in a second, and how soon it answers about a million.

Starts a real daemon in a directory of its own, sends it events over its socket in batches
and one by one, and then asks it for figures by day, by week and by task, for events of a
day, and for what events say was used, each a few times.

    python tests/benchmarks/events.py [--events 1000000] [--batch 2000]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "daemon"))

from costd import client  # noqa: E402 (after the path of the checkout)

DAY = 86_400_000
BEGAN = 1_764_000_000_000
DAYS = 365
ONE_BY_ONE = 500
ROUNDS = 15
MODELS = ("claude-opus-5", "claude-sonnet-4-5", "gpt-5.2", "gemini-2.5-pro", "no-such")
AGENTS = ("claude", "codex", "gemini", "copilot")
Event = dict[str, object]
QUESTIONS = (
    ("figures by day", "/api/kpi?period=daily"),
    ("figures by week", "/api/kpi?period=weekly"),
    ("figures of one month", "/api/kpi?period=daily&since=2026-03-01&until=2026-03-31"),
    ("the last 50 tasks", "/api/kpi?period=task"),
    ("the last 100 events", "/api/events"),
    ("events of a day", "/api/events?since=2026-05-01&until=2026-05-01"),
    (
        "gates not passed in a week",
        "/api/events?type=gate_result&success=false&since=2026-05-01&until=2026-05-07",
    ),
    ("events of a month", "/api/events?since=2026-03-01&until=2026-03-31"),
    (
        "events of one agent in a month",
        "/api/events?agent=codex&since=2026-03-01&until=2026-03-31",
    ),
    ("events of one agent", "/api/events?agent=codex"),
    ("events of one task", "/api/events?task=MIN-777"),
    (
        "usage of a month by agent",
        "/api/events/report?by=agent&since=2026-03-01&until=2026-03-31",
    ),
    ("usage of all time by agent", "/api/events/report?by=agent"),
    ("usage of all time by day", "/api/events/report?by=day"),
    ("usage of all time by day and agent", "/api/events/report?by=day&by=agent"),
)


def events(count: int) -> Iterator[Event]:
    """Tasks of ten events each, one after the other, over a year."""
    chance = random.Random(7)
    number = 0
    while number < count:
        task = f"MIN-{number // 10}"
        at = BEGAN + number * DAYS * DAY // count
        for kind, fields in task_of(chance):
            at += chance.randrange(600_000)
            said: Event = {"type": kind, "task_id": task, "event_id": f"e{number:08d}"}
            yield {**said, "timestamp": at, **fields}
            number += 1


def task_of(chance: random.Random) -> list[tuple[str, Event]]:
    """What happens in one task."""
    return [
        ("task_start", {"model": chance.choice(MODELS)}),
        *(("execution", call(chance)) for _ in range(3)),
        *(("gate_result", gate(chance, name)) for name in ("lint", "types", "tests")),
        ("review_cycle", {"issues_p0": chance.randrange(2), "issues_p1": 1}),
        ("execution", call(chance)),
        ("task_end", {"status": chance.choice(("completed", "failed", "?"))}),
    ]


def call(chance: random.Random) -> Event:
    """One call of an agent."""
    return {
        "agent": chance.choice(AGENTS),
        "role": "implementation",
        "model": chance.choice(MODELS),
        "input_tokens": chance.randrange(50_000),
        "output_tokens": chance.randrange(9_000),
        "cache_read_tokens": chance.randrange(400_000),
        "duration_ms": chance.randrange(900_000),
        "success": chance.random() < 0.9,
    }


def gate(chance: random.Random, name: str) -> Event:
    """One gate."""
    return {"gate_name": name, "passed": chance.random() < 0.7}


def say(text: str) -> None:
    """One line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Daemon:
    """``costd run`` in a directory of its own."""

    def __init__(self, top: Path) -> None:
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "daemon"),
            "HOME": str(top),
            **{f"COSTD_{n}_DIR": str(top / n) for n in ("STATE", "RUNTIME", "OUTPUT")},
        }
        os.environ["COSTD_STATE_DIR"] = str(top / "STATE")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "costd", "run", "--no-live"],
            env=self.environment,
            stderr=subprocess.DEVNULL,
        )
        about = top / "STATE" / "daemon.json"
        while not about.exists():
            time.sleep(0.05)
        self.ledger = top / "STATE" / "ledger.db"

    def cpu(self) -> float:
        """Seconds that it has worked."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def batches(count: int, size: int) -> Iterator[list[Event]]:
    """Lists of so many events."""
    some: list[Event] = []
    for event in events(count):
        some.append(event)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def send(daemon: Daemon, count: int, size: int) -> None:
    """Send all of them, and say how fast that went."""
    waits, began, cpu = [], time.perf_counter(), daemon.cpu()
    sent, spent = 0, 0.0
    for some in batches(count, size):
        start = time.perf_counter()
        answer = client.ask("POST", client.PATHS["events"], some, 60)
        waits.append(time.perf_counter() - start)
        spent += waits[-1]
        sent += len(some)
        if answer["accepted"] != len(some):
            raise SystemExit(f"not all were taken: {answer}")
    rate = sent / spent
    whole = time.perf_counter() - began
    say(f"{sent:,} events in batches of {size}: {rate:,.0f} a second over the socket")
    say(f"  a batch: {shown(waits)}; with making them {sent / whole:,.0f} a second")
    say(f"  CPU of the daemon: {(daemon.cpu() - cpu) / sent * 1e6:.0f} us an event")
    say(f"  ledger: {daemon.ledger.stat().st_size / sent:,.0f} bytes an event")


def one_by_one(count: int) -> None:
    """Tell single events as a script does, from this process."""
    waits = []
    for number in range(count):
        start = time.perf_counter()
        said = client.event(
            "gate_result", task_id=f"T{number}", gate_name="g", passed=True
        )
        waits.append(time.perf_counter() - start)
        if said != "done":
            say(f"  {said}")
    say(f"client.event, one by one: {shown(waits)}")


def ask(daemon: Daemon) -> None:
    """Ask each question a few times; CPU says more than the clock on a busy machine."""
    for title, path in QUESTIONS:
        cpu = daemon.cpu()
        waits = timed(partial(client.ask, "GET", path, None, 60))
        each = (daemon.cpu() - cpu) / ROUNDS * 1000
        say(f"{title}: {shown(waits)}, CPU {each:.0f} ms")


def timed(work: Callable[[], Any]) -> list[float]:
    """How long it took, each time."""
    waits = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        waits.append(time.perf_counter() - start)
    return waits


def shown(waits: list[float]) -> str:
    """Median and worst, in milliseconds."""
    middle = statistics.median(waits) * 1000
    return f"median {middle:.1f} ms, most {max(waits) * 1000:.1f} ms"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=2_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="costd-") as top:
        daemon = Daemon(Path(top))
        try:
            send(daemon, chosen.events, chosen.batch)
            one_by_one(ONE_BY_ONE)
            ask(daemon)
        finally:
            daemon.stop()
    say(json.dumps({"events": chosen.events, "python": sys.version.split()[0]}))


if __name__ == "__main__":
    main()
