"""Read the configuration: environment over file over default, every error at once."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from costd.config.check import Problem, absolute, read_settings
from costd.config.model import Config, Settings
from costd.config.zone import system_zone
from costd.core.errors import ConfigError
from costd.paths import default_config_file, locate

# Each variable and the key it overrides; COSTD_CONFIG overrides the file itself.
ENVIRONMENT = {
    "COSTD_STATE_DIR": "state_dir",
    "COSTD_RUNTIME_DIR": "runtime_dir",
    "COSTD_OUTPUT_DIR": "output_dir",
}

_FIX = "Correct this, then run: costd config check"


class Loaded(NamedTuple):
    """A configuration file as read: ``table`` is empty when there is no file."""

    text: str
    table: dict[str, object]


def load_config(path: Path | None, environ: Mapping[str, str], home: Path) -> Config:
    """The configuration in effect.

    Args:
        path: the file that the command line names; it must exist. None means
            ``COSTD_CONFIG``, which must exist too, or the default place, where there
            may be none. An empty variable counts as not set.
        environ: the environment.
        home: what ``~`` stands for.

    Raises:
        ConfigError: everything that is wrong, one line each, as
            ``file:line: key: expected …, got …``.
    """
    file, required = _config_file(path, environ, home)
    loaded = read_file(file, required=required)
    settings, problems = read_settings(loaded.table, home)
    directories, wrong = _directories(settings, environ, home)
    lines = [*locate_problems(problems, file, loaded.text), *wrong]
    if lines:
        raise ConfigError("\n".join(lines), _FIX)
    return Config(
        timezone=settings.timezone or system_zone(environ),
        paths=locate(environ, home, config_file=file, **directories),
        sources=settings.sources,
        engine=settings.engine,
        attribution=settings.attribution,
        prices=settings.prices,
        events=settings.events,
        kpi=settings.kpi,
        runs=settings.runs,
        webhook=settings.webhook,
        output=settings.output,
        http=settings.http,
        health=settings.health,
        log=settings.log,
        origins=_origins(loaded.table, file, environ),
    )


def read_file(file: Path, *, required: bool) -> Loaded:
    """The text and the table of ``file``.

    Raises:
        ConfigError: it cannot be read or trusted, or it is not TOML.
    """
    try:
        data = _trusted_bytes(file)
    except OSError as error:
        if error.errno == errno.ENOENT and not required:
            return Loaded("", {})
        raise ConfigError(
            f"cannot read the configuration {file}: {error.strerror}",
            "Name another file, or write one: costd config init",
        ) from error
    return parse(data, file)


def parse(data: bytes, file: Path) -> Loaded:
    """TOML with exact numbers: a price of 0.1 is not a float.

    Raises:
        ConfigError: with the line, when it is not TOML.
    """
    import tomllib  # noqa: PLC0415 - without a file, nobody waits for the parser

    try:
        # A byte order mark is what some editors leave; TOML has none.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: expected UTF-8 text", _FIX) from error
    try:
        return Loaded(text, tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_error(str(error), file, text), _FIX) from error


def locate_problems(problems: list[Problem], file: Path, text: str) -> list[str]:
    """``file:line: key: what is wrong`` for each problem, in the order of the file."""
    if not problems:
        return []
    from costd.config.lines import (  # noqa: PLC0415 - a right file needs no lines
        key_lines,
        line_of,
    )

    lines = key_lines(text)
    placed = [(line_of(problem.key, lines) or 1, problem) for problem in problems]
    return [
        f"{file}:{line}: {dotted(problem.key)}: {problem.text}"
        for line, problem in sorted(placed, key=lambda pair: pair[0])
    ]


def _config_file(
    path: Path | None, environ: Mapping[str, str], home: Path
) -> tuple[Path, bool]:
    """The file, absolute, and whether it must exist."""
    if path is None and environ.get("COSTD_CONFIG"):
        path = Path(environ["COSTD_CONFIG"])
    if path is None:
        return default_config_file(environ, home), False
    if path.parts[:1] == ("~",):  # systemd and quotes leave it to us
        path = home.joinpath(*path.parts[1:])
    return path.absolute(), True


def _trusted_bytes(file: Path) -> bytes:
    """The bytes of a file that only its owner can change, and who is us or root.

    The check is on the opened file, so that it is about the bytes that are read and a
    symlink is judged by its target.
    """
    if file == Path(os.devnull):  # the usual way to say "no configuration"
        return b""
    with file.open("rb") as opened:
        status = os.fstat(opened.fileno())
        if status.st_uid not in {0, os.geteuid()}:
            raise ConfigError(
                f"{file} belongs to uid {status.st_uid}, and costd runs as"
                f" uid {os.geteuid()}: whoever can change it decides what costd does",
                f"chown {os.geteuid()} {file} && chmod 600 {file}",
            )
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigError(
                f"{file} can be changed by others"
                f" (mode {stat.S_IMODE(status.st_mode):04o})",
                f"chmod go-w {file}",
            )
        return opened.read()


def _directories(
    settings: Settings, environ: Mapping[str, str], home: Path
) -> tuple[dict[str, Path | None], list[str]]:
    """The three directories, those of the environment first, and what is wrong."""
    directories: dict[str, Path | None] = {}
    wrong = []
    for variable, name in ENVIRONMENT.items():
        directories[name] = getattr(settings.paths, name)
        if text := environ.get(variable):
            try:
                directories[name] = absolute(text, home)
            except ValueError:
                wrong.append(
                    f"{variable}: expected a path, absolute or starting with"
                    f' "~/", got "{text}"'
                )
    return directories, wrong


def _origins(
    table: dict[str, object], file: Path, environ: Mapping[str, str]
) -> dict[str, str]:
    found = dict.fromkeys(_leaves(table, ()), str(file))
    for variable, name in ENVIRONMENT.items():
        if environ.get(variable):
            found[f"paths.{name}"] = variable
    return found


def _leaves(table: Mapping[str, object], prefix: tuple[str, ...]) -> list[str]:
    keys = []
    for name, value in table.items():
        if isinstance(value, dict):
            keys.extend(_leaves(value, (*prefix, name)))
        else:
            keys.append(dotted((*prefix, name)))
    return keys


def dotted(key: tuple[str | int, ...]) -> str:
    """``prices.overrides."my.model"[0].input``."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", part)
            quoted = part if bare else f'"{repr(part)[1:-1]}"'
            text += f".{quoted}" if text else quoted
    return text


def _syntax_error(message: str, file: Path, text: str) -> str:
    """Put tomllib's own place, which is at the end of its message, to the front."""
    match = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if match is None:  # "(at end of document)"
        return f"{file}:{text.count(chr(10)) + 1}: not TOML: {message}"
    line, column = match.groups()
    reason = message[: match.start()]
    return f"{file}:{line}: not TOML: {reason} (column {column})"
