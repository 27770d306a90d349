"""``costd config set``: one value changes, the rest of the file stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from costd.config import load_config
from costd.config.edit import set_value
from costd.config.example import render_default_config
from costd.core.errors import ConfigError, UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dir" / "config.toml"


def put(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    file.chmod(0o640)


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        ("", "engine.tick_seconds", "60", "[engine]\ntick_seconds = 60\n"),
        ("", "timezone", "Europe/Oslo", 'timezone = "Europe/Oslo"\n'),
        ("", "timezone", '"Europe/Oslo"', 'timezone = "Europe/Oslo"\n'),
        ("", "http.enabled", "true", "[http]\nenabled = true\n"),
        (
            "[log]\nlevel = 'info' # why\n# end\n",
            "log.level",
            "debug",
            '[log]\nlevel = "debug" # why\n# end\n',
        ),
        (
            '# head\n\n[log]\n# level = "info"\n\n# about http\n[http]\n',
            "log.level",
            "error",
            '# head\n\n[log]\nlevel = "error"\n\n# about http\n[http]\n',
        ),
        (
            "[log]\n",
            "timezone",
            "UTC",
            'timezone = "UTC"\n\n[log]\n',
        ),
        ("engine.tick_seconds = 5\n", "engine.tick_seconds", "6", "engine.tick_seconds = 6\n"),
        ("", 'prices.aliases."a.b"', "5", '[prices.aliases]\n"a.b" = "5"\n'),
        ("", "attribution.issue_keys", '["A", "B"]', '[attribution]\nissue_keys = ["A", "B"]\n'),
        ("", "prices.overrides.m", "{input = 0.1}", "[prices.overrides]\nm = {input = 0.1}\n"),
    ],
)  # fmt: skip
def test_a_value_is_set_and_the_rest_stays(
    file: Path, before: str, key: str, value: str, after: str
) -> None:
    if before:
        put(file, before)
    set_value(file, key, value)
    assert file.read_text() == after
    load_config(file, {}, file.parent)


def test_the_old_and_the_new_value_are_told(file: Path) -> None:
    assert set_value(file, "engine.tick_seconds", "60") == (None, 60)
    assert set_value(file, "engine.tick_seconds", "10") == (60, 10)
    assert set_value(file, "log.level", "debug") == (None, "debug")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("engine.tick_seconds", "0", "engine.tick_seconds: expected a whole number"),
        ("engine.tick_secnds", "5", 'did you mean "tick_seconds"?'),
        ("engine", "5", "engine: expected a table, got 5"),
        ("timezone.x", "5", "timezone is a value, not a section"),
        ("timezone", "Mars/Olympus", "timezone: expected a time zone"),
        ("http.enabled", "true\nport = 1", "http.enabled: expected true or false"),
    ],
)
def test_a_wrong_value_changes_nothing(
    file: Path, key: str, value: str, said: str
) -> None:
    before = "# mine\ntimezone = 'UTC'\n[engine]\nlive_minutes = 4\n"
    put(file, before)
    with pytest.raises(ConfigError) as caught:
        set_value(file, key, value)
    assert said in caught.value.message
    assert file.read_text() == before


@pytest.mark.parametrize("key", ["", "a b", "a..b", "a = 1\nb", "[a]", "#"])
def test_what_is_no_key_is_refused(file: Path, key: str) -> None:
    with pytest.raises(UsageError):
        set_value(file, key, "1")
    assert not file.exists()


def test_an_error_elsewhere_does_not_stop_the_repair(file: Path) -> None:
    put(file, "[engine]\nlive_minutes = 0\ntick_seconds = 0\n")
    assert set_value(file, "engine.live_minutes", "5") == (0, 5)
    assert set_value(file, "engine.tick_seconds", "5") == (0, 5)
    assert load_config(file, {}, file.parent).engine.tick_seconds == 5


def test_a_comment_inside_a_text_is_not_turned_on(file: Path) -> None:
    text = '[prices.aliases]\na = """\n[engine]\n# tick_seconds = 30\n"""\n'
    put(file, text)
    set_value(file, "engine.tick_seconds", "9")
    assert file.read_text().startswith(text)
    assert load_config(file, {}, file.parent).engine.tick_seconds == 9


def test_modes_and_links_stay(file: Path, tmp_path: Path) -> None:
    set_value(file, "log.level", "debug")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    put(file, "")
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    set_value(link, "log.level", "error")
    assert link.is_symlink()
    assert "error" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [p.name for p in file.parent.iterdir()] == ["config.toml"]


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "dir").write_text("not a directory")
    with pytest.raises(ConfigError, match=r"cannot (read|write)"):
        set_value(tmp_path / "dir" / "config.toml", "log.level", "debug")


def test_each_default_of_the_example_is_changed_in_its_place(file: Path) -> None:
    put(file, render_default_config())
    lines = len(file.read_text().splitlines())
    for key, value in {
        "timezone": "Asia/Tokyo",
        "paths.state_dir": "~/x",
        "sources.claude.enabled": "false",
        "engine.sweep_seconds": "77",
        "attribution.issue_keys": '["X"]',
        "log.format": "json",
    }.items():
        set_value(file, key, value)
        assert len(file.read_text().splitlines()) == lines
    assert load_config(file, {}, file.parent).log.format == "json"
