"""The unit under a real ``systemd --user``: what it promises on paper, done to it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.daemons import until
from faults.managed import HOME, RUNTIME, Managed
from loglines import Line, session

pytestmark = pytest.mark.xdist_group("systemd")

# There is no journal in the namespaces.
QUICK = ("RestartSec=100ms", "StandardError=append:%h/err.log")

PROBE = """
import json, os, socket, sys
home, runtime = os.path.expanduser("~"), os.environ["XDG_RUNTIME_DIR"]
def can(act, *args):
    try:
        act(*args)
    except OSError as error:
        return type(error).__name__
    return "yes"
def write(path):
    with open(path + ".probe", "w") as file:
        file.write("x")
def read(path):
    with open(path, "rb") as file:
        file.read()
said = {
    "read the logs": can(read, os.environ["A_LOG"]),
    "write the logs": can(write, os.environ["A_LOG"]),
    "write a setting of the agent": can(write, home + "/.claude/settings.json"),
    "write the home": can(write, home + "/x"),
    "write the configuration": can(write, home + "/.config/x"),
    "write the system": can(write, "/var/lib/x"),
    "write the runtime directory": can(write, runtime + "/x"),
    "write its own runtime directory": can(write, runtime + "/costd/x"),
    "write its state": can(write, home + "/.local/state/costd/x"),
    "write its output": can(write, home + "/.local/share/costd/x"),
    "make a raw socket": can(socket.socket, socket.AF_INET, socket.SOCK_RAW),
    "make a netlink socket": can(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW),
    "make a namespace": can(os.unshare, 0x10000000) if hasattr(os, "unshare") else "?",
    "umask": oct(os.umask(0)),
}
with open(home + "/.local/state/costd/probe.json", "w") as file:
    json.dump(said, file)
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    made = Managed(tmp_path_factory.mktemp("systemd"))
    yield made
    made.close()


@pytest.fixture
def user(machine: Managed) -> Iterator[Managed]:
    """The machine, with one log and no service."""
    log = f"{session(1)}.jsonl"
    machine.write(Line(1).text().decode(), ".claude/projects/-w-app", log)
    machine.adjust(*QUICK)
    yield machine
    machine.costd("service", "uninstall")
    machine.run("rm", "-rf", str(HOME / ".local"), str(HOME / ".config"))
    machine.control("daemon-reload")


def installed(user: Managed, *options: str) -> None:
    done = user.costd("service", "install", *options)
    assert done.returncode == 0, done.stdout + done.stderr + user.said()


def counted(user: Managed) -> int:
    status = user.ask("status")
    assert status["daemon"] is True
    return int(status["totals"]["all"]["responses"])


def test_51_it_is_active_when_it_is_ready_and_says_what_it_does(user: Managed) -> None:
    installed(user)
    assert user.show("ActiveState") == "active"
    assert user.show("SubState") == "running"
    user.until_shown("StatusText", "watching 2 directories, 1 log")
    assert user.control("is-enabled", "costd").strip() == "enabled"
    until(lambda: counted(user) == 1, "the response")
    status = user.ask("service", "status")
    assert (status["running"], status["enabled"]) == (True, True)
    assert status["daemon"]["is_service"] is True
    assert status["daemon"]["socket"] == f"{RUNTIME}/costd/costd.sock"
    assert [file["state"] for file in status["files"]] == ["current"]
    shown = user.costd("service", "status")
    assert (shown.returncode, "watching 2 directories" in shown.stdout) == (0, True)
    checks = user.ask("doctor")["checks"]
    told = [(c["ok"], c["fix"]) for c in checks if c["code"] == "service"]
    assert told == [(True, "loginctl enable-linger")]  # nobody said that it should


def test_51_one_that_stands_still_is_killed_and_started_again(user: Managed) -> None:
    # Not a minute; and long enough for whoever is only slow.
    user.adjust(*QUICK, "WatchdogSec=5")
    installed(user)
    first = user.show("MainPID")
    user.kill(signal.SIGSTOP)
    until(lambda: user.show("NRestarts") != "0", "another one")
    user.until_shown("ActiveState", "active")
    assert user.show("MainPID") not in {first, "0"}
    until(lambda: counted(user) == 1, "the response, once")
    assert not list(user.home().glob("**/core*"))  # LimitCORE=0


def test_51_one_that_is_killed_is_started_again(user: Managed) -> None:
    installed(user)
    for restarts in ("1", "2"):
        user.kill(signal.SIGKILL)
        user.until_shown("NRestarts", restarts)
        user.until_shown("ActiveState", "active")
    until(lambda: counted(user) == 1, "the response, once")


def test_51_a_crash_loop_ends(user: Managed) -> None:
    """It fails after it has opened the ledger: nothing that costd knows beforehand."""
    user.adjust(*QUICK, "ExecStartPre=/bin/false")
    done = user.costd("service", "install")
    assert done.returncode == 1
    user.until_shown("Result", "exit-code")
    user.until_shown("ActiveState", "failed")
    assert 0 < int(user.show("NRestarts")) <= 5
    status = user.costd("service", "status")
    assert status.returncode == 3
    assert "It failed" in status.stdout
    user.adjust(*QUICK)
    user.control("daemon-reload")
    assert user.costd("service", "start").returncode == 0  # forgets the failures
    assert user.show("ActiveState") == "active"


def test_51_what_a_restart_cannot_mend_is_not_repeated(user: Managed) -> None:
    installed(user)
    user.write("[engine]\ntick_seconds = 0\n", ".config/costd/config.toml")
    done = user.costd("service", "restart")
    assert done.returncode == 2  # the command looks first
    user.control("stop", "costd")
    user.run("systemctl", "--user", "start", "costd")
    user.until_shown("ActiveState", "failed")
    assert (user.show("ExecMainStatus"), user.show("NRestarts")) == ("78", "0")
    status = user.costd("service", "status")
    assert "its configuration cannot be used" in status.stdout
    assert "engine.tick_seconds" in status.stdout


def test_51_a_stop_is_clean_and_stays(user: Managed) -> None:
    installed(user)
    assert user.costd("service", "stop").returncode == 0
    assert (user.show("ActiveState"), user.show("Result")) == ("inactive", "success")
    assert not user.home(".local/state/costd/daemon.json").exists()
    assert user.costd("service", "status").returncode == 3
    status = user.ask("status")
    assert (status["daemon"], status["totals"]["all"]["responses"]) == (False, 1)
    before = user.home(".local/state/costd/ledger.db").stat().st_size
    done = user.costd("service", "uninstall")
    assert (done.returncode, "The ledger stays" in done.stdout) == (0, True)
    assert user.show("LoadState") == "not-found"
    assert user.home(".local/state/costd/ledger.db").stat().st_size == before


def test_51_systemd_reloads_it_and_hears_when_that_failed(user: Managed) -> None:
    installed(user)
    pid = user.show("MainPID")
    user.write('timezone = "Asia/Tokyo"\n', ".config/costd/config.toml")
    user.control("reload", "costd")
    assert user.ask("status")["timezone"] == "Asia/Tokyo"
    user.write("timezone = 1\n", ".config/costd/config.toml")
    assert user.run("systemctl", "--user", "reload", "costd").returncode == 1
    user.until_shown("StatusText", "config: error; watching 2 directories, 1 log")
    assert (user.show("ActiveState"), user.show("MainPID")) == ("active", pid)


def test_51_a_question_starts_it_where_systemd_has_the_socket(user: Managed) -> None:
    installed(user, "--socket")
    assert user.show("ActiveState", "costd.socket") == "active"
    until(lambda: counted(user) == 1, "the response")
    user.control("stop", "costd.service")
    assert user.show("ActiveState") == "inactive"
    assert counted(user) == 1  # asked, and there it is
    assert user.show("ActiveState") == "active"
    user.kill(signal.SIGKILL)
    user.until_shown("NRestarts", "1")
    assert counted(user) == 1  # the socket outlives it
    assert user.costd("service", "stop").returncode == 0
    assert user.show("ActiveState", "costd.socket") == "inactive"
    assert user.ask("status")["daemon"] is False


def test_51_a_daemon_that_runs_by_hand_is_not_disturbed(user: Managed) -> None:
    ready = "until [ -e ~/.local/state/costd/daemon.json ]; do sleep 0.1; done"
    begin = f"costd run --no-live >/dev/null 2>&1 & echo $!; {ready}"
    pid = int(user.run("sh", "-c", begin).stdout)
    done = user.costd("service", "install")
    assert done.returncode == 1
    assert f"costd runs already, pid {pid}" in done.stderr
    assert not user.home(".config/systemd/user/costd.service").exists()
    user.run("kill", str(pid))
    until(lambda: user.ask("status")["daemon"] is False, "its end")


OWN = {
    "read the logs",
    "write its own runtime directory",
    "write its state",
    "write its output",
}


def test_52_it_reads_the_logs_and_writes_its_own_places_only(user: Managed) -> None:
    said = probed(user, "--sandbox")
    assert {name for name, answer in said.items() if answer == "yes"} == OWN, said
    assert said["umask"] == "0o77"
    # Without the sandbox the same probe could do more: it is the sandbox that says no.
    said = probed(user, "--no-sandbox")
    allowed = {name for name, answer in said.items() if answer == "yes"}
    assert allowed > OWN | {"write the logs", "write the home"}, said


def probed(user: Managed, option: str) -> dict[str, str]:
    """What a program can do in the place of costd."""
    user.write(PROBE, "probe.py")
    log = HOME / f".claude/projects/-w-app/{session(1)}.jsonl"
    python = user.run("sh", "-c", "command -v python").stdout.strip()
    user.adjust(
        *QUICK,
        "Type=oneshot",
        "Restart=no",
        f'Environment="A_LOG={log}"',
        "ExecStart=",
        f'ExecStart="{python}" "{HOME}/probe.py"',
    )
    done = user.costd("service", "install", "--no-start", option)
    assert done.returncode == 0, done.stderr
    user.control("start", "costd")
    file = user.home(".local/state/costd/probe.json")
    found: dict[str, str] = json.loads(file.read_text())
    file.unlink()
    return found


def test_52_what_the_sandbox_hides_is_said(user: Managed) -> None:
    installed(user)
    begin = "MIN=1 sleep 300 >/dev/null 2>&1 & echo $!"
    pid = int(user.run("sh", "-c", begin).stdout)
    entry = {"pid": pid, "sessionId": session(1)}
    user.write(json.dumps(entry), f".claude/sessions/{pid}.json")

    def codes() -> set[str]:
        user.ask("sync")
        return {problem["code"] for problem in user.ask("status")["health"]}

    until(lambda: "agents_hidden" in codes(), "the warning")
    user.until_shown("StatusText", "watching 2 directories, 1 log")
    hook = {"hooks": [{"type": "command", "command": "'/a b/costd' hook"}]}
    settings = user.write(json.dumps({"hooks": [hook]}), ".claude/settings.json")
    until(lambda: "agents_hidden" not in codes(), "its end")
    settings.unlink()
    installed(user, "--no-sandbox")
    assert "agents_hidden" not in codes()
    user.run("kill", str(pid))


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Managed]:
    """A manager of root's, in the place of a whole machine's."""
    made = Managed(tmp_path, uid=0)
    yield made
    made.close()


def test_52_the_unit_of_a_whole_machine_is_its_users(whole: Managed) -> None:
    shown = whole.costd(
        "service", "install", "--system", "--user=cu", "--dry-run", "--json"
    )
    (text,) = json.loads(shown.stdout)["texts"].values()
    unit = ".config/systemd/user/costd-cu.service"
    whole.write(text, unit, mode=0o644)
    whole.write("[Service]\nWatchdogSec=5\n", f"{unit}.d/quick.conf", mode=0o644)
    whole.control("daemon-reload")
    whole.control("start", "costd-cu")
    pid = whole.show("MainPID", "costd-cu")
    process = whole.run("cat", f"/proc/{pid}/status").stdout
    assert "\nUid:\t1000\t1000\t1000\t1000\n" in process
    assert "\nCapBnd:\t0000000000000000\n" in process
    assert "\nNoNewPrivs:\t1\n" in process

    def may_write(path: str) -> bool:
        become = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
        enter = ["nsenter", "-t", pid, "-m", *become]
        return whole.run(*enter, "touch", path).returncode == 0

    assert may_write(f"{HOME}/.local/state/costd/x")
    assert not may_write(f"{HOME}/x")
    assert whole.run("touch", f"{HOME}/x", uid=1000).returncode == 0  # outside of it
    asked = whole.run(
        f"{sys.prefix}/bin/python", "-P", "-m", "costd", "status", "--json", uid=1000
    )
    status = json.loads(asked.stdout)
    assert (status["daemon"], status["pid"]) == (True, int(pid))
    whole.control("stop", "costd-cu")
    assert whole.show("Result", "costd-cu") == "success"
