"""docs/summary-json.md is true: every field of every answer, and no other.

The answers are those of a real engine; nothing here is a list that somebody has to
keep.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

import places
from costd.cli import entry
from costd.config import load_config
from costd.core.attribution import BUCKETS
from costd.core.errors import UsageError
from costd.core.instants import parse_instant
from costd.core.rates import UNPRICED
from costd.engine.answers import MODULES
from costd.engine.answers import explain as explained
from costd.engine.answers.doctor import _GOOD as CHECKS
from costd.publish.api import build_app
from costd.publish.live import Live
from costd.publish.metrics import exposition
from costd.publish.questions import FILTERS, QUESTIONS
from costd.publish.replies import failure
from costd.publish.server import Server
from costd.service.daemon import _announce
from e2e.daemons import RealDaemon, environment
from pages import ANY, Field, Page
from real_answers import every_answer

ROOT = Path(__file__).parents[2]
JSON = Page(ROOT / "docs/summary-json.md")
ACCURACY = Page(ROOT / "docs/accuracy.md")

# Asked in other ways than by the table of answers.
WORK = {"sync", "verify"}
# Sections whose fields are compared by tests of their own.
APART = {"Errors", "config", "daemon.json", "service"}
DAY = re.compile(r"\d{4}-\d\d-\d\d")

Found = Iterator[tuple[tuple[str, ...], Any]]


@pytest.fixture(scope="module")
def answers(private_home: Path) -> Iterator[dict[str, list[Any]]]:
    with places.memory_dir() as top:
        yield every_answer(top)


def contents(value: Any, path: tuple[str, ...] = ()) -> Found:
    """Each field of an answer: its path and its value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name), inner
            yield from contents(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from contents(inner, (*path, "[]"))


def matches(field: Field, path: tuple[str, ...]) -> bool:
    return len(field.path) == len(path) and holds(field, path)


def holds(field: Field, path: tuple[str, ...]) -> bool:
    """Whether ``path`` is the field or something that it lies in."""
    pairs = zip(field.path, path, strict=False)
    return all(said in (ANY, name) for said, name in pairs)


def is_of(types: frozenset[str], value: Any) -> bool:
    if isinstance(value, bool):
        found = {"boolean"}
    elif isinstance(value, str):
        found = {"string"}
        found |= {"day"} if DAY.fullmatch(value) else set()
        is_instant = value.endswith("Z") and parse_instant(value) is not None
        found |= {"instant"} if is_instant else set()
    elif isinstance(value, int | float):
        found = {"number"} | ({"integer"} if isinstance(value, int) else set())
    else:
        found = {{list: "list", dict: "object", type(None): "null"}[type(value)]}
    return not types or bool(types & found)


def compare(title: str, values: list[Any]) -> set[tuple[str, str]]:
    """Hold answers against a section; the rows that they have shown to be there."""
    documented = JSON.fields(title)
    shown = set[tuple[str, str]]()
    for value in values:
        for path, inner in contents(value):
            found = [field for field in documented if matches(field, path)]
            if not found and not is_around(path, documented):
                assert is_inside(path, documented), f"{title}: {path} is not described"
            for field in found:
                assert is_of(field.types, inner), f"{title}: {field.row} is {inner!r}"
            shown |= {field.row for field in found}
    return shown


def is_around(path: tuple[str, ...], documented: list[Field]) -> bool:
    """Whether it is an object or a list whose fields are described."""
    return any(len(f.path) > len(path) and holds(f, path) for f in documented)


def is_inside(path: tuple[str, ...], documented: list[Field]) -> bool:
    """Whether it lies in an object that is described as a whole."""
    return any(
        len(field.path) < len(path)
        and holds(field, path)
        and "object" in field.types
        and not is_around(field.path, documented)
        for field in documented
    )


def test_every_field_of_every_answer_is_described_and_true(
    answers: dict[str, list[Any]],
) -> None:
    shown = set[tuple[str, str]]()
    for title, values in answers.items():
        shown |= compare(title, values)
    described = {field.row for title in answers for field in JSON.fields(title)}
    assert described - shown == set(), "described, but in no answer"


def test_every_section_with_fields_is_compared(answers: dict[str, list[Any]]) -> None:
    tables = {title for title, text in JSON.sections.items() if "| field |" in text}
    used = {field.row[0] for title in answers for field in JSON.fields(title)}
    assert tables == used | APART


def test_an_error_is_described() -> None:
    body = json.loads(bytes(failure(UsageError("It is wrong.", "Mend it.")).body))
    assert compare("Errors", [body]) == {field.row for field in JSON.fields("Errors")}


def test_the_file_of_the_daemon_is_described(short_dir: Path) -> None:
    here = load_config(None, {}, short_dir).paths
    here.ensure()
    _announce(here, Server(build_app(_nobody, Live()), here.socket), 0)
    said = json.loads(here.daemon_file.read_bytes())
    assert compare("daemon.json", [said]) == {
        field.row for field in JSON.fields("daemon.json")
    }


def _nobody(question: str, params: dict[str, object]) -> Future[object]:
    raise NotImplementedError(question, params)


def test_the_json_of_config_is_described(
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    said = []
    for words in (
        "path",
        "check",
        "init",
        "set engine.tick_seconds 10",
        "show",
    ):
        assert entry.run(["config", *words.split(), "--json"]) == 0
        said.append(json.loads(capfdbinary.readouterr().out))
    daemon = RealDaemon(environment(tmp_path / "daemon"))
    daemon.start()
    said.append(daemon.ask("config", "reload"))
    daemon.kill()
    (tmp_path / "costd/config.toml").write_text("[engine]\ntick = 1\n")
    assert entry.run(["config", "check", "--json"]) == UsageError.exit_code
    said.append(json.loads(capfdbinary.readouterr().out))
    assert compare("config", said) == {field.row for field in JSON.fields("config")}


def test_the_json_of_service_is_described(
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A manager that does as it is told, and a daemon that only listens."""
    told = tmp_path / "told"
    told.write_text(
        "ActiveState=active\nStatusText=watching\nUnitFileState=enabled\nMainPID=1\n"
        "NRestarts=0\nExecMainStatus=0\nResult=success\nStateChangeTimestamp=Sat\n"
    )
    for name, does in (("systemctl", f"cat {told}"), ("journalctl", "echo line")):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    said = []
    for words in ("install --dry-run", "install", "status", "logs", "stop"):
        assert entry.run(["service", *words.split(), "--json"]) == 0
        said.append(json.loads(capfdbinary.readouterr().out))
    here = load_config(None, {}, tmp_path).paths
    here.ensure()
    with places.short_dir() as top, socket.socket(socket.AF_UNIX) as listener:
        path = top / "costd.sock"
        listener.bind(str(path))
        listener.listen()
        _announce(here, Server(build_app(_nobody, Live()), path), 0)
        assert entry.run(["service", "status", "--json"]) == 0
    said.append(json.loads(capfdbinary.readouterr().out))
    assert compare("service", said) == {field.row for field in JSON.fields("service")}


def test_every_path_is_described_with_its_parameters() -> None:
    text = JSON.sections["How to ask"]
    for question in QUESTIONS:
        if question.name not in {*MODULES, *WORK}:
            continue  # nobody answers it yet
        row = re.search(
            rf"^\|.*`{question.method} {re.escape(question.path)}` \|(.*)\|$",
            text,
            re.MULTILINE,
        )
        assert row is not None, question.path
        for name in question.takes:
            assert f"`{name}`" in row[1], (question.path, name)
        assert ("filters" in row[1]) == question.filtered, question.path
    for name in FILTERS:
        assert f"`{name}`" in text


def test_the_named_metrics_exist(answers: dict[str, list[Any]]) -> None:
    shown = set(
        re.findall(r"^# TYPE (\w+)", exposition(answers["status"][0]), re.MULTILINE)
    )
    named = set(re.findall(r"`(costd_\w+)`", JSON.text))
    assert named
    assert named <= shown


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (JSON, CHECKS),
        (JSON, ["publish", "ledger", "ledger_mending"]),
        (JSON, ["unfinalised", *explained._FLAGS]),
        (ACCURACY, BUCKETS),
        (ACCURACY, UNPRICED),
    ],
)
def test_every_word_of_a_closed_list_is_described(page: Page, names: Any) -> None:
    assert [name for name in names if f"`{name}`" not in page.text] == []
