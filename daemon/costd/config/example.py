"""The commented reference, ``config.example.toml``, from wherever costd is installed."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

_NAME = "config.example.toml"


def render_default_config() -> str:
    """The whole reference; as a configuration it changes nothing.

    A wheel carries it inside the package. A checkout has it at its root, where a
    reader looks for it, and an installation that points there reads that one.
    """
    packaged = files("costd") / _NAME
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / _NAME).read_text(encoding="utf-8")
