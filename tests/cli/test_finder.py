"""The cheap way to the daemon finds what the configuration says, or gives up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from costd.cli.finder import socket_path, state_dir
from costd.config import load_config


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def slowly(environ: dict[str, str], home: Path) -> str:
    return str(load_config(None, environ, home).paths.state_dir)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def test_the_default_place(home: Path) -> None:
    environ = {"HOME": str(home)}
    assert state_dir(environ) == slowly(environ, home)


@pytest.mark.parametrize("value", ["/somewhere/state", "relative", "", " "])
def test_the_place_of_the_platforms_variable(home: Path, value: str) -> None:
    environ = {"HOME": str(home), "XDG_STATE_HOME": value}
    assert state_dir(environ) == slowly(environ, home)


def test_the_variable_beats_the_file(home: Path) -> None:
    environ = {"HOME": str(home), "COSTD_STATE_DIR": "/somewhere"}
    assert state_dir(environ) == slowly(environ, home) == "/somewhere"
    write(home / ".config/costd/config.toml", '[paths]\nstate_dir = "/elsewhere"\n')
    assert state_dir(environ) == slowly(environ, home) == "/somewhere"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("", True),
        ("[engine]\ntick_seconds = 5\n", True),
        ('paths.state_dir = "/dotted"\n', True),
        ('[paths]\nstate_dir = "/elsewhere"\nruntime_dir = "/r"\n', True),
        ('[paths]\nstate_dir = "~/state"\n', False),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_the_file_says_where(home: Path, text: str, plain: bool, named: bool) -> None:
    file = home / (".config/costd/config.toml" if not named else "other.toml")
    write(file, text)
    environ = {"HOME": str(home), **({"COSTD_CONFIG": str(file)} if named else {})}
    assert state_dir(environ) == (slowly(environ, home) if plain else None)


@pytest.mark.parametrize(
    "text",
    ["not toml", "paths = 5", "[paths]\nstate_dir = 5", '[paths]\nstate_dir = "x"'],
)
def test_a_file_that_is_wrong_is_left_to_the_configuration(
    home: Path, text: str
) -> None:
    write(home / ".config/costd/config.toml", text)
    assert state_dir({"HOME": str(home)}) is None


def test_a_file_that_others_can_write_is_not_trusted(home: Path) -> None:
    file = home / ".config/costd/config.toml"
    write(file, '[paths]\nstate_dir = "/elsewhere"\n')
    file.chmod(0o666)
    assert state_dir({"HOME": str(home)}) is None


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"HOME": "relative"},
        {"HOME": "/h", "COSTD_CONFIG": "/none/at/all.toml"},
        {"HOME": "/h", "COSTD_CONFIG": "relative.toml"},
        {"HOME": "/h", "COSTD_STATE_DIR": "~/state"},
    ],
)
def test_what_is_not_plain_is_left_to_the_configuration(
    environ: dict[str, str],
) -> None:
    assert state_dir(environ) is None


@pytest.mark.parametrize(
    "path", ["/run/u/costd.sock", "/with space/s", '/with "quote"/s', "/ø/s"]
)
@pytest.mark.parametrize("indent", [None, 2])
def test_the_socket_is_what_the_daemon_says(
    tmp_path: Path, path: str, indent: int | None
) -> None:
    text = json.dumps({"schema_version": 1, "socket": path, "pid": 5}, indent=indent)
    (tmp_path / "daemon.json").write_text(text)
    assert socket_path(str(tmp_path)) == path


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"socket": 5}', '{"pid": "5"}'])
def test_a_daemon_that_says_nothing_has_no_socket(tmp_path: Path, text: str) -> None:
    (tmp_path / "daemon.json").write_text(text)
    assert socket_path(str(tmp_path)) is None


def test_no_daemon_has_no_socket(tmp_path: Path) -> None:
    assert socket_path(str(tmp_path)) is None
    (tmp_path / "daemon.json").write_bytes(b'{"socket": "\xff"}')
    assert socket_path(str(tmp_path)) is None
