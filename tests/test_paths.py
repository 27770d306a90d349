"""Where costd keeps its things, whoever asks and from whichever shell."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from pathlib import Path

import pytest

from costd.core.errors import ConfigError
from costd.paths import SOCKET_LIMIT_BYTES, Paths, default_config_file, locate

CONFIG = Path("/nowhere/config.toml")
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the places of Linux"
)


def under(top: Path) -> Paths:
    return Paths(
        state_dir=top / "state",
        runtime_dir=top / "run",
        output_dir=top / "out",
        config_file=CONFIG,
    )


@linux
def test_the_places_of_the_platform(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    environ = {"XDG_RUNTIME_DIR": str(runtime), "XDG_DATA_HOME": "/data"}
    paths = locate(environ, tmp_path, config_file=CONFIG)
    assert paths.ledger == tmp_path / ".local/state/costd/ledger.db"
    assert paths.spool == tmp_path / ".local/state/costd/spool"
    assert paths.daemon_file == tmp_path / ".local/state/costd/daemon.json"
    assert paths.socket == runtime / "costd" / "costd.sock"
    assert paths.output_dir == Path("/data/costd")
    assert default_config_file({}, tmp_path) == tmp_path / ".config/costd/config.toml"
    assert default_config_file({"XDG_CONFIG_HOME": "/c"}, tmp_path) == Path(
        "/c/costd/config.toml"
    )


def test_a_place_that_is_given_is_taken(tmp_path: Path) -> None:
    paths = locate(
        {},
        tmp_path,
        config_file=CONFIG,
        state_dir=Path("/s"),
        runtime_dir=Path("/r"),
        output_dir=Path("/o"),
    )
    assert (paths.ledger, paths.socket) == (Path("/s/ledger.db"), Path("/r/costd.sock"))
    assert (paths.output_dir, paths.config_file) == (Path("/o"), CONFIG)


def test_the_lock_is_the_same_in_every_shell(tmp_path: Path) -> None:
    shells = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir(mode=0o700)
        environ = {"XDG_RUNTIME_DIR": str(tmp_path / name)}
        shells.append(locate(environ, tmp_path, config_file=CONFIG))
    assert shells[0].lock == shells[1].lock
    assert shells[0].lock.parent == shells[0].ledger.parent


@linux
@pytest.mark.skipif(
    Path(f"/run/user/{os.geteuid()}").exists(),
    reason="this user has a runtime directory without the variable",
)
@pytest.mark.parametrize("kind", ["unset", "open to others", "relative"])
def test_without_a_runtime_directory_it_is_below_the_state(
    tmp_path: Path, kind: str
) -> None:
    if kind == "open to others":
        (tmp_path / "runtime").mkdir()
        (tmp_path / "runtime").chmod(0o777)
    value = {"relative": "runtime", "unset": ""}.get(kind, str(tmp_path / "runtime"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):  # platformdirs warns once and is silent then
            paths = locate({"XDG_RUNTIME_DIR": value}, tmp_path, config_file=CONFIG)
            assert paths.runtime_dir == paths.state_dir / "run"


def test_the_environment_of_the_process_is_not_touched(tmp_path: Path) -> None:
    before = dict(os.environ)
    locate({"XDG_STATE_HOME": "/x"}, tmp_path, config_file=CONFIG)
    assert dict(os.environ) == before


def test_a_home_that_is_no_path_is_never_taken() -> None:
    # platformdirs then asks the system's list of users
    paths = locate({}, Path("relative"), config_file=CONFIG)
    assert paths.state_dir.is_absolute()


def test_everything_is_made_private(tmp_path: Path) -> None:
    paths = under(tmp_path / "a" / "b")
    mask = os.umask(0)
    try:
        paths.ensure()
        paths.ensure()
    finally:
        os.umask(mask)
    for path in (
        tmp_path / "a",
        paths.state_dir,
        paths.spool,
        paths.runtime_dir,
        paths.output_dir,
    ):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("name", "setting"), [("state", "state_dir"), ("run", "runtime_dir")]
)
def test_a_directory_that_others_can_write_is_refused(
    tmp_path: Path, name: str, setting: str
) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name).chmod(0o770)
    with pytest.raises(ConfigError, match="can be written by others") as caught:
        under(tmp_path).ensure()
    assert caught.value.fix == f"chmod go-w {tmp_path / name}"


def test_a_group_may_share_the_output(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o770)
    under(tmp_path).ensure()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_the_state_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    os.chown(tmp_path / "state", 12_345, -1)
    with pytest.raises(ConfigError, match="belongs to uid 12345") as caught:
        under(tmp_path).ensure()
    assert "COSTD_STATE_DIR" in caught.value.fix


def test_what_cannot_be_made_names_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot create") as caught:
        under(tmp_path / "file").ensure()
    assert "[paths] state_dir or COSTD_STATE_DIR" in caught.value.fix
    (tmp_path / "state").mkdir()
    (tmp_path / "run").write_text("")
    with pytest.raises(ConfigError, match="is not a directory") as caught:
        under(tmp_path).ensure()
    assert "COSTD_RUNTIME_DIR" in caught.value.fix


def test_a_socket_path_may_be_as_long_as_the_platform_allows(tmp_path: Path) -> None:
    fixed = len("/") + len("/costd.sock")
    for letter, width in (("x", 1), ("ä", 2)):  # bytes count, not characters
        longest = (SOCKET_LIMIT_BYTES - fixed) // width
        paths = locate(
            {}, tmp_path, config_file=CONFIG, runtime_dir=Path("/", letter * longest)
        )
        assert paths.socket.name == "costd.sock"
        paths = locate(
            {},
            tmp_path,
            config_file=CONFIG,
            runtime_dir=Path("/", letter * (longest + 1)),
        )
        with pytest.raises(ConfigError, match=str(SOCKET_LIMIT_BYTES)) as caught:
            _ = paths.socket
        assert "runtime_dir" in caught.value.fix


@linux
def test_the_limit_is_the_kernels(short_dir: Path) -> None:
    import socket  # noqa: PLC0415 - this test only

    length = SOCKET_LIMIT_BYTES - len(os.fsencode(short_dir)) - 1
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as two:
        one.bind(str(short_dir / ("x" * length)))
        with pytest.raises(OSError, match="too long"):
            two.bind(str(short_dir / ("x" * (length + 1))))
