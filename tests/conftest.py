"""What every test may ask for, and the walls around it.

No test sees the home of the person who runs it: not their logs, not their
configuration, not a costd that runs there.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import places

ROOT = Path(__file__).parents[1]

# Variables that would change what costd does or how it prints.
FOREIGN = re.compile(
    r"(COSTD|CLAUDE|CODEX|XDG|WATCHDOG|CLICOLOR)_?"
    r"|(NOTIFY_SOCKET|JOURNAL_STREAM|NO_COLOR|FORCE_COLOR|COLUMNS|LINES)$"
    r"|(MAKEFLAGS|MFLAGS|MAKELEVEL)$",
)

# No deadlines: a busy machine is slow, not wrong.
settings.register_profile(
    "dev",
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "ci",
    settings.get_profile("dev"),
    max_examples=200,
    derandomize=True,
    database=None,
    print_blob=True,
)
settings.register_profile(
    "nightly",
    settings.get_profile("dev"),
    max_examples=5000,
    derandomize=False,
)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The very last lines name what failed: what stands above may be long."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    stats = reporter.stats
    wrong = [
        report.nodeid for kind in ("failed", "error") for report in stats.get(kind, ())
    ]
    if wrong:
        reporter.ensure_newline()
        reporter.write_line(f"== {len(wrong)} failed or could not begin:")
        for nodeid in sorted(wrong):
            reporter.write_line(f"   {nodeid}")


@pytest.fixture(scope="session", autouse=True)
def private_home() -> Iterator[Path]:
    """An empty home, an empty runtime directory, UTC, no colours: for everyone."""
    with places.short_dir() as top, pytest.MonkeyPatch.context() as patch:
        for name in filter(FOREIGN.match, list(os.environ)):
            patch.delenv(name)
        for name, folder in (("HOME", "home"), ("XDG_RUNTIME_DIR", "run")):
            (top / folder).mkdir(mode=0o700)
            patch.setenv(name, str(top / folder))
        patch.setenv("TZ", "UTC")
        time.tzset()
        hear_signals()
        yield top / "home"


def hear_signals() -> None:
    """Take no heed of how this was started, which each child would inherit.

    A shell's background job ignores Ctrl-C, a command under nohup the end of its
    terminal; no program can hear what it was told to ignore, but by its own wish.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in ("HUP", "QUIT", "TERM", "USR1", "USR2", "CHLD", "TSTP", "CONT"):
        kind = signal.Signals[f"SIG{number}"]
        if signal.getsignal(kind) == signal.SIG_IGN:
            signal.signal(kind, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def same_place() -> Iterator[None]:
    """Each test begins where the others did: commands of costd change both of these."""
    yield
    os.chdir(ROOT)
    os.umask(0o022)


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` beside the checkout: larger samples and expectations."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip("no folder 'shared' beside the checkout")
    return path


@pytest.fixture
def memory_dir() -> Iterator[Path]:
    """A fresh directory in memory, for a ledger."""
    with places.memory_dir() as path:
        yield path


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A fresh directory with a short path, for a Unix socket."""
    with places.short_dir() as path:
        yield path
