"""The quick way gives what the whole program gives, and leaves the rest to it."""

from __future__ import annotations

import subprocess
import sys
from urllib.parse import parse_qsl, urlsplit

import pytest

from cli import canned
from cli.canned import Daemon
from cli.conftest import Shown, environment
from costd.cli import app, quick
from costd.cli.quick import report_params

STALE = {"code": "stale", "message": "The beat has stopped.", "fix": "Restart costd."}
WARNED = [{"code": "skipped_lines", "message": "2", "fix": "", "severity": "warning"}]
HEALTHS = {"well": [], "warned": WARNED, "sick": [{**STALE, "severity": "error"}]}

QUICK = [
    "",
    "status",
    "status --json",
    "report --json",
    "report --by day --json",
    "report --by day,model --by=issue --since 7d --until=2026-11-22 --json",
    "report --format json --tz Europe/Oslo",
    "report --format=json --model a,b --model c --branch x,y --project /a/b --json",
    "report --issue MIN-1 --role review --session 1a --agent claude --json",
]
SLOW = [
    "--json",
    "--help",
    "status --help",
    "status --watch",
    "status --jsonx",
    "status --json --json",
    "sessions --json",
    "report",
    "report --by day",
    "report --by dya --json",
    "report --by day, --json",
    "report --by --json",
    "report --json extra",
    "report by day --json",
    "report --since 1d --since 2d --json",
    "report --since= --json",
    "report --format csv",
    "report --format csv --json",
    "report --json=yes",
    "report --config x --json",
    "report -- --json",
]


@pytest.mark.parametrize("health", HEALTHS)
@pytest.mark.parametrize("line", QUICK)
def test_both_ways_write_the_same_and_end_the_same(
    daemon: Daemon,
    costd: Shown,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    health: str,
) -> None:
    daemon.put(status=canned.status(health=HEALTHS[health]))
    with monkeypatch.context() as patch:
        patch.setattr(app, "run", lambda _argv: pytest.fail("it was not quick"))
        quickly = costd(*line.split())
    asked = questions(daemon)
    daemon.asked.clear()
    monkeypatch.setattr(quick, "answer", lambda *_: None)
    slowly = costd(*line.split())
    assert quickly == slowly
    assert asked == questions(daemon)
    assert quickly.code == (4 if health == "sick" else 0)
    assert ("stale" in quickly.err) is (health == "sick" and "report" in line)


def questions(daemon: Daemon) -> list[tuple[str, list[tuple[str, str]]]]:
    """What was asked; parameters of different names may come in any order."""
    parts = [urlsplit(request.target) for request in daemon.asked]
    found = [(p.path, sorted(parse_qsl(p.query), key=lambda q: q[0])) for p in parts]
    return sorted(found)


@pytest.mark.parametrize(
    "reply",
    [
        (400, {"error": "'x' is no time.", "fix": "Use a date.", "code": 2}),
        (503, {"error": "costd is starting.", "fix": "Ask again.", "code": 1}),
        (500, b"oops"),
    ],
)
@pytest.mark.parametrize("line", ["status --json", "report --since x --json"])
def test_both_ways_fail_the_same(
    daemon: Daemon,
    costd: Shown,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    reply: tuple[int, object],
) -> None:
    daemon.put(status=reply, report=reply)
    quickly = costd(*line.split())
    monkeypatch.setattr(quick, "answer", lambda *_: None)
    assert quickly == costd(*line.split())
    assert quickly.code in (1, 2)
    assert quickly.out == ""
    assert quickly.err.startswith("costd: ")


@pytest.mark.parametrize("line", SLOW)
def test_what_is_not_plain_is_left_to_the_whole_program(
    daemon: Daemon, line: str
) -> None:
    assert quick.answer(line.split(), environment()) is None
    assert daemon.asked == []


def test_completion_is_left_to_the_whole_program(daemon: Daemon) -> None:
    asked = {**environment(), "_COSTD_COMPLETE": "bash_complete"}
    assert quick.answer(["status", "--json"], asked) is None


def test_without_a_daemon_it_is_left_to_the_whole_program(state_dir: object) -> None:
    assert quick.answer(["status", "--json"], environment()) is None


def test_values_are_split_as_the_whole_program_splits_them() -> None:
    line = "--by day,model --model a,b --model c --branch x,y --json"
    assert report_params(line.split()) == {
        "by": ["day", "model"],
        "filters": {"model": ["a", "b", "c"], "branch": ["x,y"]},
    }


@pytest.mark.parametrize(
    ("line", "heavy"),
    [
        ("status --json", {"json", "re", "typing", "contextlib", "collections"}),
        ("report --by day --json", {"json", "re", "typing", "contextlib"}),
        ("status", {"click", "rich", "orjson", "msgspec", "dataclasses"}),
    ],
)
def test_the_quick_way_imports_nothing_heavy(
    daemon: Daemon, line: str, heavy: set[str]
) -> None:
    """Not even what ``site`` imports where packages bring hooks: without site."""
    code = (
        f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}\n"
        "from costd.cli.entry import run\n"
        f"code = run({line.split()!r})\n"
        "print(code, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    code_of, *modules = done.stderr.split()
    assert code_of == "0"
    unwanted = heavy | {"click", "rich", "msgspec", "platformdirs", "costd.service"}
    assert unwanted & set(modules) == set()
