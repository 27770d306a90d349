"""``costd hook install``, ``uninstall`` and ``status``, on files."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from cli.conftest import Shown
from costd.cli.agents.settings import EVENTS

BEFORE = '{\n    "model": "opus",\n    "permissions": {"allow": ["Bash(ls)"]}\n}\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home/.claude").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path) -> Path:
    path = home / ".claude/settings.json"
    path.write_text(BEFORE)
    path.chmod(0o640)
    return path


def test_it_shows_the_change_writes_it_and_takes_it_back(
    costd: Shown, settings: Path
) -> None:
    shown = costd("hook", "install", "--yes")
    assert shown.code == 0
    assert f"+++ {settings}" in shown.out
    assert '+    "hooks": {' in shown.out
    assert set(json.loads(settings.read_text())["hooks"]) == set(EVENTS)
    assert settings.stat().st_mode & 0o777 == 0o640
    assert "nothing to change" in costd("hook", "install", "--yes").out
    assert costd("hook", "status").code == 0
    shown = costd("hook", "uninstall", "--yes")
    assert '-    "hooks": {' in shown.out
    assert settings.read_text() == BEFORE
    assert "nothing to change" in costd("hook", "uninstall", "--yes").out
    assert costd("hook", "status").code == 1
    assert os.listdir(settings.parent) == ["settings.json"]  # noqa: PTH208 - only the names


def test_a_dry_run_changes_nothing(costd: Shown, settings: Path) -> None:
    assert "+++" in costd("hook", "install", "--dry-run").out
    assert settings.read_text() == BEFORE


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_nobody_to_ask_is_no_consent(
    costd: Shown, settings: Path, options: list[str]
) -> None:
    shown = costd("hook", "install", *options)
    assert shown.code == 2
    assert "--yes" in shown.err
    assert settings.read_text() == BEFORE


def test_the_same_for_programs(costd: Shown, settings: Path) -> None:
    done = json.loads(costd("hook", "install", "--yes", "--json").out)
    assert (done["changed"], done["settings"]) == (True, str(settings))
    assert any(line.startswith("+") for line in done["diff"])
    done = json.loads(costd("hook", "install", "--yes", "--json").out)
    assert (done["changed"], done["diff"]) == (False, [])
    status = json.loads(costd("hook", "status", "--json").out)
    assert status["installed"]
    assert set(status["events"]) == set(EVENTS)


def test_a_file_that_is_not_there_is_made(costd: Shown, home: Path) -> None:
    path = home / "deep/er/settings.json"
    assert costd("hook", "install", "--yes", "--settings", str(path)).code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert costd("hook", "uninstall", "--yes", "--settings", str(path)).code == 0
    assert json.loads(path.read_text()) == {}


def test_the_settings_are_where_the_agent_looks(
    costd: Shown, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / "moved"))
    costd("hook", "install", "--yes")
    assert (home / "moved/settings.json").exists()


def test_a_link_stays_a_link(costd: Shown, settings: Path, home: Path) -> None:
    settings.rename(home / "dotfile.json")
    settings.symlink_to(home / "dotfile.json")
    costd("hook", "install", "--yes")
    assert settings.is_symlink()
    assert "costd" in (home / "dotfile.json").read_text()


@pytest.mark.parametrize("data", [b"{", b"\xff", b'{"hooks": 7}'])
def test_a_file_that_is_not_fit_is_left_alone(
    costd: Shown, settings: Path, data: bytes
) -> None:
    settings.write_bytes(data)
    for name in ("install", "uninstall"):
        shown = costd("hook", name, "--yes")
        assert shown.code == 2
        assert shown.err.startswith("costd: ")
        assert settings.read_bytes() == data
    assert costd("hook", "status").code == 2


def test_what_cannot_be_read_is_said(costd: Shown, home: Path) -> None:
    shown = costd("hook", "install", "--yes", "--settings", str(home))
    assert shown.code == 2
    assert "cannot read" in shown.err


def test_the_program_that_runs_is_the_one_that_is_called(
    costd: Shown, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "with space/costd"
    program.parent.mkdir()
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    costd("hook", "install", "--yes")
    hooks = json.loads(settings.read_text())["hooks"]
    assert hooks["Stop"][0]["hooks"][0]["command"] == f"'{program}' hook"
    assert not json.loads(costd("hook", "status", "--json").out)["missing_programs"]
    program.unlink()
    shown = costd("hook", "status")
    assert "no such program" in shown.out


def test_hooks_that_are_switched_off_are_said(costd: Shown, settings: Path) -> None:
    settings.write_text('{"disableAllHooks": true}')
    costd("hook", "install", "--yes")
    assert "disableAllHooks is set" in costd("hook", "status").out
