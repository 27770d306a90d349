"""Rows 26 to 35 of the fault table: events that do not come, and too few of anything."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from e2e.daemons import until
from faults.homes import NIGHTLY, Home, limited, need, pass_time
from loglines import Line, lines, session

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="these are inotify's faults; FSEvents has others"
)
SELDOM = "[engine]\ntick_seconds = 1\nsweep_seconds = 3600\n"
"""Nothing is found by looking: what is seen was heard, or a rescan was asked for."""

WITNESS = """
import dataclasses, json, os
from costd.ingest.watch import Watch
publish = Watch._publish
def publish_and_tell(self):
    publish(self)
    with open(os.environ["WITNESS"] + ".new", "w") as file:
        json.dump(dataclasses.asdict(self._health), file)
    os.replace(file.name, os.environ["WITNESS"])
Watch._publish = publish_and_tell
"""


@pytest.fixture
def seldom(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path, SELDOM)
    yield made
    made.kill()


def begin(home: Home, *prefix: str, hook: str = "") -> Callable[[], Any]:
    """Start it; what comes back says what the watch thinks of itself."""
    witness = home.top / "watch.json"
    home.env["WITNESS"] = str(witness)
    home.start(*prefix, hook=WITNESS + hook)
    until(witness.exists, "the watch")
    until(lambda: json.loads(witness.read_bytes())["reason"] != "not started", "it")
    return lambda: json.loads(witness.read_bytes())


def queue_length() -> int:
    return int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())


def test_26_the_kernels_queue_overflows(seldom: Home) -> None:
    """What happened after the overflow is told by no event: only the rescan finds it."""
    home = seldom
    home.respond(1)
    watch = begin(home)
    home.until_counted(1)
    assert watch()["mode"] == "inotify"
    home.signal(signal.SIGSTOP)
    count = max(queue_length() * 5 // 4, 40_000 if NIGHTLY else 0)
    texts = [Line(n, request_id=None).text() for n in range(2, 202)]
    with (
        home.log(1).open("ab", buffering=0) as one,
        home.log(2).open("ab", buffering=0) as two,
    ):
        for number in range(count // 2):
            # In turn: equal neighbours would become one event.
            one.write(texts[number] if number < len(texts) else b"\n")
            two.write(b"\n")
    for number in range(3, 43):
        home.respond(number * 1_000, log=number)
        home.log(number, f"-w-{number}").write_bytes(
            lines(number * 1_000 + 1, session_id=session(number))
        )
    home.signal(signal.SIGCONT)
    home.until_counted(1 + 200 + 80)
    home.assert_exact()
    assert watch()["overflows"] >= 1
    home.respond(801, 802, log=2)
    home.until_counted(283)


def test_27_more_directories_than_watchdog_can_stand(home: Home) -> None:
    """At 5,000 directories watchdog 7.1 can eat a core for ever and hear nothing."""
    for number in range(17_000 if NIGHTLY else 6_000):
        (home.root / f"p{number % 50}" / f"s{number}").mkdir(parents=True)
    home.respond(1)
    watch = begin(home)
    home.until_counted(1)
    until(lambda: watch()["mode"] == "polling", "polling")
    assert "directories" in watch()["reason"]
    assert "watch_polling" in home.problems()
    home.sync()
    began, cpu = time.monotonic(), home.cpu_seconds()
    pass_time(5)
    assert home.cpu_seconds() - cpu < 0.25 * (time.monotonic() - began)
    home.respond(2)
    home.log(3, "p1/s1").write_bytes(lines(3, session_id=session(3)))
    home.until_counted(3)


def test_28_the_limit_of_watches_is_reached(home: Home) -> None:
    for number in range(200):
        (home.root / f"d{number}").mkdir(parents=True)
    home.respond(1)
    watch = begin(home, *limited("max_inotify_watches", 60))
    home.until_counted(1)
    until(lambda: watch()["mode"] == "polling", "polling")
    (told,) = [p for p in home.status()["health"] if p["code"] == "watch_polling"]
    assert "limit of inotify watches" in told["message"]
    assert "max_user_watches" in told["fix"]
    for number in (50, 150, 199):
        home.log(number, f"d{number}").write_bytes(
            lines(number, session_id=session(number))
        )
    home.until_counted(4)


@pytest.mark.parametrize("instances", [0, 1])
def test_29_the_limit_of_instances_is_reached(home: Home, instances: int) -> None:
    home.respond(1)
    watch = begin(home, *limited("max_inotify_instances", instances))
    home.until_counted(1)
    home.respond(2)
    home.until_counted(2)
    if instances == 0:
        assert watch()["mode"] == "polling"
        (told,) = [p for p in home.status()["health"] if p["code"] == "watch_polling"]
        assert "max_user_instances" in told["fix"]


DIES = """
from watchdog.observers.inotify_c import InotifyFD
handle = InotifyFD.handle_event
def handle_or_die(self, event):
    if b"poison" in os.fsencode(event.name):
        raise KeyError("as watchdog 7.0 did")
    handle(self, event)
InotifyFD.handle_event = handle_or_die
"""


def test_30_watchdogs_thread_dies(home: Home) -> None:
    home.respond(1)
    watch = begin(home, hook=DIES)
    home.until_counted(1)
    (home.root / "-w-app" / "poison").touch()
    until(lambda: watch()["restarts"] == 1, "a new observer")
    home.respond(2)
    home.until_counted(2)
    until(lambda: watch()["mode"] == "inotify", "events again")
    assert home.problems() == set()
    assert "poison" not in home.words.read_text()


RAISES = """
from costd.engine.loop import Engine
hint = Engine.hint
def hint_or_fail(self, path):
    if "poison" in path:
        raise RuntimeError(path)
    hint(self, path)
Engine.hint = hint_or_fail
"""


def test_31_whoever_takes_a_hint_raises(seldom: Home) -> None:
    home = seldom
    home.respond(1)
    watch = begin(home, hook=RAISES)
    home.until_counted(1)
    for number in range(300):
        (home.root / "-w-app" / f"poison{number}").touch()
    home.respond(2)  # heard after those
    home.until_counted(2)
    assert watch()["mode"] == "inotify"
    assert "poison" not in home.words.read_text()


def test_32_the_root_is_missing_at_the_start(home: Home) -> None:
    home.start()
    assert "no_logs" in home.problems()
    assert home.status()["daemon"] is True
    home.respond(1)
    home.until_counted(1)
    until(lambda: "no_logs" not in home.problems(), "that it is well")


@pytest.mark.parametrize("how", ["removed", "renamed", "a link that turns"])
def test_33_the_root_goes_and_comes_again(home: Home, how: str) -> None:
    if how == "a link that turns":
        (home.top / "real").mkdir()
        home.root.parent.mkdir()
        home.root.symlink_to(home.top / "real")
    home.respond(1, 2)
    home.start()
    home.until_counted(2)
    if how == "removed":
        shutil.rmtree(home.root.parent)
        until(lambda: home.source()["vanished_files"], "that the logs are gone")
        assert home.responses == 2
    elif how == "renamed":
        home.root.rename(home.top / "away")
    else:
        home.root.unlink()
        (home.top / "other").mkdir()
        home.root.symlink_to(home.top / "other")
    home.respond(1, 2, 3)
    home.until_counted(3)
    home.respond(4, log=2)
    home.until_counted(4)
    home.sync()
    assert home.total().responses == 4


ELSEWHERE = """
from costd.ingest import kernel, watch
here = kernel.read_mountinfo
def mounts():
    more = "\\n999 1 0:99 / %s rw - fuse.sshfs far rw\\n" % os.environ["FAR"]
    return here() + more
kernel.read_mountinfo = mounts
watch.Watch.__init__.__kwdefaults__["mountinfo"] = mounts
"""


def test_34_a_file_system_without_events(home: Home) -> None:
    home.env["FAR"] = str(home.root.parent)
    home.respond(1)
    watch = begin(home, hook=ELSEWHERE)
    home.until_counted(1)
    until(lambda: watch()["mode"] == "polling", "polling")
    (told,) = [p for p in home.status()["health"] if p["code"] == "watch_polling"]
    assert "fuse.sshfs" in told["message"]
    home.respond(2)
    home.until_counted(2)


def test_34_a_real_mount_without_events(home: Home) -> None:
    """What is written behind a FUSE mount makes no event in it."""
    if shutil.which("bindfs") is None:
        pytest.skip("no bindfs here")
    behind = home.top / "behind"
    behind.mkdir()
    home.root.mkdir(parents=True)
    need(["bindfs", str(behind), str(home.root)], "FUSE")
    try:
        watch = begin(home)
        log = behind / "-w-app" / f"{session(1)}.jsonl"
        log.parent.mkdir()
        log.write_bytes(lines(1))
        home.until_counted(1)
        assert watch()["mode"] == "polling"
    finally:
        home.kill()
        subprocess.run(["umount", str(home.root)], check=False)


def test_35_too_few_descriptors(home: Home) -> None:
    for number in range(1, 501):
        home.respond(number, log=number)
    need(["prlimit", "--nofile=32", "true"], "prlimit")
    home.start("prlimit", "--nofile=32")
    home.until_counted(500)
    with ExitStack() as held:
        for _ in range(40):  # more than there are
            client = held.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(home.top / "run" / "costd.sock"))
        home.respond(501)
        cpu, began = home.cpu_seconds(), time.monotonic()
        pass_time(2)
        assert home.cpu_seconds() - cpu < 0.8 * (time.monotonic() - began)
    home.until_counted(501)
    home.respond(502)
    home.until_counted(502)
    assert home.descriptors() <= 32
    home.assert_exact()
    assert home.stop() == 0


def test_35_an_open_that_fails_is_tried_again(home: Home) -> None:
    """Every second open of a log fails, for want of a descriptor."""
    fails = (
        "import errno, os\n"
        "real, turn = os.open, [0]\n"
        "def short(path, *more, **named):\n"
        "    name = os.fsencode(path)\n"
        "    if b'/projects/' in name and name.endswith(b'.jsonl'):\n"
        "        turn[0] += 1\n"
        "        if turn[0] % 2:\n"
        "            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))\n"
        "    return real(path, *more, **named)\n"
        "os.open = short\n"
    )
    for number in range(1, 20):
        home.respond(number, log=number)
    home.start(hook=fails)
    home.until_counted(19)
    home.sync()
    home.sync()
    assert home.problems() == set()
    home.assert_exact()
