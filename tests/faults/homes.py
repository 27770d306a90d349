"""A home with an agent's logs and a real daemon in it, for faults of every kind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from costd.cli.client import connect
from costd.core.errors import BusyError, NoDaemonError
from e2e.daemons import PATIENCE_SECONDS, Wait, environment, has_read, until
from loglines import Line, session
from recount import recount

NIGHTLY = os.environ.get("COSTD_NIGHTLY") == "1"
"""Whether sizes are those of the fault table, not those for every day."""
LACKS = os.environ.get("COSTD_LACKS", "").split()
"""What a CI tried to install, in vain."""
CONFIG = "[engine]\ntick_seconds = 1\nsweep_seconds = 1\n"


class Total(NamedTuple):
    """What counts: responses, all their tokens, USD to the nano-dollar."""

    responses: int
    tokens: int
    cost: str


class Home:
    """Places below ``top`` and the daemon that reads there.

    Args:
        top: an empty directory.
        config: the configuration; by default costd looks every second.
    """

    def __init__(self, top: Path, config: str = CONFIG) -> None:
        top.mkdir(exist_ok=True)
        self.top = top
        self.root = top / "claude" / "projects"
        self.words = top / "stderr.log"
        """Everything the daemon ever said."""
        self.config = top / "config.toml"
        self.config.write_text(config)
        self.config.chmod(0o600)
        self.env = {**environment(top), "COSTD_CONFIG": str(self.config)}
        self.process: subprocess.Popen[bytes] | None = None
        self._about = top / "state" / "daemon.json"

    # What agents do.

    def log(self, number: int = 1, project: str = "-w-app") -> Path:
        """Where a session's log is; the directory is made."""
        path = self.root / project / f"{session(number)}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def append(self, data: bytes, log: int = 1) -> Path:
        """Bytes at the end of a log."""
        with self.log(log).open("ab") as file:
            file.write(data)
        return self.log(log)

    def respond(self, *numbers: int, log: int = 1) -> Path:
        """One finished response for each number."""
        told = [Line(n, session_id=session(log)).text() for n in numbers]
        return self.append(b"".join(told), log)

    # The daemon.

    def start(
        self,
        *prefix: str,
        hook: str = "",
        cwd: Path | None = None,
        wait: Wait = "read",
    ) -> None:
        """Start it and wait until it has read the logs that are there.

        Args:
            prefix: a command that runs it, such as ``prlimit --nofile=32``.
            hook: Python that runs in it before anything else.
            cwd: where it is started.
            wait: ``up`` is for tests of what comes before it has read them.
        """
        self._about.unlink(missing_ok=True)
        program = [sys.executable, "-m", "costd", "run", "--no-live"]
        if hook:
            begin = "import sys; sys.argv[1:] = ['run', '--no-live']\n"
            end = "\nfrom costd.cli.entry import main\nmain()\n"
            program = [sys.executable, "-c", begin + hook + end]
        with self.words.open("ab") as words:
            self.process = subprocess.Popen(
                [*prefix, *program],
                env=self.env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
            )
        if wait != "no":
            until(self._is_up, "the daemon")
        if wait == "read":
            until(lambda: self._is_up() and has_read(self._about), "what logs hold")

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.words.read_text("utf-8", "replace")
        return self._about.exists()

    @property
    def pid(self) -> int:
        """The daemon's own, also where a prefix stands before it."""
        return int(json.loads(self._about.read_bytes())["pid"])

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """As a power cut does it."""
        if self.process is not None:
            if self._about.exists() and self.process.poll() is None:
                with suppress(ProcessLookupError, ValueError):
                    os.kill(self.pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """As a supervisor does it; the exit status."""
        assert self.process is not None
        self.signal(signal.SIGTERM)
        status = self.process.wait(timeout=PATIENCE_SECONDS)
        self.process = None
        return status

    # Questions.

    def _socket(self) -> str:
        """Where it listens: it may have found another place for it."""
        with suppress(OSError):
            return str(json.loads(self._about.read_bytes())["socket"])
        return str(self.top / "run" / "costd.sock")

    def ask(self, target: str, method: str = "GET", body: bytes = b"") -> Any:
        """What the daemon answers on its socket."""
        connection = connect(self._socket())
        if connection is None:
            raise NoDaemonError("nobody listens")
        try:
            return json.loads(connection.ask(method, target, body))
        finally:
            connection.close()

    def status(self) -> Any:
        """``/api/status``, as soon as it is given."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.ask("/api/status")
            except (NoDaemonError, BusyError):
                assert time.monotonic() < end, self.words.read_text("utf-8", "replace")
                time.sleep(0.05)

    def source(self) -> Any:
        """What the status says of the logs."""
        return self.status()["sources"][0]

    def problems(self) -> set[str]:
        """The codes of the problems that it tells of."""
        return {problem["code"] for problem in self.status()["health"]}

    @property
    def responses(self) -> int:
        """How many it has counted."""
        return int(self.status()["totals"]["all"]["responses"])

    def total(self) -> Total:
        """What it has counted."""
        found = self.status()["totals"]["all"]
        return Total(
            found["responses"],
            found["tokens"],
            f"{Decimal(str(found['cost_usd'])):.9f}",
        )

    def sync(self) -> Any:
        """Have it catch up now, and wait until it has."""
        return self.ask("/api/sync", "POST")

    def until_counted(self, responses: int) -> None:
        """Wait until it has seen so many by itself."""
        until(lambda: self.responses == responses, f"{responses} responses")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of costd in this home."""
        return subprocess.run(
            [sys.executable, "-m", "costd", *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    # What must be so.

    def on_disk(self) -> Total:
        """An independent recount of the logs that are there now."""
        found = recount(self.root)
        tokens = sum(
            r.input_tokens
            + r.output_tokens
            + r.cache_read_tokens
            + r.cache_creation_5m_tokens
            + r.cache_creation_1h_tokens
            for r in found.responses
        )
        return Total(len(found.responses), tokens, f"{found.total.cost:.9f}")

    def assert_exact(self) -> None:
        """After it has caught up it holds what is on disk, to the nano-dollar."""
        self.sync()
        assert self.total() == self.on_disk()

    # Measures.

    def rss(self, name: str = "VmRSS") -> int:
        """Bytes in memory; ``VmHWM`` is the most there ever were."""
        for line in Path(f"/proc/{self.pid}/status").read_text("ascii").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(name)

    def descriptors(self) -> int:
        """How many it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def cpu_seconds(self) -> float:
        """Processor time so far."""
        return time.clock_gettime((~self.pid << 3) | 2)


def need(command: Sequence[str], what: str) -> None:
    """Skip where something is not to be had; in a CI that is root, fail."""
    try:
        probe = subprocess.run(command, capture_output=True, check=False, timeout=60)
        works = probe.returncode == 0
    except OSError:
        works = False
    if works:
        return
    if os.environ.get("CI") == "true" and os.getuid() == 0 and what not in LACKS:
        pytest.fail(f"{what} is needed here")
    pytest.skip(f"no {what} here")


def without_privileges() -> list[str]:
    """A prefix under which even root is stopped by the mode of a file."""
    if os.getuid() != 0:
        return []
    dropped = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    need([*dropped, "true"], "setpriv")
    return dropped


def limited(name: str, value: int) -> list[str]:
    """A prefix with another limit of the user's, in a user namespace of its own."""
    shell = f'echo {value} > /proc/sys/user/{name} && exec "$@"'
    prefix = ["unshare", "-Ur", "sh", "-c", shell, "sh"]
    need([*prefix, "true"], "user namespaces")
    return prefix


def pass_time(seconds: float) -> None:
    """Let time pass where that is what the fault is made of, never to wait for a thing."""
    time.sleep(seconds)
