"""Each command: what it asks, what it writes, how it ends."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli import canned
from cli.canned import CARD, SESSION, Daemon, session_row
from cli.conftest import Shown
from costd import __version__
from costd.cli import routes
from costd.cli.app import costd as program
from costd.cli.table import COMMANDS
from costd.cli.words import DIMENSIONS, FILTERS, PERIODS
from costd.core.periods import KINDS
from costd.ledger.reports import DIMENSIONS as CUTS
from costd.publish import questions

# They print what a daemon, a shell or another program has to say.
NO_ANSWER = {"run", "completion", "exec"}
SICK = [{"code": "stale", "message": "m", "fix": "f", "severity": "error"}]


def every_command() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(program)
    for name in COMMANDS:
        found = program.get_command(context, name)
        assert found is not None
        yield name, found
        if isinstance(found, click.Group):
            yield from ((f"{name} {n}", c) for n, c in found.commands.items())


@pytest.mark.parametrize("name", ["", *(name for name, _ in every_command())])
def test_every_command_has_help_with_an_example(costd: Shown, name: str) -> None:
    for flag in ("--help", "-h"):
        shown = costd(*name.split(), flag)
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.startswith("Usage: costd")
        assert f"  costd {name}".rstrip() in shown.out or name == "completion"
        assert max(map(len, shown.out.splitlines())) <= 88


@pytest.mark.parametrize(
    "name", [n for n, c in every_command() if not isinstance(c, click.Group)]
)
def test_every_command_that_prints_has_json(name: str) -> None:
    options = {
        word
        for found, command in every_command()
        if found == name
        for param in command.params
        for word in param.opts
    }
    assert ("--json" in options) is (name not in NO_ANSWER)


def test_the_table_of_help_is_that_of_the_commands(costd: Shown) -> None:
    shown = costd("--help").out
    for name, text in COMMANDS.items():
        assert f"  {name} " in shown
        assert text.split(".")[0][:40] in shown


def test_the_version(costd: Shown) -> None:
    assert costd("--version").out == f"costd {__version__}\n"


def test_routes_are_those_of_the_server() -> None:
    known = {q.name: (q.method, q.path) for q in questions.QUESTIONS}
    asked = {name: ("GET", path) for name, path in routes.GET.items()}
    asked |= {name: ("POST", path) for name, path in routes.POST.items()}
    assert {name: known[name] for name in asked} == asked
    patient = {q.name for q in questions.QUESTIONS if q.seconds is None}
    assert patient == routes.PATIENT


def test_words_are_those_of_the_server() -> None:
    assert set(FILTERS) == set(questions.FILTERS)
    split = {n for n, reader in questions.FILTERS.items() if reader is questions.words}
    assert {name for name, is_split in FILTERS.items() if is_split} == split
    assert PERIODS == KINDS
    assert set(DIMENSIONS) - set(KINDS) == set(CUTS) - {"subagent"}


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("sessions", "/api/sessions?limit=50"),
        (
            "sessions --since 1d --until 2d --tz UTC --limit 0 --branch a,b --json",
            "/api/sessions?since=1d&until=2d&tz=UTC&limit=0&branch=a,b",
        ),
        ("session 1a/b", "/api/sessions/1a%2Fb"),
        ("prices", "/api/prices"),
        ("prices claude-opus-5", "/api/prices?model=claude-opus-5"),
        ("explain --response msg_1", "/api/explain?response=msg_1"),
        (
            "explain --branch f/x --cwd /a --repo o/n",
            "/api/explain?branch=f/x&cwd=/a&repo=o/n",
        ),
        (
            "report --by day,model --model a,b",
            "/api/report?by=day&by=model&model=a&model=b",
        ),
        ("doctor", "/api/doctor"),
    ],
)
def test_what_is_asked(daemon: Daemon, costd: Shown, line: str, target: str) -> None:
    row = session_row()
    daemon.put(sessions={"rows": [row], "count": 1}, prices={"rows": []}, explain={})
    daemon.put(doctor={"ok": True, "checks": []})
    daemon.answers["/api/sessions/1a%2Fb"] = row
    shown = costd(*line.split())
    assert (shown.code, shown.err) == (0, "")
    assert target in [request.target for request in daemon.asked]


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("sync", {}),
        ("reprice", {"dry_run": False}),
        ("reprice --dry-run", {"dry_run": True}),
        ("verify", {}),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_work_is_posted(
    daemon: Daemon,
    costd: Shown,
    line: str,
    body: dict[str, object],
    as_json: bool,
) -> None:
    answer = {"schema_version": 1, "ok": True}
    path = f"/api/{line.split(maxsplit=1)[0]}"
    daemon.answers[path] = answer
    shown = costd(*line.split(), *(["--json"] if as_json else []))
    assert (shown.code, shown.err) == (0, "")
    assert (shown.raw == canned.compact(answer)) is as_json
    (request,) = [r for r in daemon.asked if r.method == "POST"]
    assert (request.target, json.loads(request.body)) == (path, body)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("status", 4),
        ("status --json", 4),
        ("report --by day", 4),
        ("report --format csv", 4),
        ("sync", 4),
        ("sync --json", 4),
        ("sessions", 0),
        ("prices", 0),
    ],
)
def test_an_answer_from_a_sick_daemon(
    daemon: Daemon, costd: Shown, line: str, code: int
) -> None:
    daemon.put(status=canned.status(health=SICK), sync={}, prices={}, sessions={})
    shown = costd(*line.split())
    assert shown.code == code
    assert shown.out
    is_shown = line.startswith("status")
    assert shown.err == ("costd: stale: m\nf\n" if code and not is_shown else "")


@pytest.mark.parametrize("line", ["report", "report --json", "issues", "kpi"])
def test_an_answer_of_a_part_of_the_logs_is_said_to_be_one(
    daemon: Daemon, costd: Shown, line: str
) -> None:
    (source,) = canned.status()["sources"]
    waiting = [{**source, "bytes_behind": 2048}]
    daemon.put(status=canned.status(complete=False, sources=waiting), issues={}, kpi={})
    shown = costd(*line.split())
    said = "costd: still reading the logs, 2.0 KiB to go: every sum is partial\n"
    assert (shown.code, shown.err) == (0, said)
    daemon.put(status=canned.status(complete=False))  # a line that was just written
    assert costd(*line.split()).err == ""


def test_a_difference_is_1(daemon: Daemon, costd: Shown) -> None:
    daemon.put(verify={"ok": False, "different": 1})
    assert costd("verify").code == costd("verify", "--json").code == 1


def test_a_doctor_who_finds_something_is_4(daemon: Daemon, costd: Shown) -> None:
    check = {"code": "stale", "ok": False, "message": "m", "fix": "f"}
    daemon.put(doctor={"schema_version": 1, "ok": False, "checks": [check]})
    shown = costd("doctor", "--json")
    answer = json.loads(shown.out)
    assert (shown.code, answer["ok"], answer["schema_version"]) == (4, False, 1)
    codes = [check["code"] for check in answer["checks"]]
    assert codes == ["configuration", "daemon", "stale"]
    assert "✗ stale: m\n  f\n" in costd("doctor").out


def test_a_doctor_still_answers_when_nothing_else_can(
    daemon: Daemon, costd: Shown, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[engine]\ntick = 5\n")
    broken.chmod(0o600)
    monkeypatch.setenv("COSTD_CONFIG", str(broken))
    monkeypatch.delenv("COSTD_STATE_DIR")
    shown = costd("doctor")
    assert shown.code == 4
    assert "✗ configuration: " in shown.out
    assert "engine.tick" in shown.out
    assert shown.err == ""


def test_a_broken_configuration_does_not_hide_a_daemon(
    daemon: Daemon, costd: Shown, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("not toml")
    broken.chmod(0o600)
    monkeypatch.setenv("COSTD_CONFIG", str(broken))
    assert costd("status", "--json").code == 0
    shown = costd("--config", str(broken), "status")
    assert (shown.code, shown.out) == (2, "")
    assert f"{broken}:1: not TOML" in shown.err


def test_a_configuration_on_the_command_line_leads_to_its_daemon(
    daemon: Daemon,
    costd: Shown,
    monkeypatch: pytest.MonkeyPatch,
    state_dir: Path,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("COSTD_STATE_DIR")
    file = tmp_path / "other.toml"
    file.write_text(f'[paths]\nstate_dir = "{state_dir}"\n')
    file.chmod(0o600)
    shown = costd("--config", str(file), "status", "--json")
    assert (shown.code, shown.raw) == (0, canned.compact(canned.status()))


def test_tables_in_a_pipe_are_plain_and_whole(daemon: Daemon, costd: Shown) -> None:
    rows = [session_row(branch="x" * 300)]
    daemon.put(sessions={"rows": rows, "count": 1})
    shown = costd("sessions")
    assert "x" * 300 in shown.out
    assert SESSION in shown.out
    assert not set(shown.out) & set("─│┃━\x1b")


def test_a_pipe_that_knows_no_utf_8_gets_plainer_signs(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, costd: Shown
) -> None:
    bound = {"responses": 1, "reasons": {"unfinalised": 1}}
    daemon.put(
        status=canned.status(lower_bound=bound, live=[canned.live(branch="ø日")])
    )
    monkeypatch.setattr("costd.cli.output.encoding", lambda: "latin-1")
    shown = costd("status")
    assert b">=$5,112.50" in shown.raw
    assert b" \xf8? " in shown.raw


def test_prices_name_their_card(daemon: Daemon, costd: Shown) -> None:
    daemon.put(prices={"card": CARD, "rows": []})
    assert "card 2026-11-22.1 of 2026-11-22" in costd("prices").out


@pytest.mark.parametrize("form", ["csv", "md", "table", "json"])
def test_a_report_in_every_form(daemon: Daemon, costd: Shown, form: str) -> None:
    shown = costd("report", "--by", "day,model", "--format", form)
    assert (shown.code, shown.err) == (0, "")
    assert "claude-opus-5" in shown.out
    assert shown.raw.count(b"\r\n") == (2 if form == "csv" else 0)


SCRIPTS = {
    "bash": ("complete -o nosort -F", ["bash", "-n"]),
    "zsh": ("compdef", ["zsh", "-n"]),
    "fish": ("complete --no-files --command costd", ["fish", "--no-execute"]),
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_completion_scripts(costd: Shown, shell: str, tmp_path: Path) -> None:
    words, check = SCRIPTS[shell]
    shown = costd("completion", shell)
    assert (shown.code, shown.err) == (0, "")
    assert words in shown.out
    assert "_COSTD_COMPLETE" in shown.out
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(shown.out)
        subprocess.run([*check, str(script)], check=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("costd re", {"report", "reprice", "restore"}),
        ("costd report --si", {"--since"}),
        ("costd report --by day,mo", {"day,month", "day,model"}),
        ("costd report --format c", {"csv"}),
        ("costd completion z", {"zsh"}),
        ("costd config s", {"show", "set"}),
    ],
)
def test_what_completion_offers(
    costd: Shown, monkeypatch: pytest.MonkeyPatch, words: str, offered: set[str]
) -> None:
    monkeypatch.setenv("_COSTD_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    shown = costd()
    assert {line.partition(",")[2] for line in shown.out.split()} == offered
