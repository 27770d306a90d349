"""``config.example.toml`` is the whole reference, and it says the defaults."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from costd.config import ENVIRONMENT, PriceOverride, load_config
from costd.config.check import read_settings
from costd.config.example import render_default_config
from costd.config.model import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "config.example.toml").read_text(encoding="utf-8")
DEFAULT = re.compile(r"# (?P<live>[a-z_]+ = .*)")
SAMPLE = re.compile(r"# e\.g\. (?P<live>\S+ = .*)")

# Their defaults depend on the system or are empty; the comment above says how.
SAMPLES = {
    "timezone",
    "paths.state_dir",
    "paths.runtime_dir",
    "paths.output_dir",
    "sources.claude.roots",
    "sources.codex.roots",
    "attribution.issue_keys",
    "events.log",
    "runs.max_age_days",
    "webhook.url",
    "webhook.headers",
    "webhook.secret",
    "prices.overrides",
    "prices.aliases",
}


def switched_on(*patterns: re.Pattern[str]) -> dict[str, Any]:
    lines = []
    for line in TEXT.splitlines():
        match = next((m for p in patterns if (m := p.fullmatch(line))), None)
        lines.append(match["live"] if match else line)
    return tomllib.loads("\n".join(lines))


def keys(kind: type[msgspec.Struct], prefix: str = "") -> list[str]:
    found = []
    for field in msgspec.structs.fields(kind):
        name = prefix + field.encode_name
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found += keys(field.type, name + ".")
        else:
            found.append(name)
    return found


def present(table: dict[str, Any], kind: type[msgspec.Struct]) -> set[str]:
    found = set()
    for name in keys(kind):
        value: Any = table
        for part in name.split("."):
            value = value.get(part, {}) if isinstance(value, dict) else {}
        if value != {}:
            found.add(name)
    return found


def test_as_it_is_it_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "config.toml"
    copy.write_text(TEXT)
    copy.chmod(0o600)
    with_example = msgspec.to_builtins(load_config(copy, {}, tmp_path), enc_hook=str)
    without = msgspec.to_builtins(load_config(None, {}, tmp_path), enc_hook=str)
    with_example["paths"].pop("config_file")
    without["paths"].pop("config_file")
    assert with_example == without


def test_the_defaults_in_it_are_the_defaults(tmp_path: Path) -> None:
    table = switched_on(DEFAULT)
    settings, problems = read_settings(table, tmp_path)
    assert problems == []
    assert settings == Settings()
    assert present(table, Settings) == set(keys(Settings)) - SAMPLES


def test_the_samples_in_it_can_be_used(tmp_path: Path) -> None:
    table = switched_on(SAMPLE)
    settings, problems = read_settings(table, tmp_path)
    assert problems == []
    assert present(table, Settings) == SAMPLES
    (override,) = settings.prices.overrides.values()
    assert isinstance(override, PriceOverride)
    assert len(override.written()) == len(PriceOverride.__struct_fields__)


def test_each_key_has_a_reason_above_it() -> None:
    lines = TEXT.splitlines()
    for number, line in enumerate(lines):
        if DEFAULT.fullmatch(line) or SAMPLE.fullmatch(line):
            above = lines[number - 1]
            assert re.fullmatch(r"# [^=]{20,}", above), line


@pytest.mark.parametrize("name", [*ENVIRONMENT, "COSTD_CONFIG"])
def test_each_variable_is_documented(name: str) -> None:
    assert name in TEXT


def test_each_choice_is_documented() -> None:
    for section in ("http", "log"):
        kind = type(getattr(Settings(), section))
        for hint in msgspec.structs.fields(kind):
            if get_origin(hint.type) is not Literal:
                continue
            for choice in get_args(hint.type):
                assert f'"{choice}"' in TEXT


def test_the_program_shows_the_same_text() -> None:
    assert render_default_config() == TEXT
