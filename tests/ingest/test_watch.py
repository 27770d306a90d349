"""The watch hears what happens, and says so when it does not hear."""

from __future__ import annotations

import gc
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from costd.ingest import watch as module
from costd.ingest.observer import Lookout
from costd.ingest.sweep import sweep
from costd.ingest.watch import POLL_SECONDS, SLOW_SWEEP_SECONDS, Watch

DEADLINE = 100.0
REPO = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="these are inotify's faults; FSEvents has others"
)
# A thread that dies on purpose is what some of these tests are about.
lets_threads_die = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.005)


class Post:
    """A watch, what it told, and a clock of its own."""

    def __init__(self, *roots: Path, mounts: str = "", canary: str = "") -> None:
        self.hints: list[str] = []
        self.rescans = 0
        self.now = 1_000.0
        self.mounts = mounts
        self.roots = [str(root) for root in roots]
        self.watch = Watch(
            self.roots,
            notify=self.notify,
            rescan=self.rescan,
            canary_dir=canary,
            monotonic=lambda: self.now,
            mountinfo=lambda: self.mounts,
        )

    def notify(self, path: str) -> None:
        self.hints.append(path)

    def rescan(self) -> None:
        self.rescans += 1

    def start(self) -> Post:
        self.watch.start()
        return self

    def check(self, extra: int = 0) -> None:
        """What the engine does at each tick; ``extra`` directories are made up."""
        found = sweep(self.roots, lambda relative: relative.endswith(".jsonl"))
        self.watch.check(found.directories + extra)

    def hears(self, path: Path) -> None:
        """Write to ``path`` and wait until it is hinted at."""
        began = len(self.hints)
        append(path)
        wait_for(lambda: str(path) in self.hints[began:])

    @property
    def lookout(self) -> Lookout:
        assert self.watch._lookout is not None
        return self.watch._lookout

    @property
    def mode(self) -> str:
        return self.watch.health().mode

    @property
    def reason(self) -> str:
        return self.watch.health().reason


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("{}\n")


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    root = tmp_path / "root"
    (root / "slug").mkdir(parents=True)
    opened = Post(root, canary=str(tmp_path / "own/canary"))
    opened.start()
    yield opened
    opened.watch.stop()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


class TestHints:
    def test_of_appends_renames_and_deletions(self, post: Post, root: Path) -> None:
        log, moved = root / "slug/a.jsonl", root / "b.jsonl"
        post.hears(log)
        post.hints.clear()
        log.rename(moved)
        wait_for(lambda: {str(log), str(moved)} <= set(post.hints))
        post.hints.clear()
        moved.unlink()
        wait_for(lambda: str(moved) in post.hints)

    def test_of_files_written_at_once_in_new_folders(
        self, post: Post, root: Path
    ) -> None:
        """A watch of the new folder may come after the file: still one hint each."""
        logs = []
        for number in range(50):
            folder = root / f"new{number}/sid/subagents"
            folder.mkdir(parents=True)
            logs.append(str(folder / "agent-a.jsonl"))
            append(folder / "agent-a.jsonl")
        wait_for(lambda: set(logs) <= set(post.hints))

    def test_of_a_folder_moved_in(self, post: Post, root: Path, tmp_path: Path) -> None:
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        append(folder / "a.jsonl")
        folder.rename(root / "in")
        wait_for(lambda: str(root / "in/a.jsonl") in post.hints)
        post.hears(root / "in/a.jsonl")

    def test_not_of_reading(self, post: Post, root: Path) -> None:
        """costd reads logs itself: that must not wake it again."""
        log = root / "slug/a.jsonl"
        post.hears(log)
        post.hears(root / "slug/b.jsonl")
        began = len(post.hints)
        for _ in range(3):
            assert log.read_text()
        # Events keep their order: a hint of reading would come before this one.
        post.hears(root / "slug/c.jsonl")
        assert str(log) not in post.hints[began:]

    def test_of_names_that_are_not_utf8(self, post: Post, root: Path) -> None:
        path = os.fsencode(root) + b"/slug/\xff.jsonl"
        with open(path, "wb"):  # noqa: PTH123 - a Path cannot be made of these bytes
            pass
        wait_for(lambda: os.fsdecode(path) in post.hints)

    def test_an_exception_in_notify_ends_nothing(self, post: Post, root: Path) -> None:
        def refuse(_path: str) -> None:
            raise SystemExit

        hear, post.watch._notify = post.watch._notify, refuse
        append(root / "slug/a.jsonl")
        wait_for(lambda: post.watch._lost_hints)
        post.watch._notify = hear
        post.hears(root / "slug/b.jsonl")
        rescans = post.rescans
        post.check()
        assert post.watch.health().lost_hints >= 1
        assert post.rescans == rescans + 1


class TestHealth:
    def test_well(self, post: Post) -> None:
        for _ in range(3):
            post.check()
        health = post.watch.health()
        assert (health.mode, health.reason, health.fix) == ("inotify", "", "")
        assert (health.roots, health.missing_roots) == (1, 0)
        assert (health.directories, health.watched_dirs) == (2, 2)
        assert health.canary
        assert health.restarts == 0
        assert post.watch.sweep_seconds == SLOW_SWEEP_SECONDS
        assert post.rescans == 0

    def test_before_start_and_after_stop(self, tmp_path: Path) -> None:
        post = Post(tmp_path)
        assert (post.mode, post.reason) == ("polling", "not started")
        post.start()
        assert post.mode == "inotify"
        post.watch.stop()
        post.watch.stop()
        post.check()
        assert (post.mode, post.reason) == ("polling", "stopped")
        assert post.watch.sweep_seconds == POLL_SECONDS

    def test_stop_leaves_no_thread_and_no_descriptor(self, tmp_path: Path) -> None:
        threads = set(threading.enumerate())
        post = Post(tmp_path, canary=str(tmp_path / "own")).start()
        gc.collect()  # what other tests left open is not closed in between
        before = descriptors()
        post.watch.stop()
        wait_for(lambda: set(threading.enumerate()) <= threads)
        assert descriptors() == before - 3

    def test_stop_does_not_wait_for_a_notify_that_hangs(
        self, post: Post, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entered, go_on = threading.Event(), threading.Event()

        def hang(_path: str) -> None:
            entered.set()
            go_on.wait(DEADLINE)

        monkeypatch.setattr("costd.ingest.observer.STOP_SECONDS", 0.05)
        post.watch._notify = hang
        append(root / "slug/a.jsonl")
        assert entered.wait(DEADLINE)
        lookout = post.lookout
        assert not lookout.stop()
        go_on.set()


class TestRoots:
    def test_missing_at_start(self, tmp_path: Path) -> None:
        root = tmp_path / "later"
        post = Post(root).start()
        assert post.watch.health().missing_roots == 1
        post.check()
        assert post.rescans == 0
        (root / "slug").mkdir(parents=True)
        post.check()
        assert post.rescans == 1  # what was written before is not hinted at
        assert post.watch.health().missing_roots == 0
        post.hears(root / "slug/a.jsonl")
        post.watch.stop()

    def test_deleted_and_made_again(self, post: Post, root: Path) -> None:
        shutil.rmtree(root)
        post.check()
        assert post.watch.health().missing_roots == 1
        (root / "slug").mkdir(parents=True)
        post.check()
        post.hears(root / "slug/a.jsonl")
        assert post.mode == "inotify"
        assert post.rescans == 1

    def test_deleted_and_made_again_between_two_checks(
        self, post: Post, root: Path
    ) -> None:
        """The new one may have the old one's inode: then its thread's end tells."""
        shutil.rmtree(root)
        (root / "slug").mkdir(parents=True)

        def heard() -> bool:
            post.check()
            append(root / "slug/a.jsonl")
            return str(root / "slug/a.jsonl") in post.hints

        wait_for(heard)
        assert post.mode == "inotify"

    def test_renamed_away_and_another_in_its_place(
        self, post: Post, root: Path, tmp_path: Path
    ) -> None:
        root.rename(tmp_path / "old")
        (root / "slug").mkdir(parents=True)
        post.check()
        post.hears(root / "slug/a.jsonl")
        append(tmp_path / "old/slug/gone.jsonl")
        post.hears(root / "slug/b.jsonl")
        assert str(root / "slug/gone.jsonl") not in post.hints

    def test_a_link_is_watched_where_it_leads(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        (tmp_path / "root").symlink_to("one")
        post = Post(tmp_path / "root").start()
        post.hears(tmp_path / "one/a.jsonl")
        (tmp_path / "root").unlink()
        (tmp_path / "root").symlink_to("two")
        post.check()
        post.hears(tmp_path / "two/a.jsonl")
        append(tmp_path / "one/gone.jsonl")
        post.hears(tmp_path / "two/b.jsonl")
        assert str(tmp_path / "one/gone.jsonl") not in post.hints
        post.watch.stop()

    def test_a_root_inside_another_and_twice(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        post = Post(tmp_path, tmp_path / "in", tmp_path).start()
        for _ in range(3):
            post.check()
        assert post.watch.health().watched_dirs == 2
        assert post.watch.health().restarts == 0
        post.hears(tmp_path / "in/a.jsonl")
        post.watch.stop()


class TestOverflow:
    @staticmethod
    def told(times: int = 1) -> None:
        reader = logging.getLogger("watchdog.observers.inotify_c")
        group = logging.getLogger("watchdog.observers.inotify")
        for _ in range(times):
            reader.warning("Inotify queue overflowed; filesystem events were lost")
            group.warning("Inotify queue overflowed; reconciling below %r", b"/x")

    def test_asks_for_a_sweep_at_once(self, post: Post) -> None:
        self.told()
        assert post.rescans == 1
        post.check()
        assert (post.mode, post.watch.health().overflows) == ("inotify", 1)
        assert post.watch.health().lost_hints == 0

    def test_a_second_within_a_minute_means_polling(
        self, post: Post, root: Path
    ) -> None:
        self.told()
        post.now += 59
        self.told(times=100)  # the endless loop of watchdog 7.1
        assert post.rescans == 2
        post.check()
        assert post.mode == "polling"
        assert "overflow" in post.reason
        assert "max_queued_events" in post.watch.health().fix
        post.now += 599
        post.check()
        assert post.mode == "polling"
        post.now += 1
        post.check()
        assert post.mode == "inotify"
        post.hears(root / "slug/a.jsonl")

    def test_a_second_after_a_minute_does_not(self, post: Post) -> None:
        self.told()
        post.now += 61
        assert post.rescans == 1
        self.told()
        assert post.rescans == 2
        post.check()
        assert post.mode == "inotify"

    def test_for_real(self, post: Post, root: Path) -> None:
        """The kernel's queue is filled while watchdog's reader is held up."""
        limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        reader = post.lookout._observer._inotify_fd  # type: ignore[attr-defined] # inotify's observer has it
        one, two = (
            os.open(root / f"slug/{n}.jsonl", os.O_CREAT | os.O_WRONLY) for n in "ab"
        )
        with reader._lock:
            for _ in range(limit // 2 + 3_000):  # it may have taken one batch of 2,560
                os.write(one, b"\n")  # in turn: equal neighbours become one event
                os.write(two, b"\n")
        wait_for(lambda: post.rescans)
        os.close(one)
        os.close(two)
        self.is_hinted_at(post, root / "slug/c.jsonl")
        post.check()
        assert post.rescans == 2  # watchdog was deaf while it took its watches anew
        assert post.watch.health().overflows == 1
        assert post.mode == "inotify"
        (root / "new").mkdir()
        post.hears(root / "new/d.jsonl")
        post.check()
        assert post.rescans == 2

    @staticmethod
    def is_hinted_at(post: Post, path: Path) -> None:
        def heard() -> bool:
            append(path)
            return str(path) in post.hints

        wait_for(heard)

    def test_after_stop_nobody_listens(self, tmp_path: Path) -> None:
        post = Post(tmp_path).start()
        post.watch.stop()
        self.told()
        assert post.rescans == 0


class TestUnfit:
    def test_too_many_directories(self, post: Post, root: Path) -> None:
        post.check(extra=module.MAX_DIRECTORIES)
        assert (post.mode, post.watch.sweep_seconds) == ("polling", POLL_SECONDS)
        assert "4002 directories" in post.reason
        post.watch.check(module.MAX_DIRECTORIES - 1)
        assert post.mode == "polling"  # not in and out at the limit
        post.check()
        assert (post.mode, post.reason) == ("inotify", "")
        post.hears(root / "slug/a.jsonl")

    @pytest.mark.parametrize("kind", ["nfs4", "9p", "fuse.bindfs"])
    def test_a_network_file_system(self, tmp_path: Path, kind: str) -> None:
        def mounts(kind: str) -> str:
            return (
                "1 0 8:1 / / rw - ext4 /dev/root rw\n"
                f"2 1 0:9 / {tmp_path}/net rw shared:1 - {kind} server rw\n"
            )

        (tmp_path / "net").mkdir()
        post = Post(tmp_path / "net/root", mounts=mounts(kind)).start()
        assert post.mode == "polling"
        assert kind in post.reason
        post.check()
        assert post.mode == "polling"
        post.mounts = mounts("ext4")
        post.check()
        assert (post.mode, post.reason) == ("inotify", "")
        post.watch.stop()

    def test_a_network_file_system_for_the_canary_only(self, tmp_path: Path) -> None:
        mounts = f"2 1 0:9 / {tmp_path}/net rw - nfs server rw\n"
        (tmp_path / "root").mkdir()
        post = Post(tmp_path / "root", mounts=mounts, canary=f"{tmp_path}/net/c")
        post.start()
        for _ in range(3):
            post.now += 30
            post.check()
        assert (post.mode, post.watch.health().canary) == ("inotify", False)
        post.watch.stop()


class TestDeath:
    @lets_threads_die
    def test_of_the_reader(self, post: Post, root: Path) -> None:
        def fail(_event: object) -> None:
            raise KeyError("as watchdog 7.0 did")

        reader = post.lookout._observer._inotify_fd  # type: ignore[attr-defined] # inotify's observer has it
        reader.handle_event = fail
        append(root / "slug/a.jsonl")
        wait_for(lambda: not reader.is_alive())
        self.restarted(post, root)

    @lets_threads_die
    def test_of_the_dispatcher(self, post: Post, root: Path) -> None:
        observer = post.lookout._observer
        observer.event_queue.put("no event")
        wait_for(lambda: not observer.is_alive())
        self.restarted(post, root)

    @lets_threads_die
    def test_of_a_roots_own_thread(self, post: Post, root: Path) -> None:
        (emitter,) = (
            e for e in post.lookout._observer.emitters if e.watch.path == str(root)
        )
        group = emitter._inotify  # type: ignore[attr-defined] # inotify's emitter has it
        group._move_event_grouper._queue.put("no event")
        wait_for(lambda: not emitter.is_alive())
        post.check()
        assert post.rescans == 1
        post.hears(root / "slug/a.jsonl")

    @staticmethod
    def restarted(post: Post, root: Path) -> None:
        post.check()
        assert post.rescans == 1
        assert (post.mode, post.watch.health().restarts) == ("inotify", 1)
        post.hears(root / "slug/b.jsonl")

    @lets_threads_die
    def test_again_and_again_waits_longer(self, post: Post) -> None:
        waits = []
        for _ in range(6):
            observer = post.lookout._observer
            observer.event_queue.put("no event")
            observer.join(DEADLINE)
            post.check()
            began = post.now
            while post.mode == "polling":
                assert "dispatching thread died" in post.reason
                post.now += 1
                post.check()
            waits.append(post.now - began)
        assert waits == [0, 5, 30, 120, 600, 600]

    @lets_threads_die
    def test_is_forgiven_after_an_hour(self, post: Post) -> None:
        for _ in range(3):
            observer = post.lookout._observer
            observer.event_queue.put("no event")
            observer.join(DEADLINE)
            post.check()
            assert post.mode == "inotify"
            post.now += 3_601

    def test_a_backlog_means_a_new_observer(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_BACKLOG", -1)
        post.check()
        assert post.watch.health().restarts == 1
        post.check()
        assert (post.mode, post.reason) == (
            "polling",
            "events come faster than they are taken",
        )


class TestCanary:
    @staticmethod
    def deafen(post: Post) -> None:
        """All threads live, all watches count, and nothing is handed on."""
        post.lookout._observer._handlers.clear()

    def test_sings_and_is_heard(self, post: Post, tmp_path: Path) -> None:
        for _ in range(5):
            post.check()
            wait_for(lambda: post.watch._canary._heard)
            post.now += 30
        assert post.watch.health().restarts == 0
        assert post.hints == []
        assert [p.name for p in (tmp_path / "own/canary").iterdir()] == ["canary"]
        assert (tmp_path / "own/canary").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "own/canary/canary").stat().st_mode & 0o777 == 0o600

    def test_deaf_once_restarts_deaf_twice_polls(self, post: Post, root: Path) -> None:
        post.check()
        wait_for(lambda: post.watch._canary._heard)
        self.deafen(post)
        post.check()
        post.now += 1
        post.check()
        assert post.watch.health().restarts == 0  # it may still come
        post.now += 1
        post.check()
        assert (post.mode, post.watch.health().restarts) == ("inotify", 1)
        assert post.rescans == 1
        self.deafen(post)
        post.check()
        post.now += 30
        post.check()
        assert (post.mode, post.reason) == (
            "polling",
            "the canary's event did not come",
        )
        post.now += 600
        post.check()
        post.hears(root / "slug/a.jsonl")

    def test_that_cannot_sing_raises_no_alarm(self, post: Post, tmp_path: Path) -> None:
        (tmp_path / "own/canary/canary").mkdir()
        for _ in range(3):
            post.now += 30
            post.check()
        assert (post.mode, post.watch.health().restarts) == ("inotify", 0)

    def test_comes_back_when_its_directory_was_removed(
        self, post: Post, tmp_path: Path
    ) -> None:
        shutil.rmtree(tmp_path / "own")

        def heard() -> bool:
            if not post.watch._canary._heard:
                post.now += 1
                post.check()
            return post.watch._canary._heard

        wait_for(heard)
        assert post.watch.health().canary

    def test_without_a_place_there_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "root").mkdir()
        post = Post(tmp_path / "root", canary=str(tmp_path / "file/own")).start()
        post.check()
        assert (post.mode, post.watch.health().canary) == ("inotify", False)
        post.watch.stop()


class TestShortfall:
    def test_needs_two_looks(self, post: Post) -> None:
        post.check(extra=1)
        post.check()
        post.check(extra=1)
        assert (post.mode, post.watch.health().restarts) == ("inotify", 0)

    def test_that_stays_restarts_then_polls(self, post: Post) -> None:
        for _ in range(2):
            post.check(extra=1)
        assert (post.mode, post.watch.health().restarts) == ("inotify", 1)
        for _ in range(2):
            post.check(extra=1)
        assert (post.mode, post.reason) == ("polling", "2 of 3 directories are watched")

    @staticmethod
    def limited(tmp_path: Path, limit: str, value: int) -> dict[str, object]:
        (tmp_path / "root").mkdir()
        for number in range(200):
            (tmp_path / f"root/d{number}").mkdir()
        child = [sys.executable, "-c", LIMITED, str(tmp_path / "root")]
        shell = f'echo {value} > /proc/sys/user/{limit} && exec "$@"'
        done = subprocess.run(
            ["unshare", "-Ur", "sh", "-c", shell, "sh", *child],
            env={**os.environ, "PYTHONPATH": str(REPO / "daemon")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode and "unshare" in done.stderr:
            if os.environ.get("CI") == "true" and os.getuid() == 0:
                pytest.fail(f"user namespaces are needed here: {done.stderr}")
            pytest.skip("no user namespaces here")
        assert (done.returncode, done.stderr) == (0, "")
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    def test_by_the_limit_of_watches(self, tmp_path: Path) -> None:
        health = self.limited(tmp_path, "max_inotify_watches", 60)
        assert health["mode"] == "polling"
        assert health["reason"] == (
            "60 of 201 directories are watched: the limit of inotify watches is reached"
        )
        assert "max_user_watches" in str(health["fix"])
        assert health["restarts"] == 0

    def test_by_a_limit_that_allows_none(self, tmp_path: Path) -> None:
        health = self.limited(tmp_path, "max_inotify_watches", 0)
        assert health["mode"] == "polling"
        assert health["reason"] == "the limit of inotify watches is reached"

    def test_by_the_limit_of_instances(self, tmp_path: Path) -> None:
        health = self.limited(tmp_path, "max_inotify_instances", 0)
        assert health["mode"] == "polling"
        assert health["reason"] == "no inotify instance or file descriptor is left"
        assert "max_user_instances" in str(health["fix"])
        assert health["limit_reached"] is False  # nobody can tell


LIMITED = """
import dataclasses, json, logging, sys
from costd.ingest import kernel
from costd.ingest.sweep import sweep
from costd.ingest.watch import Watch
root = sys.argv[1]
watch = Watch([root], notify=lambda path: None, rescan=lambda: None)
watch.start()
watch.check(sweep([root], lambda relative: True).directories)
limit_reached = kernel.is_watch_limit_reached()
print(json.dumps(dataclasses.asdict(watch.health()) | {"limit_reached": limit_reached}))
watch.stop()
logging.getLogger("watchdog.observers").error("not to be seen: /a/path")
"""


class Records(logging.Handler):
    """What reaches the root logger, where costd's own log would take it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def test_no_path_in_warnings_or_records(
    post: Post, root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """watchdog warns with everything it watches while folders are being made."""
    records = Records()
    logging.getLogger().addHandler(records)
    try:
        with warnings.catch_warnings(record=True) as told:
            post.watch.stop()
            warnings.simplefilter("always")
            post.start()
            for number in range(100):
                (root / f"p{number}/a/b/c").mkdir(parents=True)
            post.hears(root / "p99/a/b/c/a.jsonl")
            TestOverflow.told()
            post.watch.stop()
            TestOverflow.told()
    finally:
        logging.getLogger().removeHandler(records)
    assert told == []
    assert records.texts == []
    assert capfd.readouterr() == ("", "")
