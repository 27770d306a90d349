"""Let a daemon live through a bad day, and say how it was afterwards.

    python tests/benchmarks/soak.py --seconds 600

Sessions grow, logs are rotated, rewritten, renamed and deleted, the daemon is killed
and started again, its clock jumps. At the end it must hold exactly what was written,
and have grown by nothing. Nothing is touched outside a temporary directory.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "daemon")]

from faults.clocks import HOOK, Clock  # noqa: E402 - the path is set above
from faults.homes import CONFIG, Home, Total  # noqa: E402 - the path is set above
from loglines import Line, session  # noqa: E402 - the path is set above

MEGABYTE = 1_000_000
NOTHING = Total(0, 0, "")
WARM_SHARE = 0.6
"""Of the quiet part, how much is left out before memory and descriptors are compared."""


@dataclass
class Sample:
    """The daemon at one moment."""

    at: float
    rss: int
    descriptors: int
    cpu: float


@dataclass
class Outcome:
    """How it went; what is not exact is wrong."""

    seconds: float = 0.0
    sessions: int = 0
    lines: int = 0
    rewrites: int = 0
    renames: int = 0
    deletions: int = 0
    kills: int = 0
    stops: int = 0
    jumps: int = 0
    starts: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    expected: Total = NOTHING
    counted: Total = NOTHING
    is_verified: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether the ledger holds what was written, each once."""
        return self.expected == self.counted and self.is_verified

    @property
    def settled(self) -> list[Sample]:
        """The samples of the last daemon once it had warmed up."""
        return self.samples[int(len(self.samples) * WARM_SHARE) :]

    def slope(self) -> float:
        """Bytes that its memory grew in an hour, by least squares."""
        found = self.settled
        if len(found) < 2 or found[0].at == found[-1].at:
            return 0.0
        return (
            3_600
            * statistics.linear_regression(
                [s.at for s in found], [float(s.rss) for s in found]
            ).slope
        )

    def cpu_share(self) -> float:
        """Of one core, while everything went on."""
        found = self.samples
        if len(found) < 2:
            return 0.0
        return (found[-1].cpu - found[0].cpu) / (found[-1].at - found[0].at)


class Soak:
    """One day, made short.

    Args:
        top: an empty directory.
        seconds: how long; the first two fifths with kills, then one daemon to the end.
        sessions: how many grow at once.
        seed: which day.
        tell: takes a line now and then.
    """

    def __init__(
        self,
        top: Path,
        seconds: float,
        sessions: int,
        seed: int = 1,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.home = Home(top / "home", CONFIG)
        self.ever = Home(top / "ever")
        self.clock = Clock(self.home)
        self.seconds = seconds
        self.outcome = Outcome(sessions=sessions)
        self._rng = random.Random(seed)
        self._tell = tell
        self._places = {n: f"-p{n % 20}" for n in range(1, sessions + 1)}
        self._next_session = sessions + 1
        self._number = 0
        self._half: dict[int, bytes] = {}

    def run(self) -> Outcome:
        """Live it, and compare."""
        began = time.monotonic()
        for number in list(self._places):
            self._grow(number)
        self._start()
        quiet = began + self.seconds * 0.4
        trouble = self._trouble_at(began)
        while (now := time.monotonic()) < began + self.seconds:
            self._write_some()
            if now >= trouble:
                self._meddle(with_kills=now < quiet)
                trouble = self._trouble_at(now)
            self._probe()
        self._finish()
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _trouble_at(self, now: float) -> float:
        return now + self._rng.uniform(0.3, 1.7) * max(self.seconds / 150, 0.5)

    # What agents do.

    def _log(self, number: int) -> Path:
        return self.home.log(number, self._places[number])

    def _append(self, number: int, data: bytes) -> None:
        with self._log(number).open("ab") as file:
            file.write(data)

    def _write_some(self) -> None:
        for number in self._rng.sample(
            list(self._places), k=min(20, len(self._places))
        ):
            self._grow(number)

    def _grow(self, number: int) -> None:
        """A response of one to three blocks, whole or its last line in two writes."""
        self._complete(number)
        rng = self._rng
        self._number += 1
        line = Line(
            self._number,
            out=rng.randrange(1, 3_000),
            read=rng.randrange(200_000),
            hour=rng.randrange(5_000),
            session_id=session(number),
            branch=f"feature/min-{number}",
            cwd=f"/home/dev/p{number % 20}",
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        blocks = rng.randrange(1, 4)
        text = b"".join(
            line.having(block=block, stop=None, out=1).text()
            for block in range(blocks - 1)
        )
        text += line.having(block=blocks - 1).text()
        self.outcome.lines += blocks
        with self.ever.log(number).open("ab") as file:
            file.write(text)
        cut = len(text) - (rng.randrange(1, 200) if rng.random() < 0.2 else 0)
        self._append(number, text[:cut])
        self._half[number] = text[cut:]

    def _complete(self, number: int) -> None:
        if rest := self._half.pop(number, b""):
            self._append(number, rest)

    # What else happens.

    def _meddle(self, *, with_kills: bool) -> None:
        choices = [self._rewrite, self._rename, self._delete, self._jump]
        if with_kills:
            choices += [self._kill, self._kill, self._stop]
        self._rng.choice(choices)()

    def _settle(self, number: int) -> None:
        """What has not been read cannot be known once it is gone."""
        self._complete(number)
        self.home.sync()

    def _rewrite(self) -> None:
        """Truncated, a line taken out, or replaced: by turns."""
        number = self._rng.choice(list(self._places))
        self._settle(number)
        log = self._log(number)
        text = log.read_bytes().splitlines(keepends=True)
        how = self._rng.randrange(3)
        if how == 0:
            kept = text[: self._rng.randrange(len(text))]
        elif how == 1:
            gone = self._rng.randrange(len(text))
            kept = text[:gone] + text[gone + 1 :]
        else:
            kept = text[len(text) // 2 :]
        if how == 1:
            with log.open("r+b") as file:
                file.truncate(0)
                file.write(b"".join(kept))
        else:
            log.with_suffix(".tmp").write_bytes(b"".join(kept))
            log.with_suffix(".tmp").replace(log)
        self.outcome.rewrites += 1

    def _rename(self) -> None:
        old = self._rng.choice(list(self._places.values()))
        new = f"{old.split('.')[0]}.{self.outcome.renames}"
        (self.home.root / old).rename(self.home.root / new)
        self._places = {n: new if p == old else p for n, p in self._places.items()}
        self.outcome.renames += 1

    def _delete(self) -> None:
        """A session ends and its log is cleaned up; another one begins."""
        number = self._rng.choice(list(self._places))
        self._settle(number)
        self._log(number).unlink()
        self._places[self._next_session] = self._places.pop(number)
        self._grow(self._next_session)
        self._next_session += 1
        self.outcome.deletions += 1

    def _jump(self) -> None:
        self.clock.set(self._rng.choice([0, 0, 3_600, -3_600, 30, -30]))
        self.outcome.jumps += 1

    def _kill(self) -> None:
        self.home.kill()
        self.outcome.kills += 1
        self._start()

    def _stop(self) -> None:
        self.home.stop()
        self.outcome.stops += 1
        self._start()

    def _start(self) -> None:
        began = time.monotonic()
        self.home.start(hook=HOOK, wait="up")
        self.home.status()
        self.outcome.starts.append(time.monotonic() - began)
        self.outcome.samples.clear()

    # How it is.

    def _probe(self) -> None:
        """How long a new response takes to be seen, and what the daemon needs now."""
        self.home.sync()
        before = self.home.responses
        number = self._rng.choice(list(self._places))
        self._grow(number)
        self._complete(number)
        began = time.monotonic()
        while self.home.responses == before and time.monotonic() - began < 60:
            time.sleep(0.005)
        self.outcome.lags.append(time.monotonic() - began)
        self._sample()
        if len(self.outcome.lags) % 60 == 0:
            self._tell(
                f"{self.outcome.lines} lines, {self.outcome.kills} kills, "
                f"{self.outcome.samples[-1].rss / MEGABYTE:.1f} MB"
            )
        time.sleep(0.2)

    def _sample(self) -> None:
        self.outcome.samples.append(
            Sample(
                time.monotonic(),
                self.home.rss(),
                self.home.descriptors(),
                self.home.cpu_seconds(),
            )
        )

    def _finish(self) -> None:
        for number in list(self._half):
            if number in self._places:
                self._complete(number)
        self.clock.set(0)
        self.home.sync()
        self.outcome.counted = self.home.total()
        self._sample()  # at least this one, however slow the machine
        self.outcome.expected = self.ever.on_disk()
        self.outcome.is_verified = bool(self.home.ask("/api/verify", "POST")["ok"])
        self.home.stop()


def report(found: Outcome) -> str:
    """The figures, as a table."""
    lags = sorted(found.lags) or [0.0]
    settled = found.settled or [Sample(0, 0, 0, 0)]
    rows = [
        ("time", f"{found.seconds:.0f} s"),
        ("sessions at once", f"{found.sessions}"),
        ("lines written", f"{found.lines:,}"),
        ("logs rewritten, renamed folders, deleted", f"{found.rewrites}, {found.renames}, {found.deletions}"),
        ("kills -9, stops, clock jumps", f"{found.kills}, {found.stops}, {found.jumps}"),
        ("from start to answer, median / most", f"{statistics.median(found.starts):.2f} s / {max(found.starts):.2f} s"),
        ("line written to line seen, p50 / p99 / most", f"{1e3 * lags[len(lags) // 2]:.0f} / {1e3 * lags[len(lags) * 99 // 100]:.0f} / {1e3 * lags[-1]:.0f} ms"),
        ("memory of the last daemon, first / last after warm-up", f"{settled[0].rss / MEGABYTE:.1f} / {settled[-1].rss / MEGABYTE:.1f} MB"),
        ("its slope", f"{found.slope() / MEGABYTE:+.2f} MB an hour"),
        ("its file descriptors, least / most", f"{min(s.descriptors for s in settled)} / {max(s.descriptors for s in settled)}"),
        ("its processor time, of one core", f"{100 * found.cpu_share():.1f} %"),
        ("responses, tokens, cost: written", f"{found.expected.responses:,}, {found.expected.tokens:,}, ${found.expected.cost}"),
        ("responses, tokens, cost: in the ledger", f"{found.counted.responses:,}, {found.counted.tokens:,}, ${found.counted.cost}"),
        ("exact, and `costd verify` agrees", "yes" if found.is_exact else "NO"),
    ]  # fmt: skip
    lines = ["| measured | |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)]
    return "\n".join(lines)


def main() -> None:
    """Live it and print how it was; 1 if anything was lost or counted twice."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    args = parser.parse_args()
    top = Path(tempfile.mkdtemp(prefix="costd-soak-"))
    soak = Soak(
        top,
        args.seconds,
        args.sessions,
        args.seed,
        lambda line: print(line, file=sys.stderr, flush=True),  # noqa: T201 - a command's output
    )
    try:
        found = soak.run()
    finally:
        soak.home.kill()
        shutil.rmtree(top, ignore_errors=True)
    if args.json:
        figures = {k: v for k, v in vars(found).items() if k != "samples"}
        print(json.dumps({**figures, "exact": found.is_exact, "slope": found.slope()}))  # noqa: T201 - the same output
    else:
        print(report(found))  # noqa: T201 - the same output
        print("The clock was that of the daemon alone, set by the test.")  # noqa: T201 - the same output
    sys.exit(0 if found.is_exact else 1)


if __name__ == "__main__":
    main()
