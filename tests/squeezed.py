"""Compressing for tests: by Python from 3.14 on, else by the package of that shape."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest


def compress(data: bytes) -> bytes:
    """The data as one frame."""
    return bytes(_library().compress(data))


def decompress(data: bytes) -> bytes:
    """What the frames hold."""
    return bytes(_library().decompress(data))


def _library() -> Any:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return pytest.skip("nothing here compresses zstd: make setup")
