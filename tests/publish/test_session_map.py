"""A file that two programs write: what either of them put in is never lost."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from costd.core.errors import PublishError
from costd.publish import session_map
from costd.publish.session_map import look, update


def entries(contents: list[bytes]) -> set[str]:
    """Everything that is in one of the contents."""
    return {name for data in contents for name in json.loads(data)}


def adding(name: str) -> session_map.Merge:
    return lambda contents: json.dumps(sorted(entries(contents) | {name})).encode()


@pytest.fixture(params=["exchange", "compare"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways; a system that cannot exchange files has the second one only."""
    if request.param == "compare":
        monkeypatch.setattr(session_map, "_exchange", lambda *_: False)


def test_a_new_file_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    assert update(path, adding("a")) == b'["a"]'
    assert path.read_bytes() == b'["a"]'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["map.json"]


def test_a_file_of_others_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text("[]")
    path.chmod(0o640)
    update(path, adding("a"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["map.json"]


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("[]")
    (tmp_path / "map.json").symlink_to("real")
    update(tmp_path / "map.json", adding("a"))
    assert (tmp_path / "map.json").is_symlink()
    assert (tmp_path / "real").read_bytes() == b'["a"]'


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    update(path, adding("a"))
    before = path.stat()
    assert update(path, adding("a")) == b'["a"]'
    assert update(path, lambda _: None) == b'["a"]'
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def replace(path: Path, content: str) -> None:
    """As another program writes: a file of its own, then the name."""
    other = path.with_name("theirs")
    other.write_text(content)
    other.replace(path)


def test_what_comes_between_the_look_and_the_change_goes_in(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text('["x"]')
    between = iter(['["x", "theirs"]', '["x", "theirs", "more"]'])

    def merge(contents: list[bytes]) -> bytes:
        wanted = adding("ours")(contents)
        if (content := next(between, None)) is not None:
            replace(path, content)
        return wanted or b""

    update(path, merge)
    assert json.loads(path.read_bytes()) == ["more", "ours", "theirs", "x"]


def test_what_was_made_between_goes_in(tmp_path: Path) -> None:
    path = tmp_path / "map.json"

    def merge(contents: list[bytes]) -> bytes:
        if not path.exists():
            replace(path, '["theirs"]')
        return adding("ours")(contents) or b""

    update(path, merge)
    assert json.loads(path.read_bytes()) == ["ours", "theirs"]


def test_what_cannot_be_merged_is_put_back(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text("[]")

    def merge(contents: list[bytes]) -> bytes | None:
        try:
            wanted = adding("ours")(contents)
        except ValueError:
            return None
        if path.read_text() == "[]":
            replace(path, '["half')
        return wanted

    update(path, merge)
    assert path.read_text() == '["half'


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text("[]")

    def write(name: str) -> None:
        for number in range(60):
            update(path, adding(f"{name}{number}"))

    threads = [threading.Thread(target=write, args=(n,)) for n in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = set(json.loads(path.read_bytes()))
    # Only the exchange is proof against a writer in the very last moment.
    lost = {f"{n}{i}" for n in ("a", "b") for i in range(60)} - written
    assert not lost or not _can_exchange(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["map.json"]


def _can_exchange(folder: Path) -> bool:
    one, other = folder / "one", folder / "other"
    one.write_text("1")
    other.write_text("2")
    found = session_map._exchange(one, other)
    one.unlink()
    other.unlink()
    return found


def test_a_directory_or_a_pipe_by_that_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "map.json").mkdir()
    with pytest.raises(PublishError) as error:
        update(tmp_path / "map.json", adding("a"))
    assert error.value.fix


def test_a_file_that_cannot_be_written_keeps_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(PublishError):
        update(tmp_path / "nowhere" / "map.json", adding("a"))


def test_a_file_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert look(tmp_path / "map.json") is None


def endless(path: Path) -> Any:
    count = iter(range(1000))

    def merge(contents: list[bytes]) -> bytes:
        replace(path, f'["{next(count)}"]')
        return adding("ours")(contents) or b""

    return merge


def test_others_that_write_all_the_time_are_let_be(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text("[]")
    with pytest.raises(PublishError, match="all the time"):
        update(path, endless(path))
