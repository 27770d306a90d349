from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from costd.core.errors import AlreadyRunningError, ConfigError
from costd.lock import exclusive

HOLD = """
import sys
from pathlib import Path
from costd.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_refused_with_a_next_step(tmp_path: Path) -> None:
    path = tmp_path / "costd.lock"
    with (
        exclusive(path),
        pytest.raises(AlreadyRunningError, match="running already") as failure,
        exclusive(path),
    ):
        pass
    assert failure.value.exit_code == 75
    assert "costd status" in failure.value.fix


def test_the_lock_is_free_again_after_its_holder_and_its_file_stays(
    tmp_path: Path,
) -> None:
    path = tmp_path / "costd.lock"
    with exclusive(path):
        pass
    assert path.exists()
    with exclusive(path):
        pass


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    path = tmp_path / "costd.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunningError), exclusive(path):
            pass
        holder.kill()
        holder.wait()
    with exclusive(path):
        pass


def test_a_removed_file_does_not_make_two_holders_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "costd.lock"
    with exclusive(path):
        path.unlink()
        with exclusive(path):
            inode = path.stat().st_ino
        assert path.stat().st_ino == inode


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match="cannot be made") as failure,
        exclusive(tmp_path / "missing" / "costd.lock"),
    ):
        pass
    assert "COSTD_STATE_DIR" in failure.value.fix
