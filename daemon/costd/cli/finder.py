"""Where the daemon answers, found as cheaply as that can be.

Of the configuration only one thing is needed to find a daemon that runs: the state
directory, in which ``daemon.json`` names the socket. So a broken configuration does not
hide what a running daemon knows; it is an error for whatever has to obey it: ``run``,
``config check``, and a command that finds no daemon.

Nothing here is decided: what is not plain is left to ``costd.config`` and
``costd.paths``, and a test holds the two together.
"""

from __future__ import annotations

import os
import sys

_PLACES = {
    "linux": (".config", ".local/state"),
    "darwin": ("Library/Application Support", "Library/Application Support"),
}
_WRITABLE_BY_OTHERS = 0o022


def state_dir(environ: dict[str, str]) -> str | None:
    """The state directory in use; None when only ``load_config`` can tell."""
    config = _config_file(environ)
    if config is None:
        return None
    try:
        status = os.stat(config)  # noqa: PTH116 - pathlib costs more than all of this
    except FileNotFoundError:
        status = None
    except OSError:
        return None
    if status is None and environ.get("COSTD_CONFIG"):  # that one must exist
        return None
    value = environ.get("COSTD_STATE_DIR") or _place(environ, "XDG_STATE_HOME", 1)
    if status is not None and not environ.get("COSTD_STATE_DIR"):
        value = _written(config, value) if _is_trusted(status) else None
    return value if value and value.startswith("/") else None


def socket_path(state: str) -> str | None:
    """The socket that the daemon of a state directory uses, as it says itself."""
    try:
        with open(f"{state}/daemon.json", encoding="utf-8") as file:  # noqa: PTH123 - for the same reason
            text = file.read()
    except (OSError, ValueError):
        return None
    # Nearly always `"socket":"/run/user/1000/costd/costd.sock"`: no parser needed.
    _, found, rest = text.partition('"socket"')
    value = rest.lstrip(" \t:").partition('"')[2].partition('"')[0]
    if not found or "\\" in value or not value:
        return _parsed(text)
    return value


def _config_file(environ: dict[str, str]) -> str | None:
    given = environ.get("COSTD_CONFIG")
    if given:
        return given if given.startswith("/") else None
    folder = _place(environ, "XDG_CONFIG_HOME", 0)
    return folder and f"{folder}/config.toml"


def _is_trusted(status: os.stat_result) -> bool:
    owners = {0, os.geteuid()}
    return status.st_uid in owners and not status.st_mode & _WRITABLE_BY_OTHERS


def _place(environ: dict[str, str], variable: str, number: int) -> str | None:
    """What platformdirs would say, where its answer is plain."""
    base = environ.get(variable, "")
    if not base.startswith("/"):
        home = environ.get("HOME", "")
        places = _PLACES.get(sys.platform)
        if places is None or not home.startswith("/"):
            return None
        base = f"{home}/{places[number]}"
    return f"{base}/costd"


def _written(config: str, default: str | None) -> str | None:
    """``[paths] state_dir`` of the file; ``default`` where it has none."""
    import tomllib  # noqa: PLC0415 - only those who have a file pay for it

    try:
        with open(config, "rb") as file:  # noqa: PTH123 - pathlib costs more than this
            table = tomllib.load(file)
    except (OSError, ValueError):
        return None
    paths = table.get("paths", {})
    if not isinstance(paths, dict):
        return None
    value = paths.get("state_dir", default)
    return value if isinstance(value, str) else None


def _parsed(text: str) -> str | None:
    import json  # noqa: PLC0415 - only for a path with a quote or a backslash in it

    try:
        found = json.loads(text)
    except ValueError:
        return None
    value = found.get("socket") if isinstance(found, dict) else None
    return value if isinstance(value, str) and value else None
