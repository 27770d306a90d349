"""Files of events: exactly once through rotation, damage, restarts and half lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costd.engine import event_logs
from owned import Owned, owned


@pytest.fixture
def top(memory_dir: Path) -> Path:
    return memory_dir


@pytest.fixture
def book(top: Path) -> Iterator[Owned]:
    with owned(top) as made:
        yield made


@pytest.fixture
def log(book: Owned) -> Path:
    return book.top / "state" / "events.jsonl"


def line(number: int, **fields: Any) -> str:
    said = {"type": "task_start", "task_id": f"T{number}", "event_id": f"e{number}"}
    return json.dumps(said | fields) + "\n"


def append(log: Path, *lines: str) -> None:
    with log.open("a") as file:
        file.write("".join(lines))


def tasks(book: Owned) -> list[str]:
    return [row["task_id"] for row in book.ask("event_query", limit=0)["rows"]]


def said_of_it(book: Owned) -> list[str]:
    book.tick()
    return said_now(book)


def said_now(book: Owned) -> list[str]:
    health = book.ask("status")["health"]
    return [p["message"] for p in health if p["code"] == "event_log"]


def test_what_is_appended_is_there_when_somebody_asks(book: Owned, log: Path) -> None:
    append(log, line(1), line(2))
    assert tasks(book) == ["T1", "T2"]
    append(log, line(3), line(1))
    assert tasks(book) == ["T1", "T2", "T3"]
    assert book.ask("kpi")["total"]["tasks"] == 3
    assert said_of_it(book) == []


def test_what_was_skipped_is_said_as_soon_as_it_was_read(
    book: Owned, log: Path
) -> None:
    for count in (1, 2):
        append(log, line(count), "no event\n")
        assert len(tasks(book)) == count
        (said,) = said_now(book)
        assert said.startswith(f"{count} line")


def test_a_restart_reads_on_where_it_was(top: Path) -> None:
    nameless = '{"type": "task_start", "task_id": "T"}\n'
    for number in range(1, 4):
        with owned(top) as book:
            append(top / "state" / "events.jsonl", nameless)
            assert len(tasks(book)) == number


def test_half_a_line_waits_and_a_whole_one_counts_without_its_end(
    book: Owned, log: Path
) -> None:
    first, second = line(1), line(2).removesuffix("\n")
    append(log, first + second[:20])
    assert tasks(book) == ["T1"]
    append(log, second[20:])
    assert tasks(book) == ["T1", "T2"]
    append(log, "\n" + line(3))
    assert tasks(book) == ["T1", "T2", "T3"]
    assert said_of_it(book) == []


def test_what_is_no_event_is_counted_and_never_repeated(book: Owned, log: Path) -> None:
    secret = "sk-ant-topsecret"
    append(log, f"not json {secret}\n", line(1), "\n", "[1]\n")
    append(log, json.dumps({"type": secret}) + "\n", "x" * 70_000 + "\n", line(2))
    assert tasks(book) == ["T1", "T2"]
    (message,) = said_of_it(book)
    assert message.startswith("4 lines of ")
    assert message.endswith("were no events; the last one: longer than the limit.")
    append(log, line(3, status=secret, prompt=secret), '{"type": "task_end"}\n')
    (message,) = said_of_it(book)
    assert message.endswith("the last one: task_end needs task_id.")
    assert secret not in json.dumps(book.ask("status"))
    log.rename(log.with_name("old"))
    assert said_of_it(book) == []
    assert secret not in json.dumps(book.ask("event_query"))


def test_a_file_that_is_emptied_and_written_anew_is_read_from_its_start(
    book: Owned, log: Path
) -> None:
    append(log, line(1), line(2), "no event\n")
    assert tasks(book) == ["T1", "T2"]
    log.write_text(line(3))
    assert tasks(book) == ["T1", "T2", "T3"]
    log.write_text(line(1) + line(4) + line(5) + line(6))
    assert tasks(book) == ["T1", "T2", "T3", "T4", "T5", "T6"]
    assert said_of_it(book) == []


def test_a_renamed_file_is_read_to_its_end_before_the_new_one(
    book: Owned, log: Path
) -> None:
    append(log, line(1))
    assert tasks(book) == ["T1"]
    append(log, line(2))
    log.rename(log.with_name("events.jsonl.1"))
    append(log, line(3))
    assert tasks(book) == ["T1", "T2", "T3"]


def test_a_long_file_is_read_in_slices_and_questions_come_between(
    book: Owned, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_logs, "SLICE_BYTES", 2_000)
    book.engine.telling.read_logs([str(log)], [])
    append(log, *(line(n, task_type="x" * 100) for n in range(200)))
    book.sync()
    assert len(tasks(book)) == 200
    assert said_of_it(book) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_said(book: Owned, log: Path) -> None:
    append(log, line(1))
    log.chmod(0)
    (message,) = said_of_it(book)
    assert message.endswith("cannot be read (Permission denied).")
    log.chmod(0o600)
    assert said_of_it(book) == []
    assert tasks(book) == ["T1"]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_said_and_waits_for_nobody(
    book: Owned, log: Path, make: Any
) -> None:
    make(log)
    (message,) = said_of_it(book)
    assert message.endswith("cannot be read (it is no file).")


def test_directories_of_other_programs_are_read(book: Owned, top: Path) -> None:
    folder = top / "kitty-specs" / "044-telemetry"
    folder.mkdir(parents=True)
    said = {
        "event_id": "x1",
        "event_type": "ExecutionEvent",
        "aggregate_id": "044-telemetry",
        "lamport_clock": 3,
        "node_id": "cli",
        "timestamp": "2026-02-19T10:00:00+00:00",
        "payload": {
            "wp_id": "WP01",
            "agent": "claude",
            "model": "claude-opus-4-5",
            "input_tokens": 1000,
            "output_tokens": 0,
            "cost_usd": None,
            "success": True,
        },
    }
    (folder / "execution.events.jsonl").write_text(json.dumps(said) + "\n")
    (folder / "notes.txt").write_text("no log\n")
    (folder / "link.jsonl").symlink_to(folder / "execution.events.jsonl")
    book.engine.telling.read_logs([], [str(top / "kitty-specs")])
    (row,) = book.ask("event_query")["rows"]
    assert (row["task_id"], row["feature"]) == ("WP01", "044-telemetry")
    assert (row["cost_usd"], row["cost_source"]) == (0.005, "estimated")
    assert (row["status"], row["lamport"]) == ("completed", 3)


def test_a_directory_that_is_not_there_or_is_too_full_is_said(
    book: Owned, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = top / "specs"
    book.engine.telling.read_logs([], [str(folder)])
    (message,) = said_of_it(book)
    assert message.endswith("specs cannot be read (No such file or directory).")
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jsonl").write_text(line(number))
    assert said_of_it(book) == []
    monkeypatch.setattr(event_logs, "_MOST_FILES", 2)
    (message,) = said_of_it(book)
    assert message.endswith("cannot be read (it has more than 2 files).")
    assert len(tasks(book)) == 3
