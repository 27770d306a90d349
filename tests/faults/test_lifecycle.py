"""Signals, locks, sockets and clients: the life of a real daemon."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from costd import __version__
from costd.cli import client
from costd.cli.services.plan import program_of
from costd.core.errors import StoppingError
from costd.publish import replies
from costd.service.engines import Engines, Work
from e2e.daemons import PATIENCE_SECONDS, until
from faults.homes import CONFIG, Home

BULK = b'{"type":"user","message":{"content":"' + b"x" * 60_000 + b'"}}\n'

# A question that never ends, and with it the engine.
HANGS = """
import os, threading
from costd.engine.answers import prices
def hang(view, params):
    open(os.environ["HUNG"], "w").close()
    threading.Event().wait()
prices.prices = hang
"""
# Deadlines that no test waits for.
PATIENT = """
import costd.service.signals as signals, costd.service.engines as engines
signals.STOP_SECONDS = engines.STOP_SECONDS = 3600
"""


def locked(path: Path) -> bool:
    """Whether somebody holds the lock."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def root_only() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")


# Signals.


def test_37_sigterm_during_an_import(home: Home) -> None:
    for number in range(1, 9):
        home.respond(number, log=number)
        home.append(BULK * 110, log=number)
        home.respond(100 + number, log=number)
    for counted in (0, 6):
        home.start(wait="up")
        until(lambda n=counted: home.responses >= n, "some responses")  # type: ignore[misc]  # mypy cannot infer the default
        assert home.stop() == 0
    home.start()
    home.assert_exact()
    assert home.responses == 16


def test_38_a_hung_engine_is_left_behind_at_the_deadline(home: Home) -> None:
    deadline = "import costd.service.signals as signals; signals.STOP_SECONDS = 1\n"
    home.env["HUNG"] = str(home.top / "hung")
    home.start(hook=HANGS + PATIENT + deadline)
    with hung(home):
        assert home.stop() == 1
    said = home.words.read_text()
    assert "stop_forced" in said
    assert "in wait" in said  # where it hung, and no value


def test_38_a_second_signal_ends_it_at_once(home: Home) -> None:
    home.env["HUNG"] = str(home.top / "hung")
    home.start(hook=HANGS + PATIENT)
    with hung(home):
        process = home.process
        assert process is not None
        process.terminate()
        until(lambda: "daemon_stopping" in home.words.read_text(), "the first signal")
        process.terminate()
        assert process.wait(timeout=PATIENCE_SECONDS) == 1


@contextmanager
def hung(home: Home) -> Iterator[None]:
    """The engine works on something that never ends."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(home.top / "run" / "costd.sock"))
        asked.sendall(b"GET /api/prices HTTP/1.1\r\nhost: costd\r\n\r\n")
        until(Path(home.env["HUNG"]).exists, "that it hangs")
        yield


def test_39_sighup_with_a_broken_config_keeps_the_old(home: Home) -> None:
    home.respond(1)
    home.start()
    home.until_counted(1)
    home.config.write_text("[engine]\ntick_seconds = 0\n")
    home.signal(signal.SIGHUP)
    until(lambda: "config" in home.problems(), "the problem")
    (found,) = [p for p in home.status()["health"] if p["code"] == "config"]
    assert "config.toml:2: engine.tick_seconds" in found["message"]
    assert "the old configuration stays in effect" in found["message"]
    assert found["severity"] == "error"
    assert "costd config reload" in found["fix"]
    assert "config_refused" in home.words.read_text()
    done = home.run("config", "reload")
    assert done.returncode == 2
    assert "the old configuration stays in effect" in done.stderr
    home.respond(2)
    home.until_counted(2)  # it works on
    home.config.write_text(CONFIG)
    assert home.run("config", "reload").returncode == 0
    assert "config" not in home.problems()


def test_39_a_reload_takes_effect_and_turns_nobody_away(home: Home) -> None:
    home.respond(1)
    home.start()
    home.until_counted(1)
    before = home.status()
    stop, seen = threading.Event(), list[int]()

    def ask() -> None:
        while not stop.is_set():
            seen.append(home.ask("/api/status")["totals"]["all"]["responses"])

    asking = threading.Thread(target=ask)
    asking.start()
    other = home.top / "elsewhere"
    for number in range(6):
        zone = "Asia/Tokyo" if number % 2 else "Europe/Oslo"
        roots = f'[sources.claude]\nextra_roots = ["{other}"]\n' if number == 5 else ""
        home.config.write_text(f'timezone = "{zone}"\n{CONFIG}{roots}')
        said = home.ask("/api/config/reload", "POST")
        assert "timezone" in said["applied"]
        assert home.status()["timezone"] == zone
    stop.set()
    asking.join()
    assert set(seen) == {1}  # every question had its answer
    after = home.status()
    assert (after["pid"], after["started_at"]) == (before["pid"], before["started_at"])
    assert str(other) in home.source()["roots"]


class Stub:
    """An engine that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: dict[str, Future[object]] = {}
        self.last_state = "stopped"
        self._stopped = threading.Event()

    def ask(self, name: str, params: object) -> Future[object]:
        return self.asked.setdefault(name, Future())

    def run(self, watch: object) -> None:
        self._stopped.wait()

    def stop(self) -> None:
        for answer in [answer for answer in self.asked.values() if not answer.done()]:
            answer.set_exception(StoppingError("costd is stopping."))
        self._stopped.set()


def test_39_what_one_engine_did_not_answer_the_next_one_does() -> None:
    engines = Engines(crashed=lambda: None)
    first, second = Stub(), Stub()
    engines.start(Work(cast("Any", first), cast("Any", None)))
    status, link = engines.ask("status", {}), engines.ask("link", {})
    assert engines.pause()
    issues = engines.ask("issues", {})
    assert isinstance(link.exception(), StoppingError)  # it might be done twice
    assert not status.done()
    engines.start(Work(cast("Any", second), cast("Any", None)))
    assert list(second.asked) == ["status", "issues"]
    second.asked["status"].set_result(1)
    assert status.result() == 1
    assert engines.end()
    assert isinstance(issues.exception(), StoppingError)
    assert isinstance(engines.ask("status", {}).exception(), StoppingError)
    assert (first.last_state, second.last_state) == ("running", "stopped")


# The lock.


def test_40_of_many_that_start_at_once_one_lives(home: Home) -> None:
    command = [sys.executable, "-m", "costd", "run", "--no-live"]
    started = [
        subprocess.Popen(command, env=home.env, stderr=subprocess.PIPE)
        for _ in range(10)
    ]
    try:
        until(
            lambda: sum(p.poll() is not None for p in started) == 9, "nine that leave"
        )
        assert {p.returncode for p in started if p.returncode is not None} == {75}
        (lives,) = [p for p in started if p.returncode is None]
        until((home.top / "state/daemon.json").exists, "the one that lives")
        assert home.status()["pid"] == lives.pid == home.pid
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_41_a_lock_file_that_was_removed_is_held_again(home: Home) -> None:
    home.start()
    lock = home.top / "state/costd.lock"
    lock.unlink()
    second = home.run("run", "--no-live")
    assert second.returncode == 75
    until(lambda: lock.exists() and locked(lock), "the lock")
    assert home.status()["pid"] == home.pid
    assert home.stop() == 0


def test_41_one_that_only_looks_who_runs_displaces_nobody(home: Home) -> None:
    """A second daemon holds the new lock until it sees that the first one answers."""
    home.start()
    lock = home.top / "state/costd.lock"
    with (home.top / "state/other").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        os.replace(other.name, lock)  # noqa: PTH105 - a lock of somebody else
        until(lambda: "lock_lost" in home.words.read_text(), "a beat meanwhile")
    until(lambda: "lock_restored" in home.words.read_text(), "the lock")
    assert locked(lock)
    assert home.stop() == 0


def test_41_whoever_lost_the_lock_leaves(home: Home) -> None:
    home.start()
    lock = home.top / "state/costd.lock"
    with (home.top / "state/other").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        os.replace(other.name, lock)  # noqa: PTH105 - a lock of somebody else
        assert home.process is not None
        assert home.process.wait(timeout=PATIENCE_SECONDS) == 75


# The socket.


def test_42_a_dead_ones_socket_is_replaced(home: Home) -> None:
    home.start()
    home.kill()
    path = home.top / "run/costd.sock"
    assert path.exists()
    home.start()
    assert home.status()["daemon"] is True


def test_43_a_socket_that_a_cleaner_took_comes_back(home: Home) -> None:
    home.start()
    path = home.top / "run/costd.sock"
    os.utime(path, (0, 0))
    until(lambda: path.stat().st_mtime > 0, "a touch")
    path.unlink()
    until(path.exists, "the socket")
    assert home.status()["daemon"] is True


def test_44_a_home_too_deep_for_a_socket(tmp_path: Path) -> None:
    top = tmp_path / ("x" * 150)
    top.mkdir()
    home = Home(top)
    for name in ("STATE", "RUNTIME", "OUTPUT"):
        del home.env[f"COSTD_{name}_DIR"]
    home.env.pop("XDG_RUNTIME_DIR", None)
    home._about = top / ".local/state/costd/daemon.json"
    home.start()
    try:
        said = json.loads(home._about.read_bytes())
        assert Path(said["socket"]).stat().st_mode & 0o777 == 0o600
        assert Path(said["socket"]).parent.stat().st_mode & 0o777 == 0o700
        assert json.loads(home.run("status", "--json").stdout)["daemon"] is True
        chosen = {**home.env, "COSTD_RUNTIME_DIR": str(top / "run")}
        refused = subprocess.run(
            [sys.executable, "-m", "costd", "run"],
            env={**chosen, "COSTD_STATE_DIR": str(tmp_path / "other")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode == 78
        assert "107" in refused.stderr or "103" in refused.stderr
        assert "COSTD_RUNTIME_DIR" in refused.stderr
    finally:
        home.kill()
        with suppress(OSError):
            Path(said["socket"]).unlink()
            Path(said["socket"]).parent.rmdir()


def test_45_a_shell_without_any_variable_finds_it(short_dir: Path) -> None:
    home = Home(short_dir)
    home.config.rename(short_dir / "c.toml")
    for name in [n for n in home.env if n.startswith(("COSTD_", "CLAUDE_"))]:
        del home.env[name]
    runtime = short_dir / "runtime"
    runtime.mkdir(mode=0o700)
    home.env["XDG_RUNTIME_DIR"] = str(runtime)
    home._about = short_dir / ".local/state/costd/daemon.json"
    home.start()
    try:
        bare = subprocess.run(
            f"env -i HOME={short_dir} {sys.executable} -m costd status --json".split(),
            capture_output=True,
            check=False,
            cwd="/",
        )
        status = json.loads(bare.stdout)
        assert (status["daemon"], status["pid"]) == (True, home.pid)
    finally:
        home.kill()


def test_46_a_foreign_user_is_refused_and_counted(short_dir: Path) -> None:
    root_only()
    home = Home(short_dir)
    home.start()
    try:
        short_dir.chmod(0o755)
        (short_dir / "run").chmod(0o711)
        path = short_dir / "run/costd.sock"
        path.chmod(0o666)
        assert as_nobody(str(path)) == "got b''\n"
        assert "totals" in home.status()
        until(lambda: "clients_refused" in home.words.read_text(), "the count")
    finally:
        home.kill()


STRANGER = r"""
import os, socket, sys
os.setgroups([]), os.setgid(65534), os.setuid(65534)
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
answer = b""
try:
    connection.sendall(b"GET /api/status HTTP/1.1\r\nhost: c\r\n\r\n")
    answer = connection.recv(100)
except (BrokenPipeError, ConnectionResetError):
    pass
print("got", answer)
"""


def as_nobody(path: str) -> str:
    """What the socket answers to another user."""
    done = subprocess.run(
        [sys.executable, "-c", STRANGER, path],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    return done.stdout + done.stderr


def test_47_clients_that_hang_babble_or_flood_disturb_nobody(home: Home) -> None:
    home.respond(1)
    home.start()
    home.until_counted(1)
    path = str(home.top / "run/costd.sock")
    with ExitStack() as stack:
        hanging = []
        for number in range(20):
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.settimeout(PATIENCE_SECONDS)
            connection.connect(path)
            with suppress(OSError):
                connection.sendall(b"GET /api/st" if number % 2 else os.urandom(500))
            hanging.append(connection)
        assert home.responses == 1
        before = home.rss("VmHWM")
        flood = stack.enter_context(socket.socket(socket.AF_UNIX))
        flood.settimeout(PATIENCE_SECONDS)
        flood.connect(path)
        head = b"POST /api/events HTTP/1.1\r\nhost: c\r\ncontent-length: 1000000000\r\n\r\n"
        with suppress(OSError):
            flood.sendall(head)
            for _ in range(1000):
                flood.sendall(b"x" * 1_000_000)
        with suppress(ConnectionResetError):
            assert b"413" in flood.recv(100)
        assert home.responses == 1
        assert home.rss("VmHWM") - before < 100_000_000
        for connection in hanging:  # each is hung up on, sooner or later
            with suppress(ConnectionResetError):
                while connection.recv(1000):
                    pass


# Commands and the daemon.


def test_48_with_the_daemon_down_the_status_is_there(home: Home) -> None:
    home.respond(1)
    home.start()
    home.until_counted(1)
    assert home.stop() == 0
    home.respond(2)
    status = json.loads(home.run("status", "--json").stdout)
    assert (status["daemon"], status["totals"]["all"]["responses"]) == (False, 2)


def test_48_with_a_daemon_that_hangs_the_last_known_state_is_shown(home: Home) -> None:
    home.respond(1)
    home.start()
    home.until_counted(1)
    published = home.top / "output/status.json"
    until(
        lambda: json.loads(published.read_bytes())["totals"]["all"]["responses"] == 1,
        "its file",
    )
    home.signal(signal.SIGSTOP)
    try:
        done = home.run("status", "--json")
    finally:
        home.signal(signal.SIGCONT)
    assert done.returncode == 3
    status = json.loads(done.stdout)
    assert (status["last_known"], status["daemon"]) == (True, False)
    assert status["totals"]["all"]["responses"] == 1
    assert status["health"][0]["code"] == "no_daemon"
    assert "ago" in status["health"][0]["message"]


@pytest.fixture
def older(home: Home) -> Iterator[Home]:
    """A daemon of another version, that speaks another protocol: its answer is given."""
    (home.top / "state").mkdir(mode=0o700)
    path = home.top / "old.sock"
    about = {"socket": str(path), "pid": 1, "version": "0.0.1"}
    (home.top / "state/daemon.json").write_text(json.dumps(about))
    body = b'{"schema_version":1,"totals":{}}\n'
    reply = (
        b"HTTP/1.1 200 OK\r\ncostd-version: 0.0.1\r\ncostd-protocol: 9\r\n"
        b"content-length: %d\r\n\r\n%s" % (len(body), body)
    )
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client:
                        client.recv(10_000)
                        client.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield home
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_49_another_version_is_said_and_still_answers(older: Home) -> None:
    done = older.run("status", "--json")
    assert (done.returncode, json.loads(done.stdout)["totals"]) == (0, {})
    assert f"the daemon is version 0.0.1, this command is {__version__}" in done.stderr
    assert "it may be understood wrongly" in done.stderr
    assert "costd service restart" in done.stderr


def test_49_both_sides_mean_the_same_protocol() -> None:
    assert client.PROTOCOL == b"%d" % replies.PROTOCOL


# The configuration, and what lies about.


def test_77_a_config_that_others_can_change_is_refused(home: Home) -> None:
    home.config.chmod(0o666)
    done = home.run("run", "--no-live")
    assert done.returncode == 78
    assert "can be changed by others" in done.stderr
    assert "chmod go-w" in done.stderr
    assert not (home.top / "state").exists()


def test_77_a_config_of_somebody_else_is_refused(home: Home) -> None:
    root_only()
    os.chown(home.config, 65534, 65534)
    done = home.run("run", "--no-live")
    assert done.returncode == 78
    assert "belongs to uid 65534" in done.stderr


def test_77_a_command_line_that_makes_no_sense_is_no_reason_to_try_again(
    home: Home,
) -> None:
    assert home.run("run", "--bogus").returncode == 64
    assert home.run("status", "--bogus").returncode == 2


def test_78_modules_in_the_working_directory_are_not_imported(
    home: Home, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("json", "sqlite3", "socket", "asyncio", "costd", "orjson", "click"):
        (trap / f"{name}.py").write_text("raise SystemExit('imported')\n")
    home.respond(1)
    program = program_of("", sys.prefix, sys.executable)
    with home.words.open("ab") as words:
        home.process = subprocess.Popen(
            [*program, "run", "--no-live"], env=home.env, cwd=trap, stderr=words
        )
    until(home._is_up, "the daemon")
    home.until_counted(1)
    done = subprocess.run(
        [*program, "status", "--json"],
        env=home.env,
        cwd=trap,
        capture_output=True,
        check=False,
    )
    assert json.loads(done.stdout)["daemon"] is True
