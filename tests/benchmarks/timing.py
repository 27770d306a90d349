"""Whole processes, timed from outside, and the figures made of many of them."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class FailedRunError(Exception):
    """A program that was to be measured did not do what it was asked."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process and all it waited for; seconds."""

    wall: float
    cpu: float
    output: bytes


@dataclass(frozen=True, slots=True)
class Program:
    """A command line with the whole of its environment."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]

    def with_arguments(self, *arguments: str) -> Program:
        """The same program, asked something."""
        return Program(self.name, (*self.command, *arguments), self.environment)


def timed(program: Program) -> Run:
    """Run it to its end.

    Raises:
        FailedRunError: its exit code is not 0.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            program.command,
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        cpu = _waited(process)
        wall = time.perf_counter() - started
        output.seek(0)
        errors.seek(0)
        _check(program, process, errors.read())
        return Run(wall, cpu, output.read())


def timed_on_terminal(program: Program) -> Run:
    """The same with a terminal to write to, as a person sees it."""
    ours, theirs = os.openpty()
    started = time.perf_counter()
    process = subprocess.Popen(
        program.command,
        env={**program.environment, "TERM": "xterm-256color", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    output = _drained(ours)
    cpu = _waited(process)
    wall = time.perf_counter() - started
    os.close(ours)
    _check(program, process, output)
    return Run(wall, cpu, output)


def _drained(terminal: int) -> bytes:
    parts: list[bytes] = []
    try:
        while part := os.read(terminal, 1 << 16):
            parts.append(part)
    except OSError:  # Linux says EIO when the other side has closed
        pass
    return b"".join(parts)


def _waited(process: subprocess.Popen[bytes]) -> float:
    """Wait; the CPU seconds of the process and of the children it waited for."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _check(program: Program, process: subprocess.Popen[bytes], errors: bytes) -> None:
    if process.returncode != 0:
        said = errors.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise FailedRunError(
            f"{program.name} ended with {process.returncode}: {' '.join(said)}"
        )


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of all do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


class Neighbours:
    """How busy everybody else keeps the machine, from its making on; Linux only."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._before = _others()

    def cores(self) -> float | None:
        """How many cores others took on average; None where nobody counts."""
        now = _others()
        if now is None or self._before is None:
            return None
        return max(0.0, now - self._before) / (time.monotonic() - self._started)


def _others() -> float | None:
    """CPU seconds of this machine that are neither ours nor our children's."""
    try:
        first = Path("/proc/stat").read_text("ascii").partition("\n")[0]
    except OSError:
        return None
    user, nice, system, _idle, _waiting, irq, soft, steal = map(int, first.split()[1:9])
    busy = (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
    own = (
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return busy - sum(usage.ru_utime + usage.ru_stime for usage in own)
