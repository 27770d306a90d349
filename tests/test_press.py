"""The files of issues are written beside the engine, all of them and the newest."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from costd.publish import files
from costd.service.press import Press

DEADLINE = 100.0


def until_written(path: Path, value: object) -> None:
    end = time.monotonic() + DEADLINE
    while not (path.exists() and json.loads(path.read_bytes()) == value):
        assert time.monotonic() < end, path.name
        time.sleep(0.005)


def test_the_summary_is_there_at_once_and_the_issues_soon(tmp_path: Path) -> None:
    press = Press(tmp_path)
    issues = {f"issues/A-{n}.json": {"n": n} for n in range(50)}
    assert press.put({"status.json": {"a": 1}, **issues}) == {}
    assert json.loads((tmp_path / "status.json").read_bytes()) == {"a": 1}
    for number in range(50):
        until_written(tmp_path / "issues" / f"A-{number}.json", {"n": number})
    press.close()


def test_a_slow_disk_keeps_nobody_waiting_and_the_newest_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    real = files.write_atomic

    def slow(path: Path, data: bytes, *, mode: int = 0o600) -> bool:
        if path.parent.name == "issues":
            go_on.wait(DEADLINE)
        return real(path, data, mode=mode)

    monkeypatch.setattr(files, "write_atomic", slow)
    press = Press(tmp_path)
    for number in range(5):
        press.put({"issues/A-1.json": {"n": number}, "status.json": {"n": number}})
    assert json.loads((tmp_path / "status.json").read_bytes()) == {"n": 4}
    go_on.set()
    until_written(tmp_path / "issues" / "A-1.json", {"n": 4})
    press.put({"issues/A-1.json": {"n": 5}})  # a thread anew
    until_written(tmp_path / "issues" / "A-1.json", {"n": 5})
    press.close()


def test_what_failed_in_the_thread_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "issues").write_bytes(b"in the way")
    press = Press(tmp_path)
    assert press.put({"issues/A-1.json": {}}) == {}
    press.close()
    assert "issues" in press.put({"status.json": {}})["publish"]
    assert press.put({"status.json": {}}) == {}


def test_a_defect_in_the_thread_does_not_end_publishing(tmp_path: Path) -> None:
    press = Press(tmp_path)
    hook, threading.excepthook = threading.excepthook, lambda _args: None
    try:
        press.put({"issues/../x.json": {}})
        press.close()
    finally:
        threading.excepthook = hook
    press._is_closing = False
    press.put({"issues/A-1.json": {"n": 1}})
    until_written(tmp_path / "issues" / "A-1.json", {"n": 1})
