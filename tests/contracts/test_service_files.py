"""The service files start a command that exists, and keep what they promise."""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from costd.cli.commands.run import EX_CONFIG, EX_DATAERR
from costd.core import errors

HOME = "/Users/me"
COSTD = "/Users/me/.local/bin/costd"

# A start with these set up wrongly fails the same way each time.
HOPELESS = (errors.UsageError, errors.ConfigError, errors.AlreadyRunningError)


@pytest.fixture(scope="module")
def unit(repo: Path) -> dict[str, list[str]]:
    """Every value of each key of the systemd unit."""
    values: dict[str, list[str]] = {}
    for line in (repo / "systemd/costd.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            values.setdefault(key, []).append(value)
    return values


@pytest.fixture(scope="module")
def agent(repo: Path) -> dict[str, Any]:
    """The launchd agent as a person renders it."""
    template = (repo / "launchd/dev.costd.plist").read_text()
    rendered = template.replace("@COSTD@", COSTD).replace("@HOME@", HOME)
    agent: dict[str, Any] = plistlib.loads(rendered.encode())
    return agent


def test_the_command_exists(unit: dict[str, list[str]], agent: dict[str, Any]) -> None:
    assert unit["ExecStart"] == ["%h/.local/bin/costd run"]
    assert agent["ProgramArguments"] == [COSTD, "run"]
    command = [sys.executable, "-m", "costd", "run", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, "")


def test_systemd_waits_for_ready_and_for_progress(unit: dict[str, list[str]]) -> None:
    assert unit["Type"] == ["notify"]
    assert int(unit["WatchdogSec"][0]) >= 30
    assert int(unit["TimeoutStopSec"][0]) > 10  # a clean stop may take 10 s


def test_a_hopeless_start_is_not_repeated(unit: dict[str, list[str]]) -> None:
    assert unit["Restart"] == ["on-failure"]
    never_again = {int(code) for code in unit["RestartPreventExitStatus"][0].split()}
    assert {error.exit_code for error in HOPELESS} <= never_again
    assert {EX_CONFIG, EX_DATAERR} <= never_again
    assert errors.CostdError.exit_code not in never_again


def test_what_is_written_is_private(unit: dict[str, list[str]]) -> None:
    assert unit["UMask"] == ["0077"]
    assert unit["RuntimeDirectoryMode"] == ["0700"]
    assert unit["LimitCORE"] == ["0"]


def test_the_sandbox_holds_in_an_old_user_manager(unit: dict[str, list[str]]) -> None:
    """systemd 252 ignores ProtectSystem= in a user's manager without PrivateUsers=."""
    assert unit["PrivateUsers"] == ["yes"]
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["ProtectHome"] == ["read-only"]
    assert "CapabilityBoundingSet" not in unit  # the start would fail: 218
    assert "StateDirectory" not in unit  # another place before systemd 254


def test_only_costds_own_directories_are_writable(unit: dict[str, list[str]]) -> None:
    paths = unit["ReadWritePaths"][0].split()
    assert paths == ["-%h/.local/state/costd", "-%h/.local/share/costd"]
    made = unit["ExecStartPre"][0].removeprefix("+mkdir -p ").split()
    assert [f"-{path}" for path in made] == paths


def test_a_stop_leaves_the_lock_file(unit: dict[str, list[str]]) -> None:
    assert unit["RuntimeDirectory"] == ["costd"]
    assert unit["RuntimeDirectoryPreserve"] == ["yes"]


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)
def test_systemd_understands_every_line(repo: Path, short_dir: Path) -> None:
    """It exits with 0 on an unknown key too, so that only silence counts."""
    program = short_dir / ".local/bin/costd"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    env = os.environ | {"HOME": str(short_dir), "XDG_RUNTIME_DIR": str(short_dir)}
    command = ["systemd-analyze", "verify", "--user", "--man=no"]
    verified = subprocess.run(
        [*command, repo / "systemd/costd.service"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_launchd_gets_absolute_paths_only(agent: dict[str, Any]) -> None:
    """launchd knows neither ~ nor $HOME nor the PATH of a shell."""
    places = [
        agent["ProgramArguments"][0],
        agent["WorkingDirectory"],
        agent["StandardErrorPath"],
        agent["StandardOutPath"],
        *agent["EnvironmentVariables"].values(),
    ]
    assert all(re.fullmatch(r"/[^~$@]*", place) for place in places), places


def test_launchd_restarts_after_a_crash_only(agent: dict[str, Any]) -> None:
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["RunAtLoad"] is True
    assert agent["ThrottleInterval"] >= 10
    assert agent["ExitTimeOut"] > 10  # a clean stop may take 10 s


def test_launchd_keeps_files_private(agent: dict[str, Any]) -> None:
    assert agent["Umask"] == 0o077
    for limits in ("SoftResourceLimits", "HardResourceLimits"):
        assert agent[limits] == {"Core": 0}


def test_the_file_is_named_after_its_label(repo: Path, agent: dict[str, Any]) -> None:
    assert (repo / "launchd" / f"{agent['Label']}.plist").is_file()
