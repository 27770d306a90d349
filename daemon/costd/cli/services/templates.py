"""The files of ``systemd/`` and ``launchd/``, from wherever costd is installed."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def template(folder: str, name: str) -> str:
    """The text of a template.

    A wheel carries it inside the package. A checkout has it at its root, where a
    reader looks for it, and an installation that points there reads that one.
    """
    packaged = files("costd") / folder / name
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[4] / folder / name).read_text(encoding="utf-8")
