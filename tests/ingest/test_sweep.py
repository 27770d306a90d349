"""The sweep finds every log once, whatever else lies under the roots."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import string
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from costd.ingest.sweep import (
    Changed,
    Seen,
    Sweep,
    changed,
    joined,
    path_hash,
    sweep,
)

REPO = Path(__file__).parents[2]


def is_log(relative: str) -> bool:
    return relative.endswith(".jsonl")


def write(path: Path, text: str = "{}\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def kinds(found: Sweep) -> list[str]:
    return sorted(problem.kind for problem in found.problems)


def must_be_root() -> None:
    """Skip where the test needs more rights; a green CI must not hide that."""
    if os.getuid() == 0 or os.environ.get("CI") == "true":
        return
    pytest.skip("needs root")


def test_finds_wanted_regular_files_at_any_depth(tmp_path: Path) -> None:
    logs = {
        str(write(tmp_path / "a.jsonl")),
        str(write(tmp_path / "slug/b.jsonl")),
        str(write(tmp_path / "slug/sid/subagents/workflows/wf/agent-c.jsonl")),
    }
    write(tmp_path / "slug/sid/agent-c.meta.json")
    found = sweep([str(tmp_path)], is_log)
    assert set(found.files) == logs
    assert found.directories == 6
    assert found.problems == ()
    assert found.roots == (str(tmp_path),)


def test_seen_is_what_stat_says(tmp_path: Path) -> None:
    log = write(tmp_path / "a.jsonl", "four")
    os.utime(log, ns=(1, 2))
    status = log.stat()
    assert sweep([str(tmp_path)], is_log).files[str(log)] == Seen(
        status.st_dev, status.st_ino, 4, 2, status.st_ctime_ns
    )


def test_the_source_decides_by_the_path_relative_to_the_root(tmp_path: Path) -> None:
    write(tmp_path / "slug/a.jsonl")
    write(tmp_path / "b.txt")
    asked: list[str] = []

    def wanted(relative: str) -> bool:
        asked.append(relative)
        return False

    sweep([str(tmp_path) + "/"], wanted)
    assert sorted(asked) == ["b.txt", "slug/a.jsonl"]


def test_a_missing_root_is_a_problem_and_the_others_are_swept(tmp_path: Path) -> None:
    log = write(tmp_path / "here/a.jsonl")
    missing = str(tmp_path / "missing")
    found = sweep([missing, str(tmp_path / "here")], is_log)
    assert list(found.files) == [str(log)]
    assert kinds(found) == ["root_missing"]
    assert found.problems[0].path_hash == path_hash(missing)
    assert found.problems[0].error == "ENOENT"
    assert found.unlisted == ()


@pytest.mark.parametrize("root", ["nul\0in it", "lone \ud800 surrogate", ""])
def test_a_root_that_cannot_be_does_not_raise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.jsonl")
    found = sweep([root], is_log)
    assert found.files == {}
    assert kinds(found) == (["root_missing"] if root else [])


def test_a_file_for_a_root_is_a_problem(tmp_path: Path) -> None:
    found = sweep([str(write(tmp_path / "a.jsonl"))], is_log)
    assert found.files == {}
    assert found.problems[0].kind == "root_missing"
    assert found.problems[0].error == "ENOTDIR"


def test_problems_do_not_show_paths(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "secret.jsonl")
    found = sweep([str(tmp_path), "/nowhere/secret"], is_log)
    assert len(found.problems) == 2
    assert "secret" not in repr(found.problems)


def test_fifos_sockets_and_directories_named_like_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path may not be long
    os.mkfifo(tmp_path / "fifo.jsonl")
    inner = write(tmp_path / "directory.jsonl/inner.jsonl")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jsonl")
        found = sweep([str(tmp_path)], is_log)
    assert list(found.files) == [str(inner)]
    assert kinds(found) == ["special_file", "special_file"]


def test_devices_are_not_logs(tmp_path: Path) -> None:
    must_be_root()
    os.mknod(tmp_path / "null.jsonl", 0o20600, os.makedev(1, 3))
    found = sweep([str(tmp_path)], is_log)
    assert found.files == {}
    assert kinds(found) == ["special_file"]


def test_linked_files_are_not_followed_but_told(tmp_path: Path) -> None:
    other = write(tmp_path / "elsewhere/a.jsonl")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.jsonl").symlink_to(other)
    (root / "unwanted.txt").symlink_to(other)
    found = sweep([str(root)], is_log)
    assert found.files == {}
    assert kinds(found) == ["linked_file"]


def test_a_link_into_an_allowed_directory_is_followed_one_level(tmp_path: Path) -> None:
    write(tmp_path / "attic/slug/a.jsonl")
    write(tmp_path / "attic/deeper/b.jsonl")
    (tmp_path / "attic/slug/deeper").symlink_to(tmp_path / "attic/deeper")
    root = tmp_path / "root"
    root.mkdir()
    (root / "slug").symlink_to(tmp_path / "attic/slug")
    asked: list[str] = []

    def wanted(relative: str) -> bool:
        asked.append(relative)
        return is_log(relative)

    found = sweep([str(root)], wanted, allowed=[str(tmp_path / "attic")])
    assert list(found.files) == [str(root / "slug/a.jsonl")]
    assert asked == ["slug/a.jsonl"]
    assert (found.directories, found.linked_directories) == (1, 1)
    assert found.problems == ()


@pytest.mark.parametrize("target", ["/etc", "attic", "root-beside"])
def test_a_link_that_leads_outside_is_refused(tmp_path: Path, target: str) -> None:
    write(tmp_path / "attic/a.jsonl")
    write(tmp_path / "root-beside/b.jsonl")
    root = tmp_path / "root"
    root.mkdir()
    (root / "slug").symlink_to(tmp_path / target)
    found = sweep([str(root)], is_log)
    assert found.files == {}
    assert kinds(found) == ["link_outside"]
    assert found.problems[0].path_hash == path_hash(str(root / "slug"))


def test_what_a_link_and_a_real_path_reach_has_its_real_name(tmp_path: Path) -> None:
    log = write(tmp_path / "m/a.jsonl")
    for name in ("a", "z"):
        (tmp_path / name).symlink_to(tmp_path / "m")
    found = sweep([str(tmp_path)], is_log)
    assert list(found.files) == [str(log)]
    assert found.problems == ()


def test_loops_end(tmp_path: Path) -> None:
    log = write(tmp_path / "slug/a.jsonl")
    (tmp_path / "slug/up").symlink_to("..")
    (tmp_path / "slug/here").symlink_to(".")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "gone").symlink_to("nothing")
    found = sweep([str(tmp_path)], is_log)
    assert list(found.files) == [str(log)]
    assert kinds(found) == ["link_broken", "link_broken"]
    assert {problem.error for problem in found.problems} == {"ELOOP", "ENOENT"}


def test_roots_that_overlap_give_each_log_once(tmp_path: Path) -> None:
    log = write(tmp_path / "real/slug/a.jsonl")
    (tmp_path / "alias").symlink_to("real")
    roots = ["alias", "real", "real/slug", "alias/slug", "real/../real"]
    for order in (roots, roots[::-1]):
        found = sweep([str(tmp_path / root) for root in order], is_log)
        assert list(found.files) == [str(log)]
        assert found.directories == 2
        assert found.problems == ()


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    name = b"\xff\xfe.jsonl"
    path = os.fsencode(tmp_path) + b"/" + name
    with open(path, "wb"):  # noqa: PTH123 - a Path cannot be made of these bytes
        pass
    found = sweep([str(tmp_path)], is_log)
    assert [os.fsencode(found_path) for found_path in found.files] == [path]
    assert changed({}, found.files).dirty == [os.fsdecode(path)]
    assert path_hash(os.fsdecode(path))


def test_a_file_that_vanishes_while_it_is_looked_at(tmp_path: Path) -> None:
    logs = [write(tmp_path / f"{name}.jsonl") for name in "abc"]

    def wanted(_relative: str) -> bool:
        for log in logs:
            log.unlink(missing_ok=True)
        return True

    found = sweep([str(tmp_path)], wanted)
    assert found.files == {}
    assert found.problems == ()


def test_a_directory_that_vanishes_while_it_waits(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / name / "log.jsonl")

    def wanted(relative: str) -> bool:
        shutil.rmtree(tmp_path / ("b" if relative[0] == "a" else "a"))
        return True

    found = sweep([str(tmp_path)], wanted)
    assert len(found.files) == 1
    assert found.problems == ()
    assert found.unlisted == ()


def test_folders_deeper_than_any_recursion(tmp_path: Path) -> None:
    top = os.open(tmp_path, os.O_RDONLY)
    depth = 1_500
    for _ in range(depth):
        os.mkdir("d", dir_fd=top)
        below = os.open("d", os.O_RDONLY, dir_fd=top)
        os.close(top)
        top = below
    os.close(top)
    try:
        found = sweep([str(tmp_path)], is_log)
        assert found.directories == depth + 1
        assert found.problems == ()
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


DENIED = """
import json, sys
from costd.ingest.sweep import changed, path_hash, sweep
root = sys.argv[1]
wanted = lambda relative: relative.endswith(".jsonl")
found = sweep([root, root + "/locked"], wanted)
print(json.dumps({
    "files": list(found.files),
    "directories": found.directories,
    "problems": [list(problem) for problem in found.problems],
    "unlisted": list(found.unlisted),
}))
"""


def test_a_directory_that_may_not_be_read(tmp_path: Path) -> None:
    """In a user namespace without mapped rights, root is refused like anyone."""
    log = write(tmp_path / "open/a.jsonl")
    locked = write(tmp_path / "locked/b.jsonl").parent
    locked.chmod(0)
    try:
        plain = [sys.executable, "-c", DENIED, str(tmp_path)]
        command = ["unshare", "-U", *plain] if os.getuid() == 0 else plain
        done = run_isolated(command)
    finally:
        locked.chmod(0o700)
    assert done["files"] == [str(log)]
    assert done["directories"] == 2
    assert done["problems"] == [["unreadable", path_hash(str(locked)), "EACCES"]]
    assert done["unlisted"] == [str(locked)]


def run_isolated(command: list[str]) -> dict[str, object]:
    done = subprocess.run(
        command,
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
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_sweeps_of_several_sources_are_one_look(tmp_path: Path) -> None:
    for name in ("one/a.x", "two/b.y", "two/a.x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    found = joined(
        [
            sweep([one, two], lambda path: path.endswith(".x")),
            sweep([two, str(tmp_path / "gone")], lambda path: path.endswith("y")),
        ]
    )
    assert sorted(found.files) == [f"{one}/a.x", f"{two}/a.x", f"{two}/b.y"]
    assert found.roots == (one, two, str(tmp_path / "gone"))
    assert [problem.kind for problem in found.problems] == ["root_missing"]
    assert joined([]).files == {}


class TestChanged:
    seen = Seen(1, 2, 3, 4, 5)

    def test_nothing(self) -> None:
        assert changed({"/a": self.seen}, {"/a": Seen(1, 2, 3, 4, 5)}) == ([], [])

    @pytest.mark.parametrize("field", Seen._fields)
    def test_each_number_counts(self, field: str) -> None:
        other = self.seen._replace(**{field: 9})
        assert changed({"/a": self.seen}, {"/a": other}) == Changed(["/a"], [])

    def test_new_and_vanished(self) -> None:
        assert changed({"/a": self.seen}, {"/b": self.seen}) == (["/b"], ["/a"])

    def test_what_could_not_be_listed_has_not_vanished(self) -> None:
        before = dict.fromkeys(["/r/x/a", "/r/x/y/b", "/r/xy/c"], self.seen)
        assert changed(before, {}, unlisted=["/r/x"]).vanished == ["/r/xy/c"]
        assert changed(before, {}, unlisted=["/"]).vanished == []

    def test_between_two_sweeps(self, tmp_path: Path) -> None:
        grown, gone, same = (write(tmp_path / f"{n}.jsonl") for n in "abc")
        before = sweep([str(tmp_path)], is_log)
        with grown.open("a") as file:
            file.write("{}\n")
        gone.unlink()
        new = write(tmp_path / "slug/d.jsonl")
        after = sweep([str(tmp_path)], is_log)
        dirty, vanished = changed(before.files, after.files)
        assert sorted(dirty) == sorted([str(grown), str(new)])
        assert vanished == [str(gone)]
        assert str(same) in after.files

    def test_a_modification_time_set_back_hides_nothing(self, tmp_path: Path) -> None:
        log = write(tmp_path / "a.jsonl", "one\n")
        before = sweep([str(tmp_path)], is_log)
        status = log.stat()
        log.write_text("two\n")
        os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
        after = sweep([str(tmp_path)], is_log)
        assert changed(before.files, after.files).dirty == [str(log)]

    def test_a_replaced_file_is_dirty(self, tmp_path: Path) -> None:
        log = write(tmp_path / "a.jsonl")
        before = sweep([str(tmp_path)], is_log)
        write(tmp_path / "new").replace(log)
        after = sweep([str(tmp_path)], is_log)
        assert changed(before.files, after.files).dirty == [str(log)]


@pytest.mark.parametrize("seed", range(5))
def test_any_tree_gives_what_find_gives(tmp_path: Path, seed: int) -> None:
    """Against another program: `find` lists the same logs."""
    grow(tmp_path, random.Random(seed))
    found = sweep([str(tmp_path)], is_log)
    listed = subprocess.run(
        ["find", str(tmp_path), "-type", "f", "-name", "*.jsonl", "-print0"],
        capture_output=True,
        check=True,
    ).stdout.split(b"\0")[:-1]
    folders = subprocess.run(
        ["find", str(tmp_path), "-type", "d", "-printf", "x"],
        capture_output=True,
        check=True,
    ).stdout
    assert sorted(map(os.fsencode, found.files)) == sorted(listed)
    assert found.directories == len(folders)


def grow(top: Path, rng: random.Random) -> None:
    folders = [top]

    def folder(path: Path) -> None:
        path.mkdir()
        folders.append(path)

    makers: list[Callable[[Path], object]] = [
        lambda path: path.with_suffix(".jsonl").touch(),
        lambda path: path.with_suffix(".txt").touch(),
        lambda path: os.mkfifo(path.with_suffix(".jsonl")),
        lambda path: path.with_suffix(".jsonl").symlink_to(rng.choice(folders)),
        folder,
        folder,
    ]
    for number in range(60):
        stem = "".join(rng.choices(string.ascii_letters + " -_é*", k=4))
        rng.choice(makers)(rng.choice(folders) / f"{number}{stem}")


def test_memory_stays_small(tmp_path: Path) -> None:
    """20,000 logs must cost less than 10 MB; here a twentieth, names as long."""
    for project in range(10):
        folder = tmp_path / f"-home-dev-project-{project:032d}"
        folder.mkdir()
        for number in range(100):
            (folder / f"01234567-89ab-4cde-8f01-{number:012d}.jsonl").touch()
    tracemalloc.start()
    try:
        found = sweep([str(tmp_path)], is_log)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.files) == 1_000
    assert held < 500_000


def test_a_long_look_pauses_now_and_then(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"project-{number}").mkdir()
    pauses: list[int] = []
    found = sweep([str(tmp_path)], lambda _: True, pause=lambda: pauses.append(1))
    assert found.directories == 201
    assert len(pauses) == 3
