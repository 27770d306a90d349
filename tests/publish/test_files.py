"""Files are whole or as they were, for readers at any moment and on any disk."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costd
from costd.core.errors import PublishError
from costd.publish.files import publish, safe_name, sweep_temporaries, write_atomic

PACKAGE_ROOT = str(Path(costd.__file__).parents[1])


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_file_is_written_once_and_rewritten_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    assert write_atomic(path, b"one")
    first = path.stat()
    assert not write_atomic(path, b"one")
    assert path.stat().st_ino == first.st_ino
    assert path.stat().st_mtime_ns == first.st_mtime_ns
    assert write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["status.json"]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o177])
def test_only_the_user_reads_it_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_atomic(tmp_path / "private", b"x")
        write_atomic(tmp_path / "shared", b"x", mode=0o644)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o644


def test_a_mode_that_somebody_widened_is_put_right(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"x")
    path.chmod(0o644)
    assert write_atomic(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to("real/file.json")
    assert write_atomic(link, b"one")
    assert write_atomic(link, b"two")
    assert link.is_symlink()
    assert (tmp_path / "real" / "file.json").read_bytes() == b"two"
    assert names(tmp_path / "real") == ["file.json"]


def test_what_is_no_file_is_replaced_or_refused_and_never_waited_for(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert write_atomic(tmp_path / "fifo", b"")
    assert (tmp_path / "fifo").is_file()
    (tmp_path / "folder").mkdir()
    with pytest.raises(PublishError, match="directory"):
        write_atomic(tmp_path / "folder", b"x")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
    assert write_atomic(tmp_path / "s", b"x")
    assert names(tmp_path) == ["fifo", "folder", "s"]


def test_a_directory_that_is_missing_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PublishError) as caught:
        write_atomic(tmp_path / "none" / "a", b"x")
    assert "No such file" in caught.value.message
    assert "Create" in caught.value.fix


def test_a_reader_never_sees_half_a_file(memory_dir: Path) -> None:
    path = memory_dir / "runtime-metrics.json"
    write_atomic(path, document(0))
    done = threading.Event()

    def write() -> None:
        for number in range(1, 2000):
            write_atomic(path, document(number))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        found = json.loads(path.read_bytes())
        assert found["sum"] == hashlib.sha256(found["text"].encode()).hexdigest()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        seen.add(found["number"])
    writer.join()
    assert len(seen) > 1
    assert names(memory_dir) == ["runtime-metrics.json"]


def document(number: int) -> bytes:
    """A document of a size of its own, which knows its own sum."""
    text = str(number) * (1 + number * 7919 % 20_000)
    whole = {"text": text, "sum": hashlib.sha256(text.encode()).hexdigest()}
    return json.dumps({**whole, "number": number}).encode()


DISK = """
    import os, sys
    from pathlib import Path
    from costd.core.errors import PublishError
    from costd.publish.files import publish, write_atomic

    def refused(path, data, fix):
        try:
            write_atomic(path, data)
        except PublishError as error:
            assert fix in error.fix, error
        else:
            raise AssertionError("it was written")

    disk = Path(sys.argv[1])
    path = disk / "status.json"
    assert write_atomic(path, b"old")

    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 65536):
                pass
        except OSError:
            pass
    refused(path, b"y" * 300_000, "Free some space")
    assert path.read_bytes() == b"old"
    assert sorted(os.listdir(disk)) == ["filler", "status.json"]

    done = publish(disk, {"a.json": b"y" * 300_000, "status.json": b"old"}, [])
    assert done.written == 0 and len(done.problems) == 1, done

    filler.unlink()
    assert write_atomic(path, b"y" * 300_000)

    assert os.system(f"mount -o remount,ro '{disk}'") == 0
    refused(path, b"new", "read-only")
    assert os.system(f"mount -o remount,rw '{disk}'") == 0
    os.chmod(disk, 0o755)
    os.seteuid(65534)
    refused(path, b"new", "writable")
    os.seteuid(0)
    assert path.read_bytes() == b"y" * 300_000
    assert os.listdir(disk) == ["status.json"]
    print("all of it")
"""


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounts a disk: Linux, root"
)
def test_a_full_or_read_only_disk_keeps_the_old_file(short_dir: Path) -> None:
    script = f"mount -t tmpfs -o size=1m t '{short_dir}' && exec \"$@\""
    command = ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-c"]
    found = subprocess.run(
        [*command, textwrap.dedent(DISK), str(short_dir)],
        env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    denied = "unshare failed" in found.stderr or "mount:" in found.stderr
    if denied and os.environ.get("CI") != "true":
        pytest.skip("this sandbox allows no mounts")
    assert found.stdout == "all of it\n", found.stderr


def test_temporaries_of_the_dead_are_swept_and_of_the_living_kept(
    tmp_path: Path,
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = f".costd-{ended.pid}-{'0' * 16}.tmp"
    own = f".costd-{os.getpid()}-{'1' * 16}.tmp"
    impossible = f".costd-9999999999-{'2' * 16}.tmp"
    living = f".costd-{os.getppid()}-{'3' * 16}.tmp"
    others = ["status.json", "notes.tmp", ".costd-1-short.tmp", ".costd.tmp"]
    for name in (dead, own, impossible, living, *others):
        (tmp_path / name).touch()
    assert sweep_temporaries(tmp_path) == 3
    assert names(tmp_path) == sorted([living, *others])
    assert sweep_temporaries(tmp_path / "none") == 0


def test_a_killed_writer_leaves_what_the_sweep_removes(tmp_path: Path) -> None:
    script = """
        import os, signal, sys
        from pathlib import Path
        from costd.publish import files
        path = Path(sys.argv[1]) / "a.json"
        files.write_atomic(path, b"old")
        os.fsync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)
        files.write_atomic(path, b"new")
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
        check=False,
        timeout=60,
    )
    assert (tmp_path / "a.json").read_bytes() == b"old"
    assert len(names(tmp_path)) == 2
    assert sweep_temporaries(tmp_path) == 1
    assert names(tmp_path) == ["a.json"]


def test_publishing_writes_what_changed_and_mirrors_two(tmp_path: Path) -> None:
    output, mirror = tmp_path / "out" / "costd", tmp_path / "mirror"
    mirror.mkdir()
    documents = {
        "runtime-metrics.json": b"1",
        "session-map.json": b"2",
        "status.json": b"3",
        "issues/MIN-1.json": b"4",
    }
    assert publish(output, documents, [mirror]).written == 6
    assert names(output) == [
        "issues",
        "runtime-metrics.json",
        "session-map.json",
        "status.json",
    ]
    assert names(mirror) == ["runtime-metrics.json", "session-map.json"]
    assert stat.S_IMODE((output / "issues").stat().st_mode) == 0o700
    assert publish(output, documents, [mirror]).written == 0
    assert (
        publish(output, documents | {"session-map.json": b"5"}, [mirror]).written == 2
    )


def test_one_file_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "out" / "a.json").mkdir(parents=True)
    (tmp_path / "out" / "issues").touch()
    documents = {
        "a.json": b"1",
        "issues/A-1.json": b"2",
        "session-map.json": b"3",
    }
    done = publish(tmp_path / "out", documents, [tmp_path / "gone"])
    assert done.written == 1
    assert (tmp_path / "out" / "session-map.json").read_bytes() == b"3"
    assert len(done.problems) == 3
    assert all(problem.fix for problem in done.problems)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../a",
        "/a",
        "a/../b",
        "a/b/c",
        "a\0",
        "a\n",
        ".hidden",
        "./a",
        "é",
    ],
)
def test_a_document_never_leaves_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a document"):
        publish(tmp_path, {name: b"x"}, [])
    assert names(tmp_path) == []


@pytest.mark.parametrize("issue", ["MIN-123", "a", "A_b-9", "x" * 128])
def test_a_plain_id_is_its_own_name(issue: str) -> None:
    assert safe_name(issue) == issue


@pytest.mark.parametrize(
    ("issue", "readable"),
    [
        ("owner/name#45", "owner-name-45"),
        ("none:default-branch", "none-default-branch"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "issue"),
        ("", "issue"),
        ("CON", "CON"),
        ("lpt1", "lpt1"),
        ("MIN-1\n", "MIN-1"),
        ("a\0b", "a-b"),
        ("é\ud800", "issue"),
        ("x" * 129, "x" * 48),
        ("y" * 4096, "y" * 48),
        ("MIN-1-0123456789abcdef", "MIN-1-0123456789abcdef"),
    ],
)
def test_any_other_id_gets_a_readable_name_with_a_hash(
    issue: str, readable: str
) -> None:
    digest = hashlib.sha256(issue.encode("utf-8", "surrogatepass")).hexdigest()
    assert safe_name(issue) == f"{readable}-{digest[:16]}"


@given(st.text(st.characters(categories=["L", "N", "P", "Cc", "Cs"])))
def test_every_name_is_a_document_and_a_name_is_not_its_own_id(issue: str) -> None:
    name = safe_name(issue)
    assert len(name) <= 128
    assert Path(name).name == name
    assert name.isascii()
    if name != issue:
        # Nobody can choose an id that lands on the file of another one.
        assert safe_name(name) != name
