"""Row 70 of the fault table: no text of a conversation leaves its log, whatever happens.

Every free text of every kind of line is a marker. Every command, every answer over
HTTP, every file that costd writes and every way in which it can die is looked through.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from costd.cli.app import costd
from costd.publish.api import build_app
from costd.publish.live import Live
from e2e.daemons import PATIENCE_SECONDS
from faults.codex_markers import THREAD, write_rollouts
from faults.homes import Home
from faults.markers import MARKER, damaged_lines, good_lines, marker, subagent
from loglines import session

CONFIG = (
    "[engine]\ntick_seconds = 1\nsweep_seconds = 1\nmax_line_bytes = 65536\n"
    '[log]\nlevel = "debug"\n'
)
SAID = re.compile(MARKER.encode(), re.IGNORECASE)

# What a command needs to have something to say. Those that are not here are given
# nothing: a new command is looked through without anybody's thinking of it.
WORDS: dict[str, list[list[str]]] = {
    "session": [[session(1)], [THREAD]],
    "issue": [["MIN-1"], ["none:default-branch"]],
    "explain": [
        ["--session", session(1)],
        ["--branch", "feature/min-1"],
        ["--response", "msg_01" + "1".rjust(22, "0")],
    ],
    "report": [
        ["--by", "issue,model,session", "--format", form]
        for form in ("table", "json", "csv", "md")
    ]
    + [["--by", "branch,project,agent,role,pr"]],
    "link": [["--session", session(1), "--issue", "MIN-5", "--dry-run"]],
    "hook": [[]],
    "exec": [["--issue", "MIN-1", "--", "true"]],
    "completion": [["bash"]],
    "config set": [["timezone", '"UTC"']],
    "config path": [[]],
}
# A second daemon; a browser; a change to this machine, not to this home.
LEFT_OUT = re.compile(r"run$|open$|service (install|uninstall|start|stop|restart|logs)")


def leaves(command: click.Command, *words: str) -> Iterator[list[str]]:
    """Every command that does something."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from leaves(inner, *words, name)
        if command.invoke_without_command and words:
            yield list(words)
    else:
        yield list(words)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path, CONFIG)
    made.append(good_lines())
    made.append(damaged_lines(), 2)
    subagent(made.log().with_suffix("") / "subagents")
    write_rollouts(tmp_path)
    (made.root.parent / "sessions").mkdir()
    registry = made.root.parent / "sessions" / f"{os.getpid()}.json"
    registry.write_text(f'{{"pid":{os.getpid()},"name":"{marker()}"}}')
    assert len(SAID.findall(made.log().read_bytes())) > 200
    yield made
    made.kill()


def silent(home: Home) -> None:
    """Whatever costd has written anywhere holds no marker."""
    looked_at = 0
    for folder in ("state", "run", "output"):
        for path in (home.top / folder).rglob("*"):
            if path.is_file():
                looked_at += 1
                assert not SAID.search(path.read_bytes()), path.name
                assert not SAID.search(os.fsencode(path)), "a name"
    assert looked_at
    said = home.words.read_bytes() if home.words.exists() else b""
    found = SAID.search(said)
    assert found is None, said[max(0, found.start() - 500) : found.end() + 80]


ONE_AFTER_ANOTHER = """
import json, os, signal, sys
from costd.cli import app, entry
from costd.service import host
folder = sys.argv[1]
for number, (words, told) in enumerate(json.load(sys.stdin)):
    if os.fork() == 0:
        out = os.open(f"{folder}/{number}", os.O_CREAT | os.O_WRONLY, 0o600)
        os.dup2(out, 1), os.dup2(out, 2)
        read, write = os.pipe()
        os.write(write, told.encode()), os.close(write), os.dup2(read, 0)
        signal.alarm(60)
        code = 70
        try:
            code = entry.run(words)
        except SystemExit as end:
            code = end.code
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 1)
    os.wait()
"""


def said_by(home: Home, commands: list[list[str]]) -> list[str]:
    """All that each command prints; one process imports for all of them."""
    hook = {
        "session_id": session(1),
        "hook_event_name": "Stop",
        "prompt": marker(),
        "transcript_path": str(home.log()),
    }
    given = [
        (words, json.dumps(hook) if words[0] == "hook" else "") for words in commands
    ]
    folder = home.top / "said"
    folder.mkdir(exist_ok=True)
    subprocess.run(
        [sys.executable, "-c", ONE_AFTER_ANOTHER, str(folder)],
        env=home.env,
        input=json.dumps(given).encode(),
        check=True,
    )
    return [
        (folder / str(number)).read_text("utf-8", "surrogateescape")
        for number in range(len(commands))
    ]


def every_command(home: Home) -> None:
    """Run them all, for people and for programs."""
    commands: list[list[str]] = []
    for words in leaves(costd):
        name = " ".join(words)
        if LEFT_OUT.match(name):
            continue
        commands += [[*words, *given] for given in WORDS.get(name, [[]])]
        if name in {"status", "doctor", "sessions", "session", "verify", "explain"}:
            commands.append([*words, *WORDS.get(name, [[]])[0], "--json"])
    told = said_by(home, commands)
    for words, text in zip(commands, told, strict=True):
        assert "Traceback" not in text, (words, text)
        assert "internal error" not in text, (words, text)
        found = SAID.search(text.encode("utf-8", "surrogateescape"))
        assert not found, (words, text[:2_000])
    assert sum(map(bool, told)) > 25


def test_70_no_command_says_a_word_of_it_without_a_daemon(home: Home) -> None:
    every_command(home)
    silent(home)


def test_70_nor_with_a_daemon_that_logs_everything(home: Home) -> None:
    home.start()
    home.sync()
    assert all(s["skipped_lines"] > 3 for s in home.status()["sources"])
    assert len(home.status()["sources"]) > 1
    every_command(home)
    silent(home)
    assert home.stop() == 0
    silent(home)


ROUTES = build_app(lambda _name, _params: pytest.fail("nobody asks"), Live()).routes


def test_70_nor_does_any_answer_over_http(home: Home) -> None:
    home.start()
    home.sync()
    answered = 0
    for route in ROUTES:
        path, methods = getattr(route, "path", ""), getattr(route, "methods", None)
        if not methods:  # files that are the same for everybody
            continue
        values = (session(1), "MIN-1", "nobody") if "{" in path else ("",)
        for value in values:
            target = re.sub(r"\{[^}]*\}", value, path)
            for method in sorted(methods - {"HEAD"}):
                said = raw(home, method, target)
                assert said.startswith(b"HTTP/1.1"), (method, target)
                assert not SAID.search(said), (method, target, said[:2_000])
                answered += said.startswith(b"HTTP/1.1 200")
    assert answered > 20
    stream = raw(home, "GET", "/api/live")
    assert b"event: status" in stream
    assert not SAID.search(stream)
    silent(home)


def raw(home: Home, method: str, target: str) -> bytes:
    """The bytes of an answer, head and all."""
    import socket  # noqa: PLC0415 - only this needs it

    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE_SECONDS)
        client.connect(str(home.top / "run" / "costd.sock"))
        body = b"{}" if method == "POST" else b""
        client.sendall(
            f"{method} {target} HTTP/1.1\r\nhost: costd\r\nconnection: close\r\n"
            f"content-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        said = b""
        while data := client.recv(1 << 16):
            said += data
            if b"text/event-stream" in said and b"\n\n" in said:
                break  # it goes on for ever
    return said


FAILS = """
from costd.log import get_logger
from costd.{module} import {name}
def fail(self, *args, **named):
    text = " ".join(repr(value)[:4000] for value in args)
    with open({log!r}, "rb") as file:
        text += file.read().decode("utf-8", "replace")
    error = {error}(text)
    error.doc = text
    get_logger("engine").error("a_defect", line=text, data=[text], exc_info=error)
    raise error
{name}.{method} = fail
"""


@pytest.mark.parametrize(
    ("what", "is_fatal"),
    [
        ("sources.claude_code Parser take ValueError", False),
        ("sources.claude_code Parser finish KeyError", False),
        ("engine.reading Reader _segment OSError", False),
        ("ledger Ledger record RuntimeError", True),
        ("engine.publishing Publishing write ValueError", True),
    ],
)
def test_70_nor_does_a_defect_of_costds_own(
    home: Home, what: str, is_fatal: bool
) -> None:
    """An exception that quotes a line, wherever one is at hand."""
    fields = zip(("module", "name", "method", "error"), what.split(), strict=True)
    hook = FAILS.format(**dict(fields), log=str(home.log()))
    home.start(hook=hook, wait="no" if is_fatal else "read")
    assert home.process is not None
    if is_fatal:
        assert home.process.wait(timeout=PATIENCE_SECONDS) == 1
        assert b"engine_crashed" in home.words.read_bytes()
    else:
        assert not SAID.search(raw(home, "POST", "/api/sync"))
        assert "unreadable_logs" in home.problems()
    silent(home)


def test_70_nor_an_abort_nor_the_core_it_would_leave(home: Home) -> None:
    """As the watchdog of a service manager ends it; a core file would hold a log."""
    home.start("sh", "-c", 'ulimit -c unlimited 2>/dev/null; exec "$@"', "sh")
    home.sync()
    limits = Path(f"/proc/{home.pid}/limits").read_text()
    (cores,) = [line for line in limits.splitlines() if line.startswith("Max core")]
    assert cores.split()[4] == "0"
    home.signal(signal.SIGABRT)
    assert home.process is not None
    assert home.process.wait(timeout=PATIENCE_SECONDS) == -signal.SIGABRT
    said = home.words.read_text()
    assert "Fatal Python error: Aborted" in said
    assert "loop.py" in said  # where each thread was
    silent(home)


def test_70_the_markers_are_found_where_they_are(home: Home) -> None:
    """The net has no hole: a marker in a file of costd's own would be caught."""
    home.start()
    (home.top / "state" / "leak").write_bytes(home.log().read_bytes())
    with pytest.raises(AssertionError, match="leak"):
        silent(home)
