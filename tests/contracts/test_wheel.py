"""A wheel carries all that the program reads: service files, the reference."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SHOW = """
from costd.cli.services.templates import template
from costd.config.example import render_default_config
import costd, sys
assert costd.__file__.startswith(sys.argv[1]), costd.__file__
for folder, name in (word.split("/") for word in sys.argv[2:]):
    sys.stdout.write(template(folder, name))
sys.stdout.write(render_default_config())
"""


@pytest.fixture(scope="module")
def unpacked(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, unpacked where no checkout is near."""
    top = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(top)]
    subprocess.run(build, cwd=repo, check=True, capture_output=True)
    (wheel,) = top.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(top / "unpacked")
    return top / "unpacked"


def test_it_has_the_files_of_the_checkout(repo: Path, unpacked: Path) -> None:
    files = sorted(
        path for folder in ("systemd", "launchd") for path in (repo / folder).iterdir()
    )
    names = [str(path.relative_to(repo)) for path in files]
    assert "systemd/costd.socket" in names
    shown = subprocess.run(
        [sys.executable, "-P", "-c", SHOW, str(unpacked), *names],
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    expected = [path.read_text() for path in [*files, repo / "config.example.toml"]]
    assert (shown.returncode, shown.stdout) == (0, "".join(expected)), shown.stderr
