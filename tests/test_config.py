"""The configuration: what is read, what is refused, and how that is said."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from costd.config import Config, claude_roots, codex_roots, load_config
from costd.config.check import read_settings
from costd.config.zone import is_zone
from costd.core.errors import ConfigError
from costd.core.rates import RateCard

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    return put


def load(
    path: Path | None, home: Path, environ: Mapping[str, str] | None = None
) -> Config:
    return load_config(path, environ or {}, home)


def refusal(
    path: Path | None, home: Path, environ: Mapping[str, str] | None = None
) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, home, environ)
    assert caught.value.exit_code == 2
    assert caught.value.fix
    return caught.value.message


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    config = load(None, tmp_path)
    assert config.engine.tick_seconds == 30
    assert config.engine.live_minutes == 5
    assert config.engine.max_line_bytes == 16 * 1024 * 1024
    assert config.attribution.issue_keys is None
    assert config.http.enabled is False
    assert config.origins == {}
    assert not config.paths.config_file.exists()
    assert is_zone(config.timezone)


@pytest.mark.parametrize("by", ["argument", "variable"])
def test_a_file_that_is_named_must_exist(tmp_path: Path, by: str) -> None:
    missing = tmp_path / "none.toml"
    if by == "argument":
        message = refusal(missing, tmp_path)
    else:
        message = refusal(None, tmp_path, {"COSTD_CONFIG": str(missing)})
    assert f"cannot read the configuration {missing}" in message


def test_the_default_place_is_read(tmp_path: Path) -> None:
    place = load(None, tmp_path).paths.config_file
    assert place.is_relative_to(tmp_path)
    place.parent.mkdir(parents=True)
    place.write_text("engine.tick_seconds = 7")
    place.chmod(0o600)
    assert load(None, tmp_path).engine.tick_seconds == 7


def test_environment_beats_file_beats_default(tmp_path: Path, write: Write) -> None:
    file = write('[paths]\nstate_dir = "~/from/file"\noutput_dir = "/out/file"')
    environ = {"COSTD_OUTPUT_DIR": "~/from/environment", "COSTD_STATE_DIR": ""}
    config = load(file, tmp_path, environ)
    assert config.paths.state_dir == tmp_path / "from" / "file"
    assert config.paths.output_dir == tmp_path / "from" / "environment"
    assert config.origins == {
        "paths.state_dir": str(file),
        "paths.output_dir": "COSTD_OUTPUT_DIR",
    }


def test_the_command_line_beats_the_variable(tmp_path: Path, write: Write) -> None:
    file = write("engine.live_minutes = 9")
    environ = {"COSTD_CONFIG": str(tmp_path / "other.toml")}
    assert load(file, tmp_path, environ).engine.live_minutes == 9


def test_the_null_device_means_no_configuration(tmp_path: Path) -> None:
    config = load(None, tmp_path, {"COSTD_CONFIG": os.devnull})
    assert config.engine.tick_seconds == 30


WRONG = """\
timezone = "Europe/Olso"
[sources.claude]
enabled = 1
root = "~/.claude/projects"
roots = ["~/a", 5,
  "b"]
[engine]
tick_seconds = 0
[attribution]
issue_keys = ["MIN", "A B"]
[prices.overrides."m.x"]
input = nan
output = "1.2345678"
cache = 3
[[prices.overrides.y]]
input = 3
[[prices.overrides.y]]
output = "three"
from = 2026-10-01T00:00:00
[http]
host = "0.0.0.0"
[log]
level = "inf"
[loging]
"""
SAID = """\
1: timezone: expected a time zone such as "Europe/Oslo", got "Europe/Olso"; did you mean "Europe/Oslo"?
3: sources.claude.enabled: expected true or false, got 1
4: sources.claude.root: expected enabled, extra_roots or roots, got "root"; did you mean "roots"?
5: sources.claude.roots[1]: expected a path, absolute or starting with "~/", got 5
5: sources.claude.roots[2]: expected a path, absolute or starting with "~/", got "b"
8: engine.tick_seconds: expected a whole number of seconds from 1 to 3600, got 0
10: attribution.issue_keys[1]: expected a project key such as "MIN", got "A B"
12: prices.overrides."m.x".input: expected USD per million tokens with at most 6 decimals, got NaN
13: prices.overrides."m.x".output: expected USD per million tokens with at most 6 decimals, got "1.2345678"
14: prices.overrides."m.x".cache: expected cache_creation_1h, cache_creation_5m, cache_read, from, input or output, got "cache"; did you mean "cache_read"?
18: prices.overrides.y[1].output: expected USD per million tokens with at most 6 decimals, got "three"
19: prices.overrides.y[1].from: expected a date such as 2026-10-01, got 2026-10-01 00:00:00
21: http.host: expected "127.0.0.1", "::1" or "localhost", got "0.0.0.0"; did you mean "127.0.0.1"?
23: log.level: expected "debug", "info", "warning" or "error", got "inf"; did you mean "info"?
24: loging: expected attribution, engine, events, health, http, kpi, log, output, paths, prices, runs, sources, timezone or webhook, got "loging"; did you mean "log"?
"""


def test_every_error_is_said_at_once(tmp_path: Path, write: Write) -> None:
    file = write(WRONG)
    message = refusal(file, tmp_path, {"COSTD_STATE_DIR": "state"})
    *lines, last = message.splitlines()
    assert lines == [f"{file}:{line}" for line in SAID.splitlines()]
    assert last == (
        'COSTD_STATE_DIR: expected a path, absolute or starting with "~/", got "state"'
    )


def test_a_value_in_the_place_of_a_table(tmp_path: Path, write: Write) -> None:
    message = refusal(write("sources = 3\nengine.tick_seconds = {}"), tmp_path)
    assert "config.toml:1: sources: expected a table, got 3" in message
    assert "config.toml:2: engine.tick_seconds: expected a whole number" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 1\n\nb = = 2\n", ":3: not TOML: "),
        ("a = 1\nb = [1,\n", ":3: not TOML: "),
        ("a = 1\na = 2\n", ":2: not TOML: "),
    ],
)
def test_a_syntax_error_has_its_line(
    tmp_path: Path, write: Write, text: str, said: str
) -> None:
    assert said in refusal(write(text), tmp_path)


def test_text_that_is_not_utf8_has_its_line(tmp_path: Path, write: Write) -> None:
    file = write("")
    file.write_bytes(b"# one\n# tw\xf6\n")
    assert f"{file}:2: expected UTF-8 text" in refusal(file, tmp_path)


def test_editors_of_other_systems_are_welcome(tmp_path: Path, write: Write) -> None:
    file = write("")
    file.write_bytes(b"\xef\xbb\xbf[engine]\r\ntick_seconds = 4\r\n")
    assert load(file, tmp_path).engine.tick_seconds == 4
    file.write_bytes(b"[engine]\r\ntick_seconds = 4\r\ntock = 1\r\n")
    assert f"{file}:3: engine.tock" in refusal(file, tmp_path)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_change_is_refused(
    tmp_path: Path, write: Write, mode: int
) -> None:
    file = write("")
    file.chmod(mode)
    with pytest.raises(ConfigError, match="can be changed by others") as caught:
        load(file, tmp_path)
    assert caught.value.fix == f"chmod go-w {file}"


def test_a_link_is_judged_by_its_target(tmp_path: Path, write: Write) -> None:
    file = write("engine.tick_seconds = 4")
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    assert load(link, tmp_path).engine.tick_seconds == 4
    file.chmod(0o606)
    assert "can be changed by others" in refusal(link, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path, write: Write) -> None:
    file = write("")
    os.chown(file, 12_345, -1)
    assert f"{file} belongs to uid 12345" in refusal(file, tmp_path)


def test_a_file_of_the_system_is_read(tmp_path: Path) -> None:
    assert "/etc/passwd:1: not TOML" in refusal(Path("/etc/passwd"), tmp_path)


def test_a_directory_is_no_configuration(tmp_path: Path) -> None:
    assert f"cannot read the configuration {tmp_path}" in refusal(tmp_path, tmp_path)


def test_no_issue_keys_are_not_any_issue_keys(tmp_path: Path, write: Write) -> None:
    assert load(write(""), tmp_path).attribution.issue_keys is None
    empty = load(write("attribution.issue_keys = []"), tmp_path)
    assert empty.attribution.issue_keys == ()
    two = load(write('attribution.issue_keys = ["MIN", "pan"]'), tmp_path)
    assert two.attribution.issue_keys == ("MIN", "pan")


def test_prices_are_exact_and_fit_the_rate_card(tmp_path: Path, write: Write) -> None:
    file = write(
        '[prices.overrides."my.model"]\ninput = 0.1\noutput = "15"\n'
        "[[prices.overrides.other]]\ninput = 3\noutput = 4\n"
        '[[prices.overrides.other]]\noutput = 5\nfrom = "2026-10-01"\n'
        '[prices.aliases]\n"gateway/x" = "my.model"\n'
    )
    prices = load(file, tmp_path).prices
    single, several = prices.overrides["my.model"], prices.overrides["other"]
    assert not isinstance(single, tuple)
    assert single.input == Decimal("0.1")
    assert isinstance(several, tuple)
    assert several[1].valid_from == date(2026, 10, 1)
    assert prices.override_tables() == {
        "my.model": [{"input": "0.1", "output": "15"}],
        "other": [
            {"input": "3", "output": "4"},
            {"output": "5", "from": "2026-10-01"},
        ],
    }
    assert prices.aliases == {"gateway/x": "my.model"}
    RateCard({}, sources=[], overrides=prices.override_tables(), aliases=prices.aliases)


def test_claude_roots_are_a_union_without_repetition(tmp_path: Path) -> None:
    (tmp_path / "moved").symlink_to(tmp_path / ".claude")
    settings = load(None, tmp_path).sources.claude
    environ = {"CLAUDE_CONFIG_DIR": str(tmp_path / "moved")}
    home = Path(os.path.realpath(tmp_path))
    assert claude_roots(settings, environ, tmp_path) == (
        home / ".claude" / "projects",
        home / ".config" / "claude" / "projects",
    )
    environ = {"CLAUDE_CONFIG_DIR": "~/second", "XDG_CONFIG_HOME": "/etc/own"}
    assert claude_roots(settings, environ, tmp_path) == (
        home / ".claude" / "projects",
        home / "second" / "projects",
        Path("/etc/own/claude/projects"),
    )


def test_codex_roots_are_threads_and_archives_of_every_home(
    tmp_path: Path, write: Write
) -> None:
    settings = load(None, tmp_path).sources.codex
    found = codex_roots(settings, {"CODEX_HOME": "~/second"}, tmp_path)
    assert [str(root.relative_to(tmp_path)) for root in found] == [
        ".codex/sessions",
        ".codex/archived_sessions",
        "second/sessions",
        "second/archived_sessions",
    ]
    file = write('[sources.codex]\nroots = ["~/a"]\nextra_roots = ["/b", "~/a"]')
    settings = load(file, tmp_path).sources.codex
    assert codex_roots(settings, {}, tmp_path) == (tmp_path / "a", Path("/b"))


def test_roots_replace_and_extra_roots_add(tmp_path: Path, write: Write) -> None:
    home = Path(os.path.realpath(tmp_path))
    file = write('[sources.claude]\nroots = ["~/a"]\nextra_roots = ["/b", "~/a"]')
    settings = load(file, tmp_path).sources.claude
    assert claude_roots(settings, {}, tmp_path) == (home / "a", Path("/b"))
    file = write('sources.claude.extra_roots = ["/b"]')
    settings = load(file, tmp_path).sources.claude
    assert Path("/b") in claude_roots(settings, {}, tmp_path)
    assert home / ".claude" / "projects" in claude_roots(settings, {}, tmp_path)


def test_the_two_ways_of_reading_agree(tmp_path: Path) -> None:
    # What msgspec refuses and the leaves allow would be an error without a place.
    _, problems = read_settings({"engine": {"tick_seconds": "x"}}, tmp_path)
    assert [problem.key for problem in problems] == [("engine", "tick_seconds")]
