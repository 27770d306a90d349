"""``costd config``: what it writes, shows and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Shown


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the configuration is looked for; there is none."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config/costd/config.toml"


def test_the_path(costd: Shown, file: Path) -> None:
    assert costd("config", "path").out == f"{file}\n"
    answer = json.loads(costd("config", "path", "--json").out)
    assert answer == {"schema_version": 1, "path": str(file), "exists": False}


def test_the_path_of_another_file(
    costd: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "x.toml"
    assert costd("--config", str(other), "config", "path").out == f"{other}\n"
    monkeypatch.setenv("COSTD_CONFIG", str(other))
    assert costd("config", "path").out == f"{other}\n"


def test_init_writes_a_private_file_that_changes_nothing(
    costd: Shown, file: Path, repo: Path
) -> None:
    before = json.loads(costd("config", "show", "--json").out)
    assert costd("config", "init").code == 0
    assert file.read_text() == (repo / "config.example.toml").read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(costd("config", "show", "--json").out) == before
    assert costd("config", "check").code == 0


def test_init_replaces_nothing_unless_asked(costd: Shown, file: Path) -> None:
    costd("config", "init")
    file.write_text("# mine\n")
    shown = costd("config", "init")
    assert shown.code == 1
    assert "is there already" in shown.err
    assert file.read_text() == "# mine\n"
    assert costd("config", "init", "--force").code == 0
    assert file.read_text() != "# mine\n"


def test_check_says_every_error_with_its_line(costd: Shown, file: Path) -> None:
    assert "every key has its default" in costd("config", "check").out
    file.parent.mkdir(parents=True)
    file.write_text("[engine]\ntick = 5\nlive_minutes = 'x'\n")
    file.chmod(0o600)
    shown = costd("config", "check")
    assert (shown.code, shown.out) == (2, "")
    assert f"{file}:2: engine.tick" in shown.err
    assert f"{file}:3: engine.live_minutes" in shown.err
    as_json = costd("config", "check", "--json")
    answer = json.loads(as_json.out)
    assert (as_json.code, answer["ok"], len(answer["problems"])) == (2, False, 2)


def test_show_says_who_says_so(
    costd: Shown, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTD_STATE_DIR", "/somewhere")
    costd("config", "set", "engine.tick_seconds", "10")
    shown = costd("config", "show").out
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines()}
    assert rows["paths.state_dir"] == ['"/somewhere"', "COSTD_STATE_DIR"]
    assert rows["engine.tick_seconds"] == ["10", str(file)]
    assert rows["http.port"] == ["26783", "default"]
    answer = json.loads(costd("config", "show", "--json").out)
    assert answer["config"]["engine"]["tick_seconds"] == 10
    assert answer["origins"]["paths.state_dir"] == "COSTD_STATE_DIR"


def test_set_changes_one_value(costd: Shown, file: Path) -> None:
    costd("config", "init")
    shown = costd("config", "set", "engine.tick_seconds", "10")
    assert shown.code == 0
    assert f"engine.tick_seconds = 10 in {file}." in shown.out
    answer = json.loads(
        costd("config", "set", "engine.tick_seconds", "5", "--json").out
    )
    assert (answer["before"], answer["after"]) == (10, 5)
    assert "\ntick_seconds = 5\n" in file.read_text()


@pytest.mark.parametrize(
    ("key", "value"),
    [("engine.tick", "5"), ("engine.tick_seconds", "never"), ("not a key", "5")],
)
def test_set_refuses_what_would_be_wrong(
    costd: Shown, file: Path, key: str, value: str
) -> None:
    costd("config", "init")
    before = file.read_text()
    shown = costd("config", "set", key, value)
    assert (shown.code, shown.out) == (2, "")
    assert file.read_text() == before


def test_a_place_that_cannot_be_written_is_said(costd: Shown, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for words in (["init"], ["set", "timezone", "UTC"]):
        shown = costd("--config", str(tmp_path / "file/x.toml"), "config", *words)
        assert shown.code == 2
        assert "costd: cannot" in shown.err


def test_no_home_is_said(costd: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "relative")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    shown = costd("config", "path")
    assert shown.code in {0, 2}
    assert "Traceback" not in shown.err
