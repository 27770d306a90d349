"""What a new configuration changes, and what of it has to wait for a restart. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from costd.config import Config

NEEDS_RESTART = ("paths", "http")
"""Sections that say where costd is: others have found it there."""


class Change(NamedTuple):
    """The difference between two configurations.

    Attributes:
        config: what is in effect from now on.
        applied: the keys that take effect now.
        waiting: the keys that a restart is needed for.
    """

    config: Config
    applied: list[str]
    waiting: list[str]


def change(old: Config, new: Config) -> Change:
    """The difference, key by key, and what comes of it."""
    before, after = _leaves(old), _leaves(new)
    keys = sorted(key for key in before | after if before.get(key) != after.get(key))
    waiting = [key for key in keys if key.split(".")[0] in NEEDS_RESTART]
    kept = {name: getattr(old, name) for name in NEEDS_RESTART}
    config = msgspec.structs.replace(new, **kept)
    return Change(config, [key for key in keys if key not in waiting], waiting)


def _leaves(config: Config) -> dict[str, Any]:
    settings = msgspec.to_builtins(config, enc_hook=str)
    settings.pop("origins")
    return dict(_walk(settings, ""))


def _walk(settings: dict[str, Any], prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in settings.items():
        # What people name themselves is a value: the models of [prices], say.
        if isinstance(value, dict) and prefix != "prices.":
            found += _walk(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found
