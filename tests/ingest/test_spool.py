"""Messages from the spool: whole ones in order, rubbish set aside, nothing in the way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from costd import client
from costd.ingest import spool as module
from costd.ingest.spool import Spool

NOW = 1_800_000_000_000
HOUR = 3_600_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COSTD_STATE_DIR", str(tmp_path))
    return tmp_path / "spool"


@pytest.fixture
def spool(folder: Path) -> Spool:
    return Spool(str(folder))


def put(folder: Path, name: str, value: object) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def message(**changes: object) -> dict[str, object]:
    params = {"session": "s", "issue": "MIN-1", "key": "k"}
    return {"question": "link", "params": params, "at": NOW, **changes}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_the_client_writes_is_read_and_then_gone(
    folder: Path, spool: Spool
) -> None:
    assert client.link(session="s", issue="MIN-1", key="k") == "spooled"
    (found,) = spool.waiting(NOW)
    assert (found.question, found.params) == (
        "link",
        {"session": "s", "issue": "MIN-1", "key": "k"},
    )
    assert found.at > NOW - 20 * 365 * 24 * HOUR
    assert spool.waiting(NOW) == [found]
    spool.remove(found)
    spool.remove(found)
    assert names(folder) == []
    assert not spool.trouble()


@pytest.mark.parametrize("mask", [0o022, 0o002, 0])
def test_the_spool_is_private(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mask: int
) -> None:
    monkeypatch.setenv("COSTD_STATE_DIR", str(folder.parent / "state"))
    folder = folder.parent / "state/spool"
    before = os.umask(mask)
    try:
        assert client.link(session="s", issue="MIN-1") == "spooled"
    finally:
        os.umask(before)
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_no_directory_is_no_message(spool: Spool) -> None:
    assert spool.waiting(NOW) == []
    assert not spool.trouble()


def test_the_oldest_come_first_and_not_all_at_once(
    folder: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    for number in (5, 3, 1, 2, 4):
        put(folder, f"{number}.json", message(at=number))
    taken: list[int] = []
    while found := spool.waiting(NOW):
        assert len(found) <= 3
        for each in found:
            spool.remove(each)
            taken.append(each.at)
    assert taken == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("key", [None, "", 7, "x" * 201])
def test_a_message_without_a_key_gets_one_that_stays(
    folder: Path, spool: Spool, key: object
) -> None:
    put(folder, "a.json", message(params={"key": key}))
    (first,) = spool.waiting(NOW)
    (again,) = spool.waiting(NOW)
    assert first.params["key"] == again.params["key"] == "spool:'a.json'"


def test_no_name_of_a_file_breaks_the_key(folder: Path, spool: Spool) -> None:
    put(folder, os.fsdecode(b"\xff\n\x1b.json"), message(params={}))
    (found,) = spool.waiting(NOW)
    assert found.params["key"].isascii()
    assert found.params["key"].isprintable()
    spool.remove(found)
    assert spool.waiting(NOW) == []


RUBBISH: list[tuple[object, str]] = [
    (b"", "JSON"),
    (b"\0\0\0\0", "JSON"),
    (b'{"question":"link"', "JSON"),
    (b"\xff\xfe", "JSON"),
    (b'{"params":' * 6_000, "JSON"),
    ([], "lacks"),
    ({"question": "link", "at": 1}, "lacks"),
    ({"question": 1, "params": {}, "at": 1}, "lacks"),
    ({"question": "link", "params": [], "at": 1}, "lacks"),
    ({"question": "link", "params": {}, "at": "now"}, "lacks"),
    (b" " * (module.MOST_BYTES + 1), "longer"),
]


@pytest.mark.parametrize(
    ("value", "reason"), RUBBISH, ids=[str(n) for n in range(len(RUBBISH))]
)
def test_rubbish_is_set_aside_and_said(
    folder: Path, spool: Spool, value: object, reason: str
) -> None:
    put(folder, "1.json", value)
    put(folder, "2.json", message())
    assert [each.name for each in spool.waiting(NOW)] == ["2.json"]
    assert reason in spool.reason
    assert spool.trouble().startswith("1 messages")
    assert spool.reason in spool.trouble()
    assert names(folder) == ["1.json.bad", "2.json"]


def test_what_is_no_file_is_not_waited_for(folder: Path, spool: Spool) -> None:
    target = put(folder, "target", message())
    (folder / "1.json").mkdir()
    os.mkfifo(folder / "2.json")
    (folder / "3.json").symlink_to(target)
    (folder / "4.json").symlink_to("nowhere")
    assert spool.waiting(NOW) == []
    assert spool.trouble().startswith("4 messages")
    assert target.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and remove everything")
def test_what_cannot_be_moved_is_looked_at_once(folder: Path, spool: Spool) -> None:
    put(folder, "1.json", b"rubbish")
    folder.chmod(0o500)
    try:
        assert spool.waiting(NOW) == []
        assert "JSON" in spool.reason
        spool.reason = ""
        assert spool.waiting(NOW) == []
        assert not spool.reason
        assert spool.trouble().startswith("1 messages")
    finally:
        folder.chmod(0o700)


def test_a_message_that_cannot_be_removed_is_not_taken_again(
    folder: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "1.json", message())
    (found,) = spool.waiting(NOW)
    # A directory in its place cannot be unlinked, whoever asks.
    (folder / "1.json").unlink()
    (folder / "1.json").mkdir()
    spool.remove(found)
    assert "removed" in spool.trouble()
    assert spool.waiting(NOW) == []
    (folder / "1.json").rmdir()
    assert not spool.trouble()


def test_a_refused_message_is_set_aside(folder: Path, spool: Spool) -> None:
    put(folder, "1.json", message())
    (found,) = spool.waiting(NOW)
    spool.set_aside(found.name, "names no issue")
    spool.set_aside(found.name, "it is gone")
    assert spool.waiting(NOW) == []
    assert "1 messages" in spool.trouble()
    assert "the last one names no issue" in spool.trouble()
    (folder / "1.json.bad").unlink()
    assert not spool.trouble()


def test_what_was_begun_and_never_finished_goes_away(
    folder: Path, spool: Spool
) -> None:
    old, new = put(folder, ".old", b"{"), put(folder, ".new", b"{")
    os.utime(old, ns=((NOW - 2 * HOUR) * 1_000_000,) * 2)
    os.utime(new, ns=((NOW - HOUR // 2) * 1_000_000,) * 2)
    assert spool.waiting(NOW) == []
    assert names(folder) == [".new"]


def test_an_unreadable_directory_is_said(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("no directory")
    spool = Spool(str(tmp_path / "spool"))
    assert spool.waiting(NOW) == []
    assert "cannot be read (Not a directory)" in spool.trouble()


def test_reasons_never_hold_what_was_written(folder: Path, spool: Spool) -> None:
    for number, value in enumerate(
        [b'{"question": SECRET}', {"question": "SECRET"}, b"SECRET"]
    ):
        put(folder, f"{number}.json", value)
        spool.waiting(NOW)
        assert spool.reason
        assert "SECRET" not in spool.reason
