"""Installing and removing the service, with managers that write down what they hear."""

from __future__ import annotations

import json
import os
import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from costd.cli.services import units
from costd.cli.services.plan import CARRIED, Plan
from e2e.daemons import running, until
from faults.fakes import Fakes
from faults.homes import LACKS

UNIT = ".config/systemd/user/costd.service"
PLIST = "Library/LaunchAgents/dev.costd.plist"
LAUNCHD = ("--manager", "launchd")


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    return Fakes(tmp_path)


def values(unit: str, key: str) -> list[str]:
    lines = [line for line in unit.splitlines() if line.startswith(f"{key}=")]
    return [line.partition("=")[2] for line in lines]


NEEDS_SYSTEMD = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None
    and (os.environ.get("CI") != "true" or "systemd" in LACKS),
    reason="systemd is not installed",
)


def verified(scope: str, folder: Path, texts: dict[str, str]) -> tuple[int, list[str]]:
    """What systemd says to these units: it exits with 0 on an unknown key too."""
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text)
    units = [str(folder / name) for name in texts]
    done = subprocess.run(
        ["systemd-analyze", "verify", scope, "--man=no", *units],
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, [
        line for line in done.stderr.splitlines() if "costd" in line
    ]


@NEEDS_SYSTEMD
def test_53_systemd_understands_every_line_that_is_written(
    fakes: Fakes, tmp_path: Path
) -> None:
    for number, options in enumerate(([], ["--socket"], ["--no-sandbox"])):
        done = fakes.costd("service", "install", "--dry-run", "--json", *options)
        texts = {Path(p).name: t for p, t in json.loads(done.stdout)["texts"].items()}
        assert verified("--user", tmp_path / str(number), texts) == (0, [])


@NEEDS_SYSTEMD
def test_53_systemd_understands_the_unit_of_a_whole_machine(tmp_path: Path) -> None:
    program = tmp_path / "for all 100%/costd"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    plan = Plan(
        command=(str(program), "run"),
        environment={"CLAUDE_CONFIG_DIR": "/srv/the logs"},
        home=Path("/srv/a home"),
        user="daemon",
        made=(Path("/srv/a home/state"), Path("/srv/a home/out")),
        writable=(),
        runtime=None,
        config=Path("/srv/a home/config.toml"),
        sees_temporary=False,
    )
    text = units.signed(units.system_unit(plan, "costd-daemon"), [])
    assert values(text, "User") == ["daemon"]
    assert values(text, "RuntimeDirectory") == ["costd-daemon"]
    assert verified("--system", tmp_path / "u", {"costd-daemon.service": text}) == (
        0,
        [],
    )


@NEEDS_SYSTEMD
def test_53_the_unit_is_closed_enough(fakes: Fakes, tmp_path: Path) -> None:
    done = fakes.costd("service", "install", "--dry-run", "--json")
    (text,) = json.loads(done.stdout)["texts"].values()
    (tmp_path / "costd.service").write_text(
        text.replace("PrivateTmp=no", "PrivateTmp=yes")
    )
    check = ["systemd-analyze", "security", "--offline=true", "--threshold=35"]
    checked = subprocess.run(
        [*check, "--no-pager", str(tmp_path / "costd.service")],
        env={**fakes.env, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout[-200:]


def test_54_launchd_gets_an_agent_with_absolute_paths(fakes: Fakes) -> None:
    fakes.env["COSTD_STATE_DIR"] = str(fakes.home / "the state & <more>")
    done = fakes.costd("service", "install", *LAUNCHD, "--json")
    assert done.returncode == 0, done.stderr
    agent = plistlib.loads((fakes.home / PLIST).read_bytes())
    assert agent["Label"] == "dev.costd"
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    program, *rest = agent["ProgramArguments"]
    assert Path(program).is_absolute()
    assert rest[-1] == "run"
    home = str(fakes.home)
    assert agent["EnvironmentVariables"]["HOME"] == home
    assert (
        agent["EnvironmentVariables"]["COSTD_STATE_DIR"] == f"{home}/the state & <more>"
    )
    assert agent["StandardErrorPath"] == f"{home}/Library/Logs/costd.log"
    assert "@" not in json.dumps(agent)


def test_54_launchd_boots_out_what_is_there_and_boots_it_anew(fakes: Fakes) -> None:
    fakes.costd("service", "install", *LAUNCHD)
    plist, domain = str(fakes.home / PLIST), f"gui/{os.getuid()}"
    assert fakes.told() == [
        ["launchctl", "bootout", f"{domain}/dev.costd"],
        ["launchctl", "enable", f"{domain}/dev.costd"],
        ["launchctl", "bootstrap", domain, plist],
    ]
    fakes.costd("service", "install", *LAUNCHD)  # all is right: nothing is stopped
    assert fakes.told() == [["launchctl", "kickstart", f"{domain}/dev.costd"]]
    for _ in range(2):
        fakes.costd("service", "stop", *LAUNCHD)
    assert fakes.told() == [["launchctl", "bootout", f"{domain}/dev.costd"]]
    fakes.costd("service", "uninstall", *LAUNCHD)
    assert fakes.told() == [["launchctl", "bootout", f"{domain}/dev.costd"]]
    assert fakes.tree() == {}


def test_54_over_ssh_the_domain_is_that_of_the_user(fakes: Fakes) -> None:
    fakes.answer({"print gui/": (113, "")})
    fakes.costd("service", "install", *LAUNCHD)
    assert fakes.told()[-1][1:3] == ["bootstrap", f"user/{os.getuid()}"]


def test_54_launchd_is_not_asked_to_repeat_what_is_hopeless(fakes: Fakes) -> None:
    """It starts again whatever does not end with 0, and knows no list of codes."""
    config = fakes.home / "config.toml"
    config.write_text("[engine]\ntick_seconds = 0\n")
    config.chmod(0o600)
    fakes.env |= {"COSTD_CONFIG": str(config), "XPC_SERVICE_NAME": "dev.costd"}
    done = run(fakes)
    assert (done.returncode, "engine.tick_seconds" in done.stderr) == (0, True)
    del fakes.env["XPC_SERVICE_NAME"]
    assert run(fakes).returncode == 78


def run(fakes: Fakes) -> subprocess.CompletedProcess[str]:
    """``costd run``, which is a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "costd", "run"],
        env=fakes.env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_54_the_log_that_launchd_never_rotates_stays_small(fakes: Fakes) -> None:
    log = fakes.home / "costd.log"
    program = (
        "import os, sys; from costd.service.logfile import LogFile\n"
        "file = LogFile(os.environ, 1000)\n"
        "for number in range(300):\n"
        "    print('line', number, file=sys.stderr); file.keep_small()\n"
    )
    with log.open("ab") as stderr:
        subprocess.run(
            [sys.executable, "-c", program],
            env={**fakes.env, "COSTD_LOG_FILE": str(log)},
            stderr=stderr,
            check=True,
        )
    old, new = (path.read_text() for path in (fakes.home / "costd.log.1", log))
    assert (old + new).endswith("line 299\n")
    assert len(old) < 1100
    assert len(new) < 1100
    assert log.stat().st_mode & 0o777 == 0o600


def test_55_twice_is_as_once_and_all_of_it_goes(fakes: Fakes) -> None:
    before = fakes.tree()
    first = fakes.costd("service", "install")
    assert first.returncode == 0, first.stderr
    installed = fakes.tree()
    assert [verb for _, _, verb, *_ in fakes.told()] == [
        "daemon-reload",
        "enable",
        "restart",
    ]
    assert fakes.costd("service", "install").returncode == 0
    assert fakes.tree() == installed
    # What is right is neither read again by systemd nor started anew.
    assert [verb for _, _, verb, *_ in fakes.told()] == ["enable", "start"]
    unit = installed[UNIT]
    assert unit is not None
    (made,) = values(unit, "ReadWritePaths")
    assert f'"-{fakes.home}/.local/state/costd"' in made
    for _ in range(2):
        assert fakes.costd("service", "uninstall").returncode == 0
    assert fakes.tree() == before
    assert fakes.told()[0][1:] == ["--user", "disable", "--now", "costd.service"]


def test_55_what_others_wrote_stays(fakes: Fakes) -> None:
    folder = (fakes.home / UNIT).parent
    (folder / "costd.service.d").mkdir(parents=True)
    (folder / "costd.service.d/mine.conf").write_text("[Service]\nNice=5\n")
    (folder / "other.service").write_text("[Service]\n")
    before = fakes.tree()
    fakes.costd("service", "install")
    removed = fakes.costd("service", "uninstall")
    assert "costd.service.d is yours" in removed.stdout
    assert fakes.tree() == before


def test_55_a_unit_of_somebody_else_is_refused_and_kept(fakes: Fakes) -> None:
    unit = fakes.home / UNIT
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    before = fakes.tree()
    done = fakes.costd("service", "install")
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert fakes.costd("service", "uninstall").returncode == 0
    assert fakes.tree() == before
    assert fakes.told() == []
    assert fakes.costd("service", "install", "--force").returncode == 0
    assert "costd run" in unit.read_text() or "-m costd run" in unit.read_text()


def test_55_a_dry_run_and_a_refusal_leave_no_trace(fakes: Fakes) -> None:
    shown = fakes.costd("service", "install", "--dry-run")
    assert "would write" in shown.stdout
    assert "ExecStart=" in shown.stdout
    fakes.env["HOME"] = "relative"
    assert fakes.costd("service", "install").returncode == 2
    fakes.env["HOME"] = str(fakes.home)
    fakes.answer({"--user show": (1, "")})  # no manager answers
    refused = fakes.costd("service", "install")
    assert refused.returncode == 1
    assert "costd service install --system" in refused.stderr
    fakes.answer({"--user show": (0, "/home/other/.config/systemd/user /etc\n")})
    refused = fakes.costd("service", "install")
    assert refused.returncode == 1
    assert f"HOME is {fakes.home} here" in refused.stderr
    assert fakes.tree() == {}
    assert fakes.told() == []


def test_55_what_a_deaf_manager_did_not_end_is_said(fakes: Fakes) -> None:
    fakes.costd("service", "install")
    fakes.answer({"--user disable": (1, "")})
    with running(
        [sys.executable, "-m", "costd", "run", "--no-live"],
        env=fakes.env,
        stderr=subprocess.DEVNULL,
    ) as daemon:
        about = fakes.home / ".local/state/costd/daemon.json"
        until(about.exists, "the daemon")
        done = fakes.costd("service", "uninstall")
    assert f"costd still runs, pid {daemon.pid}" in done.stdout
    assert not (fakes.home / UNIT).exists()


def test_55_every_variable_that_decides_where_costd_looks_is_carried_over(
    repo: Path,
) -> None:
    """Those that the code reads, whoever adds one."""
    # PATH decides where git is, not where costd looks; a service manager has its own.
    known = {*CARRIED, "HOME", "TZ", "GT_HOME", "XDG_RUNTIME_DIR", "PATH"}
    for place in ("config", "ingest"):
        for file in (repo / "daemon/costd" / place).glob("*.py"):
            read = re.findall(
                r"""environ(?:\.get\(|\[)"([A-Z_]+)\"""", file.read_text()
            )
            assert set(read) <= known, file


def test_55_the_shells_own_places_are_carried_over(fakes: Fakes) -> None:
    fakes.env["COSTD_STATE_DIR"] = str(fakes.home / "100% of $it")
    fakes.env["CLAUDE_CONFIG_DIR"] = str(fakes.home / "claude")
    fakes.env["CODEX_HOME"] = "/srv/codex"
    fakes.costd("service", "install")
    unit = (fakes.home / UNIT).read_text()
    assert values(unit, "Environment") == [
        f'"COSTD_STATE_DIR={fakes.home}/100%% of $it"',
        f'"CLAUDE_CONFIG_DIR={fakes.home}/claude"',
        "CODEX_HOME=/srv/codex",
        "COSTD_RUNTIME_DIR=%t/costd",
    ]
    assert f'"-{fakes.home}/100%% of $it"' in values(unit, "ReadWritePaths")[0]
    assert f'"{fakes.home}/100%% of $$it"' in values(unit, "ExecStartPre")[0]


def test_55_a_socket_comes_and_goes(fakes: Fakes) -> None:
    fakes.costd("service", "install", "--socket")
    unit, socket = fakes.home / UNIT, (fakes.home / UNIT).with_name("costd.socket")
    assert values(socket.read_text(), "ListenStream") == ["%t/costd/costd.sock"]
    assert values(unit.read_text(), "Requires") == ["costd.socket"]
    fakes.costd("service", "install")  # stays as it was chosen
    assert socket.exists()
    fakes.costd("service", "install", "--no-socket")
    assert not socket.exists()
    assert values(unit.read_text(), "Requires") == []
    fakes.costd("service", "uninstall")
    assert fakes.tree() == {}


def test_the_doctor_looks_at_the_service_where_there_is_one(fakes: Fakes) -> None:
    def said() -> list[tuple[bool, str]]:
        checks = json.loads(fakes.costd("doctor", "--json").stdout)["checks"]
        return [(c["ok"], c["fix"]) for c in checks if c["code"] == "service"]

    (fakes.home / ".claude/projects").mkdir(parents=True)
    assert said() == []
    fakes.costd("service", "install")
    active = "ActiveState=active\nUnitFileState=enabled\n"
    fakes.answer({"--user show": (0, active)})
    assert said() == [(True, "loginctl enable-linger")]
    fakes.env["COSTD_STATE_DIR"] = str(fakes.home / "elsewhere")
    assert said()[0] == (True, "costd service install")
    del fakes.env["COSTD_STATE_DIR"]
    fakes.answer({"--user show": (0, "ActiveState=inactive\n")})
    assert said()[0] == (True, "costd service start")
    fakes.answer({"--user show": (0, "ActiveState=failed\nExecMainStatus=65\n")})
    done = fakes.costd("doctor")
    assert done.returncode == 4
    assert "It failed: its ledger was written by a newer costd." in done.stdout
    assert said()[0] == (False, "costd service logs")
