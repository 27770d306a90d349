"""What every test may ask for, and the walls around it.

No test sees the home of the person who runs it: not their logs, not their
configuration, not a costd that runs there.
"""

from __future__ import annotations

import os
import re
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
        yield top / "home"


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
