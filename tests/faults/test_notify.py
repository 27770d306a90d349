"""What the service manager hears: readiness, progress, and the watchdog's pings."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path

import pytest

from costd.cli.client import connect
from costd.service.heart import Heart, says
from e2e.daemons import until
from faults.homes import CONFIG, Home, pass_time

BULK = b'{"type":"user","message":{"content":"' + b"x" * 60_000 + b'"}}\n'

# The engine stands still as soon as there is a certain file, and says so by another.
FREEZES = """
import os, threading
from costd.engine.intake import Intake
sweep = Intake.sweep
def freeze(self, *args, **kwargs):
    if os.path.exists(os.environ["FREEZE"]):
        open(os.environ["FREEZE"] + "n", "w").close()
        threading.Event().wait()
    return sweep(self, *args, **kwargs)
Intake.sweep = freeze
"""


class Supervisor:
    """The socket that a service manager gives to its services.

    It listens all the time: the kernel keeps only ten messages, and whoever sends more
    waits.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._path = str(path)
        self._read = 0
        self.heard: list[str] = []
        self.at_ready: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while message := self._socket.recv(10_000):
            lines = message.decode().split("\n")
            if "READY=1" in lines:
                self.at_ready()
            self.heard += lines

    def until(self, word: str) -> None:
        """Wait until a line begins so, after those that were waited for before."""

        def is_said() -> bool:
            for number, line in enumerate(self.heard[self._read :], self._read):
                if line.startswith(word):
                    self._read = number + 1
                    return True
            return False

        until(is_said, f"{word} said")

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._path)
        self._thread.join()
        self._socket.close()


@pytest.fixture
def manager(home: Home) -> Iterator[Supervisor]:
    path = home.top / "notify"
    made = Supervisor(path)
    home.env |= {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1000000"}
    yield made
    made.close()


def test_50_ready_comes_after_the_socket_and_before_the_logs(
    home: Home, manager: Supervisor
) -> None:
    home.respond(1)
    answered = list[bool]()

    def ask() -> None:
        connection = connect(str(home.top / "run/costd.sock"))
        answered.append(connection is not None)
        answered.append((home.top / "state/daemon.json").exists())
        answered.append((home.top / "state/ledger.db").exists())
        if connection is not None:
            connection.close()

    manager.at_ready = ask
    home.start(wait="no")
    manager.until("READY=1")
    assert answered[:3] == [True, True, True]
    manager.until("STATUS=watching 2 directories, 1 log")
    manager.until("WATCHDOG=1")
    home.config.write_text("[engine]\ntick_seconds = 0\n")
    assert home.run("config", "reload").returncode == 2
    manager.until("STATUS=config: error; watching")
    home.config.write_text(CONFIG)
    assert home.run("config", "reload").returncode == 0
    manager.until("STATUS=watching")
    assert home.stop() == 0
    manager.until("STOPPING=1")
    words = [line.partition("=")[0] for line in manager.heard]
    order = ["STATUS", "READY", "WATCHDOG", "RELOADING", "MONOTONIC_USEC", "STOPPING"]
    assert sorted(order, key=words.index) == order
    last = len(words) - words[::-1].index("STOPPING")
    assert "WATCHDOG" not in words[last:]


def test_50_an_import_is_told_with_its_progress(
    home: Home, manager: Supervisor
) -> None:
    for number in range(1, 5):
        home.append(BULK * 200, log=number)
    slow = "import time, costd.engine.intake as i; take = i.Intake.advance\n"
    slow += "i.Intake.advance = lambda *a: (time.sleep(0.3), take(*a))\n"
    home.start(hook=slow, wait="no")
    manager.until("STATUS=importing ")
    line = next(line for line in manager.heard if line.startswith("STATUS=importing"))
    assert line.endswith(" of 48 MB)")
    manager.until("STATUS=watching")


def test_50_an_engine_that_stands_still_is_not_vouched_for(
    home: Home, manager: Supervisor
) -> None:
    home.env["FREEZE"] = str(home.top / "freeze")
    home.start(hook=FREEZES)
    manager.until("WATCHDOG=1")
    (home.top / "freeze").touch()
    until((home.top / "freezen").exists, "the engine to stand still")

    def is_silent() -> bool:
        """For three times what the watchdog allows; the last ping may be on its way."""
        pings = manager.heard.count("WATCHDOG=1")
        pass_time(3.0)
        return manager.heard.count("WATCHDOG=1") == pings

    until(is_silent, "silence")
    # The server answers all the while: it is not the process that hangs.
    assert home.ask("/api/version")["protocol"] == 1


class Parts:
    """An engine, a server and a clock that do as they are told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sweeps = 0
        self.server_runs = True

    def ask(self, name: str, params: Mapping[str, object]) -> Future[object]:
        answer: Future[object] = Future()
        answer.set_result(
            {
                "sweeps": self.sweeps,
                "files": 1,
                "directories": 1,
                "bytes_total": 10,
                "bytes_behind": 0,
                "troubles": [],
            }
        )
        return answer

    def touch(self, act: Callable[[], None]) -> None:
        if self.server_runs:
            act()


def test_50_each_part_has_to_get_on(monkeypatch: pytest.MonkeyPatch) -> None:
    parts, sent = Parts(), list[str]()
    monkeypatch.setattr("costd.service.heart.notify", lambda *said: sent.extend(said))
    heart = Heart(
        parts.ask,
        parts.touch,
        sweep_seconds=30,
        watchdog_seconds=60,
        monotonic=lambda: parts.now,
    )
    heart.tick_seconds = 30

    def stuck(*, sweeps: bool = True, ticks: bool = True) -> list[str]:
        """Five minutes in which some parts get on; those that do not, at the end."""
        for _ in range(30):
            sent.clear()
            parts.now += 10
            parts.sweeps += sweeps
            if ticks:
                heart.ticked()
            heart._beat()
        assert ("WATCHDOG=1" in sent) is (not heart.stuck())
        return heart.stuck()

    assert stuck() == []
    assert stuck(sweeps=False) == ["logs"]
    assert stuck() == []
    assert stuck(ticks=False) == ["beat"]
    parts.server_runs = False
    assert stuck() == ["server"]
    heart._ask = lambda _name, _params: Future()
    assert stuck() == ["engine", "logs", "server"]


def test_50_the_line_says_what_is_wrong_first() -> None:
    pulse = {
        "bytes_total": 9_800_000_000,
        "bytes_behind": 8_600_000_000,
        "files": 1,
        "directories": 2,
        "troubles": ["config", "ledger_busy"],
    }
    begin = "config: error; ledger_busy: error; "
    assert says(pulse) == f"{begin}importing 12 % (1.2 GB of 9.8 GB)"
    well = {**pulse, "bytes_total": 0, "bytes_behind": 0, "troubles": []}
    assert says(well) == "watching 2 directories, 1 log"
