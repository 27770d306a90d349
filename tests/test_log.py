"""The log can be read by machines and people, and holds nobody's text."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from costd import log
from costd.core.errors import ConfigError

SECRET = "MARKER-of-a-transcript"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    shown, config = warnings.showwarning, structlog.get_config()
    yield
    structlog.configure(**config)
    root.handlers[:], root.level = handlers, level
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    warnings.showwarning = shown


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    log.configure("debug", "json", stream)

    def read() -> list[dict[str, Any]]:
        text = stream.getvalue()
        assert SECRET not in text
        return [json.loads(line) for line in text.splitlines()]

    return read


def test_an_event_has_time_level_and_name(lines: Lines) -> None:
    log.get_logger("tail").warning("line_skipped", source="claude", offset=512)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "line_skipped",
        "level": "warning",
        "logger": "tail",
        "source": "claude",
        "offset": 512,
    }


def test_text_under_any_other_key_is_left_out_and_told(lines: Lines) -> None:
    log.get_logger("x").info(
        "line_read", text=SECRET, cwd=SECRET, files=3, ok=True, ratio=0.5, none=None
    )
    (line,) = lines()
    assert line["dropped"] == ["cwd", "text"]
    assert (line["files"], line["ok"], line["ratio"], line["none"]) == (
        3,
        True,
        0.5,
        None,
    )


def test_an_event_is_a_name_and_no_sentence(lines: Lines) -> None:
    log.get_logger("x").info(f"could not read {SECRET}", **{SECRET: "x"})
    log.get_logger("x").info("could not read %s", SECRET)
    for line in lines():
        assert line["event"] == "event_refused"
    assert lines()[0]["dropped"] == ["?"]


def test_values_are_short_plain_and_without_keys(lines: Lines) -> None:
    log.get_logger("x").info(
        "branch_seen",
        branch='x\n{"level":"error"}\x1b]52;c;x\x07\u202e\ud83d',
        model="m" * 1000,
        reason="see sk-ant-api03-abcdef " + "y" * 1000,
        models=["ghp_" + "a" * 36, "b"],
    )
    (line,) = lines()
    assert line["branch"] == 'x\\x0a{"level":"error"}\\x1b]52;c;x\\x07\\u202e\\ud83d'
    assert len(line["model"]) == 256
    assert line["reason"].startswith("see [redacted] y")
    assert line["models"] == ["[redacted]", "b"]


def test_a_key_that_the_cut_would_split_is_taken_out(lines: Lines) -> None:
    log.get_logger("x").info("a_b", reason="x" * 245 + " ghp_" + "s" * 36)
    assert "ghp_" not in lines()[0]["reason"]


def test_objects_are_their_class(lines: Lines) -> None:
    log.get_logger("x").info(
        "a_b",
        state={"text": SECRET},
        reason=ValueError(SECRET),
        code=SECRET.encode(),
        big=2**70,
        nan=float("nan"),
        place=Path("/var/x"),
    )
    (line,) = lines()
    assert (line["state"], line["reason"], line["code"]) == (
        "<dict>",
        "<ValueError>",
        "<bytes>",
    )
    assert (line["big"], line["nan"]) == (str(2**70), None)
    assert line["place"] == "/var/x"


def fails(text: str) -> None:
    local = text  # noqa: F841 - a local variable that must not be shown
    int(text)


def test_an_exception_is_its_class_and_its_way(lines: Lines) -> None:
    try:
        try:
            fails(SECRET)
        except ValueError as error:
            raise KeyError(SECRET) from error
    except KeyError:
        log.get_logger("x").exception("line_failed")
    (line,) = lines()
    assert (line["error"], line["caused_by"]) == ("KeyError", ["ValueError"])
    assert line["stack"][0].startswith("tests/test_log.py:test_an_exception_is_")
    assert "message" not in line


def test_the_stack_of_deep_recursion_is_short(lines: Lines) -> None:
    def deeper(n: int) -> None:
        deeper(n + 1)

    try:
        deeper(0)
    except RecursionError as error:
        log.get_logger("x").error("line_failed", exc_info=error)
    (line,) = lines()
    assert len(line["stack"]) == 12


def test_an_error_of_costd_keeps_its_words(lines: Lines) -> None:
    try:
        raise ConfigError("the port is taken", "Set [http] port.")
    except ConfigError as error:
        log.get_logger("x").error("start_failed", exc_info=error)
    (line,) = lines()
    assert line["error"] == "costd.core.errors.ConfigError"
    assert (line["message"], line["fix"]) == ("the port is taken", "Set [http] port.")


def test_the_level_is_kept_and_can_change(stream: io.StringIO) -> None:
    logger = log.get_logger("x")
    log.configure("warning", "json", stream)
    logger.info("a_b")
    assert stream.getvalue() == ""
    log.configure("debug", "json", stream)
    logger.debug("a_b")
    assert json.loads(stream.getvalue())["level"] == "debug"


def test_libraries_keep_their_words_and_lose_their_texts(
    lines: Lines, stream: io.StringIO
) -> None:
    log.configure("debug", "json", stream)  # pytest puts its handler before each test
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel(logging.NOTSET)  # a server that ran before has made it quiet
    logger.info("not heard")
    logger.warning("Job %s was missed by %d s: %r", SECRET, 3, ValueError(SECRET))
    logger.error(f"first\nsecond {SECRET}")  # noqa: G004 - as libraries do
    logger.error(ValueError(SECRET))
    logger.error("%(a)s and %(b)d", {"a": SECRET, "b": 1})
    logger.error("%d things", SECRET)
    try:
        fails(SECRET)
    except ValueError:
        logger.exception("failed")
    written = lines()
    assert [line["message"] for line in written] == [
        "Job <str> was missed by 3 s: '<ValueError>'",
        "first",
        "<ValueError>",
        "<str> and 1",
        "%d things",
        "failed",
    ]
    assert written[0]["logger"] == "uvicorn.error"
    assert written[-1]["error"] == "ValueError"


def test_asyncio_does_not_quote_its_callbacks(lines: Lines) -> None:
    async def crash() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(fails, SECRET)
        task = loop.create_task(asyncio.to_thread(fails, SECRET))
        await asyncio.wait([task])

    asyncio.run(crash())
    gc.collect()
    assert {line["message"] for line in lines()} == {
        "Exception in callback fails",
        "Task exception was never retrieved",
    }


def test_bridging_twice_writes_once(lines: Lines, stream: io.StringIO) -> None:
    log.configure("info", "json", stream)
    logging.getLogger("apscheduler").error("once")
    assert len(lines()) == 1


def test_a_full_disk_loses_the_line_and_counts_it() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    full = io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True)
    log.configure("info", "json", full)
    log.get_logger("x").info("a_b")
    log.get_logger("x").info("a_b")
    assert log.lost_lines() == 2
    full.detach().close()


def test_an_encoding_without_the_letter_gets_its_escape() -> None:
    raw = io.BytesIO()
    log.configure("info", "json", io.TextIOWrapper(raw, encoding="ascii"))
    log.get_logger("x").info("a_b", branch="日本")
    assert rb"\u65e5\u672c" in raw.getvalue()


def test_a_path_is_a_few_digits() -> None:
    assert log.path_hash("/a") == log.path_hash(Path("/a"))
    assert log.path_hash("/a") != log.path_hash("/b")
    assert len(log.path_hash(f"/home/{SECRET}\udcff")) == 12
