"""Homes that are cleaned up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.homes import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An empty home; its daemon is not started yet."""
    made = Home(tmp_path)
    yield made
    made.kill()
    for folder, _, _ in os.walk(tmp_path):  # so that pytest can remove it
        Path(folder).chmod(0o700)
