"""A first import of gigabytes: does the daemon answer meanwhile, and what does it need?

    python tests/benchmarks/importing.py --megabytes 5000

Starts a daemon on a tree whose totals are known, asks it for its status every few
milliseconds until it has read everything, and prints how long answers took and how
much memory there was, the reading process included.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "daemon")]

from benchmarks.tree import Totals, generate  # noqa: E402 - the path is set above
from costd.cli.client import connect  # noqa: E402 - the path is set above
from faults.homes import Home  # noqa: E402 - the path is set above

MEGABYTE = 1_000_000
PAUSE_SECONDS = 0.02
GOAL_SECONDS = 0.1
GOAL_BYTES = 300 * MEGABYTE


@dataclass
class Outcome:
    """What was seen; times in seconds, memory in bytes."""

    answers: list[float] = field(default_factory=list)
    seconds: float = 0.0
    daemon: int = 0
    reader: int = 0
    both: int = 0
    responses: int = 0
    cost: float = 0.0


def measure(home: Home, totals: Totals) -> Outcome:
    """Start, ask all the time, end when everything is in."""
    found = Outcome()
    began = time.monotonic()
    home.start(wait="up")
    connection = connect(str(home.top / "run" / "costd.sock"))
    assert connection is not None
    try:
        while True:
            asked = time.monotonic()
            status = json.loads(connection.ask("GET", "/api/status"))
            found.answers.append(time.monotonic() - asked)
            own, other = home.rss(), _reader(home.pid)
            found.daemon = max(found.daemon, own)
            found.reader = max(found.reader, other)
            found.both = max(found.both, own + other)
            done = status["totals"]["all"]
            behind = status["sources"][0]["bytes_behind"]
            if done["responses"] >= totals.responses and not behind:
                break
            time.sleep(PAUSE_SECONDS)
    finally:
        connection.close()
    found.seconds = time.monotonic() - began
    found.responses, found.cost = done["responses"], done["cost_usd"]
    return found


def _reader(daemon: int) -> int:
    """The memory of the process that reads for it; 0 while there is none."""
    most = 0
    for place in Path("/proc").glob("[0-9]*/status"):
        try:
            text = place.read_text("ascii", "replace")
        except OSError:  # it has ended
            continue
        if f"\nPPid:\t{daemon}\n" in text and "\nVmRSS:" in text:
            most += int(text.split("\nVmRSS:")[1].split()[0]) * 1024
    return most


def report(found: Outcome, totals: Totals) -> str:
    """The figures, as a table."""
    answers = sorted(found.answers)
    late = sum(answer > GOAL_SECONDS for answer in answers)
    exact = (
        found.responses == totals.responses
        and round(found.cost * 1e9) == totals.cost_nano_usd
    )
    rows = [
        ("logs", f"{totals.bytes / MEGABYTE:,.0f} MB in {totals.files:,} files"),
        ("read and recorded in", f"{found.seconds:.1f} s"),
        ("`/api/status` meanwhile, asked", f"{len(answers):,} times"),
        ("answered within, p50", f"{1e3 * answers[len(answers) // 2]:.0f} ms"),
        ("p99", f"{1e3 * answers[len(answers) * 99 // 100]:.0f} ms"),
        ("most", f"{1e3 * answers[-1]:.0f} ms"),
        ("later than 100 ms", f"{late} ({100 * late / len(answers):.1f} %)"),
        ("memory of the daemon, most", f"{found.daemon / MEGABYTE:.0f} MB"),
        ("of the reading process, most", f"{found.reader / MEGABYTE:.0f} MB"),
        ("of both at one moment, most", f"{found.both / MEGABYTE:.0f} MB"),
        ("exact", "yes" if exact else "NO"),
    ]
    lines = ["| measured | |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)]
    return "\n".join(lines)


def main() -> None:
    """Make the tree, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--tree", type=Path, help="keep the tree here, and use it again"
    )
    args = parser.parse_args()
    top = Path(tempfile.mkdtemp(prefix="costd-import-"))
    home = Home(top / "home", "")
    tree = args.tree or top / "tree"
    try:
        known = tree.with_name(tree.name + ".json")
        if known.exists():
            totals = Totals(**json.loads(known.read_text()))
        else:
            totals = generate(tree / "projects", args.megabytes * MEGABYTE, args.seed)
            known.write_text(json.dumps(asdict(totals)))
        home.env["CLAUDE_CONFIG_DIR"] = str(tree)
        print(report(measure(home, totals), totals))  # noqa: T201 - a command's output
    finally:
        home.kill()
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    main()
