"""A daemon with prepared answers, and the command line beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import places
from cli.canned import Daemon, report, serve, status
from costd.cli.entry import run
from patient import patient
from publish.wire import PATIENCE

Env = dict[str, str]
Shown = Callable[..., "Result"]


@dataclass
class Result:
    """What a command wrote, and how it ended."""

    code: int
    out: str
    err: str
    raw: bytes = b""


@pytest.fixture(scope="module")
def server() -> Iterator[Daemon]:
    with places.short_dir() as folder:
        canned = Daemon(socket=folder / "costd.sock")
        running, thread = serve(canned)
        yield canned
        running.shutdown()
        running.server_close()
        thread.join()


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory in use, in which no daemon has left anything."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    for name in ("STATE", "RUNTIME", "OUTPUT"):
        monkeypatch.setenv(f"COSTD_{name}_DIR", str(tmp_path / name.lower()))
    return folder


@pytest.fixture
def daemon(server: Daemon, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """A daemon that answers ``status`` and ``report``, and that commands find."""
    patient(monkeypatch)
    server.answers.clear()
    server.asked.clear()
    server.version = Daemon().version
    server.put(status=status(), report=report())
    about = {"schema_version": 1, "socket": str(server.socket), "pid": 4711}
    (state_dir / "daemon.json").write_text(json.dumps(about))
    return server


@pytest.fixture
def costd(capfdbinary: pytest.CaptureFixture[bytes]) -> Shown:
    """Run a command line in this process; there is no terminal."""

    def run_here(*argv: str) -> Result:
        capfdbinary.readouterr()
        code = run(list(argv))
        out, err = capfdbinary.readouterr()
        return Result(code, out.decode("utf-8", "replace"), err.decode(), out)

    return run_here


def spawn(*argv: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command line in a process of its own."""
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        [sys.executable, "-m", "costd", *argv],
        env=with_sources(),
        check=False,
        timeout=PATIENCE,
        **{"capture_output": True, **options},
    )
    return done


def with_sources() -> Env:
    """The environment of this process, for a Python that finds what this one finds."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def environment() -> Env:
    """The environment of this process as it is now."""
    return dict(os.environ)
