"""With no daemon: the command reads the logs itself, and leaves no trace of a daemon."""

from __future__ import annotations

import fcntl
import json
import shutil
from concurrent.futures import Future
from pathlib import Path

import pytest

from cli.conftest import Shown
from costd.cli import answers, progress
from costd.core.errors import CostdError

ANSWERS = (
    "status",
    "report --by issue,model",
    "report --by day",
    "sessions",
    "prices",
    "reprice --dry-run",
    "sync",
    "verify",
    "doctor",
    "explain --branch main",
)


@pytest.fixture
def home(tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a session's log in it."""
    home = tmp_path / "home"
    (home / ".claude/projects").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def log(home: Path, repo: Path) -> Path:
    """One of the corpus's logs, where Claude Code would have written it."""
    source = next((repo / "tests/corpus/claude").rglob("*.jsonl"))
    target = home / ".claude/projects/-app" / source.name
    target.parent.mkdir()
    shutil.copy(source, target)
    return target


@pytest.mark.parametrize("line", ANSWERS)
@pytest.mark.parametrize("as_json", [False, True])
def test_every_command_answers(
    log: Path, costd: Shown, line: str, as_json: bool
) -> None:
    shown = costd(*line.split(), *(["--json"] if as_json else []))
    assert (shown.code, shown.err) == (0, "")
    if as_json:
        assert json.loads(shown.out)["schema_version"] == 1
        assert shown.out.count("\n") == 1
    else:
        assert shown.out


def test_new_lines_are_counted_before_the_answer(log: Path, costd: Shown) -> None:
    whole = log.read_bytes()
    log.write_bytes(b"")
    before = json.loads(costd("status", "--json").out)
    log.write_bytes(whole)
    after = json.loads(costd("status", "--json").out)
    assert before["totals"]["all"]["responses"] == 0
    assert after["totals"]["all"]["responses"] > 0
    assert after["daemon"] is False


def test_a_session_is_found_by_the_beginning_of_its_id(log: Path, costd: Shown) -> None:
    (row,) = json.loads(costd("sessions", "--json").out)["rows"]
    shown = costd("session", row["session_id"][:6])
    assert shown.code == 0
    assert row["session_id"] in shown.out
    assert costd("explain", "--session", row["session_id"]).code == 0
    missing = costd("session", "zzzz")
    assert (missing.code, missing.out) == (1, "")


def test_no_logs_yet(home: Path, costd: Shown) -> None:
    shown = costd("status")
    assert shown.code == 0
    assert "No logs yet." in shown.out
    assert str(home / ".claude/projects") in shown.out


def test_who_holds_the_ledger_is_waited_for_and_then_named(
    home: Path, state_dir: Path, costd: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("answers", "commands.status"):
        monkeypatch.setattr(f"costd.cli.{module}.LOCKED_SECONDS", 0.2)
    monkeypatch.setattr(answers, "PAUSE_SECONDS", 0.01)
    with (state_dir / "costd.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shown = costd("status", "--json")
    assert (shown.code, shown.out) == (3, "")
    assert "answers nobody" in shown.err
    assert costd("status", "--json").code == 0


@pytest.mark.parametrize("line", ["status --json", "report --by day --json", "sync"])
def test_a_wrong_configuration_is_2(
    home: Path, costd: Shown, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    file = home / "costd.toml"
    file.write_text("[engine]\ntick_secs = 5\n")
    file.chmod(0o600)
    monkeypatch.setenv("COSTD_CONFIG", str(file))
    shown = costd(*line.split())
    assert (shown.code, shown.out) == (2, "")
    assert f"{file}:2: engine.tick_secs" in shown.err
    assert "tick_seconds" in shown.err


def test_a_ledger_of_a_newer_costd_is_3(
    log: Path, state_dir: Path, costd: Shown
) -> None:
    assert costd("sync").code == 0
    ledger = state_dir / "ledger.db"
    data = bytearray(ledger.read_bytes())
    data[60:64] = (9999).to_bytes(4, "big")  # user_version in SQLite's header
    ledger.write_bytes(bytes(data))
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (state_dir / name).unlink(missing_ok=True)
    shown = costd("status", "--json")
    assert (shown.code, shown.out) == (3, "")
    assert "version 9999" in shown.err


def test_a_state_directory_that_is_a_file_is_said(
    home: Path, costd: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTD_STATE_DIR", str(home / "file"))
    (home / "file").write_text("")
    shown = costd("status")
    assert shown.code in {2, 3}
    assert str(home / "file") in shown.err
    assert "Traceback" not in shown.err


def test_the_bar_is_only_for_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it shows what is left to read, until the work is done."""
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(progress, "BEAT_SECONDS", 0.01)
    work: Future[str] = Future()
    left = iter([None, 4 << 20, 1 << 20])

    def peek() -> int | None:
        found = next(left, 0)
        if found == 0 and not work.done():
            work.set_result("done")
        return found

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert progress.follow(work, "sync", peek) == "done"
    assert "reading the logs" in capsys.readouterr().err
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    assert progress.follow(work, "sync", peek) == "done"
    assert capsys.readouterr().err == ""


def test_the_bar_ends_with_the_works_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    work: Future[str] = Future()
    work.set_exception(CostdError("It failed."))
    with pytest.raises(CostdError, match="It failed"):
        progress.follow(work, "sync", lambda: None)


def test_what_is_behind_is_the_sum_over_the_agents() -> None:
    sources = [{"bytes_behind": 5}, {"bytes_behind": 7}, {"bytes_behind": None}]
    assert progress.behind({"sources": sources}) == 12
    assert progress.behind({"sources": []}) is None
    assert progress.behind(None) is None
