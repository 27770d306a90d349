"""The programs that costd is measured beside; npm has both."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.timing import FailedRunError, Program

PACKAGES = ("ccusage@20.0.24", "@tokscale/cli-linux-x64-gnu@4.17")
CCUSAGE = Path("node_modules/ccusage")
TOKSCALE = Path("node_modules/@tokscale/cli-linux-x64-gnu")


@dataclass(frozen=True, slots=True)
class Found:
    """What a peer says a tree holds; money in USD, None where it has no prices."""

    tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer, and how to ask it for everything in one tree."""

    name: str
    version: str
    program: Program

    def without_cache(self, directory: Path) -> Program:
        """The program as it runs for the first time; ``directory`` takes its cache."""
        environment = {
            **self.program.environment,
            "TOKSCALE_CONFIG_DIR": str(directory),
        }
        return Program(self.name, self.program.command, environment)

    def found(self, output: bytes) -> Found:
        """The totals in its answer."""
        answer: dict[str, Any] = json.loads(output)
        if self.name == "ccusage":
            totals = answer["totals"]
            return Found(totals["totalTokens"], totals["totalCost"])
        names = ("totalInput", "totalOutput", "totalCacheRead", "totalCacheWrite")
        # Without price lists from the network most of its costs are zeros.
        return Found(sum(answer[name] for name in names), None)


def find(directory: Path, environment: dict[str, str]) -> tuple[list[Peer], list[str]]:
    """The peers in ``directory/node_modules``, and what to say of those missing."""
    found = (_ccusage(directory, environment), _tokscale(directory, environment))
    return (
        [peer for peer in found if isinstance(peer, Peer)],
        [reason for reason in found if isinstance(reason, str)],
    )


def install(directory: Path) -> None:
    """Have npm install the peers into ``directory``.

    Raises:
        FailedRunError: there is no npm, or it failed.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FailedRunError("--install-peers needs npm on the PATH")
    directory.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-fund", "--no-audit", "--prefix", str(directory)]
    if subprocess.run([*command, *PACKAGES], check=False).returncode != 0:
        raise FailedRunError("npm could not install the peers")


def _ccusage(directory: Path, environment: dict[str, str]) -> Peer | str:
    node = shutil.which("node")
    script = directory / CCUSAGE / "src" / "cli.js"
    if node is None:
        return "ccusage is left out: there is no node on the PATH"
    if not script.is_file():
        return "ccusage is left out: it is not installed (--install-peers, --peers DIR)"
    command = (node, str(script), "claude", "daily", "--json", "--offline")
    program = Program("ccusage", command, environment)
    return Peer("ccusage", _version(directory / CCUSAGE), program)


def _tokscale(directory: Path, environment: dict[str, str]) -> Peer | str:
    binary = directory / TOKSCALE / "bin" / "tokscale"
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return "tokscale is left out: this is not Linux on x86-64"
    if not binary.is_file():
        return (
            "tokscale is left out: it is not installed (--install-peers, --peers DIR)"
        )
    command = (str(binary), "models", "--json", "--client", "claude")
    # So that nobody is measured while waiting for price lists from the network.
    offline = {**environment, "TOKSCALE_PRICING_CACHE_ONLY": "1"}
    program = Program("tokscale", command, offline)
    return Peer("tokscale", _version(directory / TOKSCALE), program)


def _version(package: Path) -> str:
    about: dict[str, str] = json.loads((package / "package.json").read_text("utf-8"))
    return about["version"]
