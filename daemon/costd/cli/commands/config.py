"""``costd config``: init, check, show, path, set, reload."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from costd.cli import output
from costd.cli.answers import open_daemon
from costd.cli.configuration import file_in_use, load
from costd.cli.options import as_json, example, show_page
from costd.cli.render.page import Cell, Column, Page, Table, line
from costd.core.errors import ConfigError, CostdError

EMPTY: dict[str, Any] = {"schema_version": 1}
NEEDS_RESTART = ("paths", "http")
"""As ``service.reload`` has it, which brings all of costd; a test compares them."""


@click.group(
    help="Write, check, show and change the configuration.\n\n"
    "costd needs none: every key has a default.",
    epilog=example("costd config init", "costd config set engine.tick_seconds 10"),
)
def command() -> None:
    """The commands about the configuration."""


@command.command(
    help="Write the commented reference to where the configuration is looked for.",
    epilog=example("costd config init"),
)
@click.option("--force", is_flag=True, help="Replace the file that is there.")
@as_json
@click.pass_obj
def init(config: str | None, force: bool, as_json: bool) -> None:
    """Write the reference."""
    from costd.config.example import (  # noqa: PLC0415 - only this one needs it
        render_default_config,
    )

    file = file_in_use(config)
    _write_new(file, render_default_config().encode(), force=force)
    _say(as_json, f"Wrote {file}. It changes nothing yet.", path=str(file))


@command.command(
    help="Whether the configuration can be used; every error at once, with its line.",
    epilog=example("costd config check", "costd config check --json"),
)
@as_json
@click.pass_obj
def check(config: str | None, as_json: bool) -> int:
    """Check the file."""
    file = file_in_use(config)
    try:
        load(config)
    except ConfigError as error:
        if not as_json:
            raise
        problems = error.message.split("\n")
        _say(as_json, "", ok=False, path=str(file), problems=problems, fix=error.fix)
        return error.exit_code
    is_there = file.exists()
    said = "is right." if is_there else "is not there: every key has its default."
    _say(as_json, f"{file} {said}", ok=True, path=str(file), exists=is_there)
    return 0


@command.command(
    help="Every setting in effect, and who says so.",
    epilog=example("costd config show", "costd config show --json"),
)
@as_json
@click.pass_obj
def show(config: str | None, as_json: bool) -> None:
    """Show what is in effect."""
    import msgspec  # noqa: PLC0415 - only this one needs it

    from costd.config.webhook import hidden  # noqa: PLC0415 - for the same reason

    loaded = load(config)
    settings = msgspec.to_builtins(loaded, enc_hook=str)
    origins = settings.pop("origins")
    settings["paths"].pop("config_file")
    for name in ("url", "headers", "secret"):
        settings["webhook"][name] = hidden(settings["webhook"][name])
    if as_json:
        _say(as_json, "", config=settings, origins=origins)
    else:
        show_page(_settings_page(_leaves(settings, ""), origins))


def _leaves(settings: dict[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            found.update(_leaves(value, f"{prefix}{name}."))
        else:
            found[prefix + name] = value
    return found


def _settings_page(leaves: dict[str, Any], origins: dict[str, str]) -> Page:
    columns = (Column("key"), Column("value", least=24), Column("from", least=12))
    rows = [
        (
            Cell(key),
            Cell(json.dumps(value, ensure_ascii=False)),
            Cell(origins.get(key, "default"), "" if key in origins else "dim"),
        )
        for key, value in leaves.items()
    ]
    return [Table(columns, rows)]


@command.command(
    help="Where the configuration is looked for.",
    epilog=example("costd config path", "$EDITOR $(costd config path)"),
)
@as_json
@click.pass_obj
def path(config: str | None, as_json: bool) -> None:
    """Print the path of the file."""
    file = file_in_use(config)
    _say(as_json, str(file), path=str(file), exists=file.exists())


@command.command(
    "set",
    help="Change one value and leave the rest of the file as it is.\n\n"
    "KEY is section.name, VALUE a TOML value; what is none is taken as text.",
    epilog=example(
        "costd config set engine.tick_seconds 10",
        'costd config set attribution.issue_keys \'["MIN", "PAN"]\'',
    ),
)
@click.argument("key")
@click.argument("value")
@as_json
@click.pass_obj
def set_(config: str | None, key: str, value: str, as_json: bool) -> None:
    """Change one value."""
    from costd.config.edit import set_value  # noqa: PLC0415 - it brings tomlkit

    file = file_in_use(config)
    before, after = set_value(file, key, value)
    old, new = (json.dumps(v, default=str, ensure_ascii=False) for v in (before, after))
    was = "" if before is None else f" (was {old})"
    takes = "costd service restart" if needs_restart(key) else "costd config reload"
    said = f"{key} = {new}{was} in {file}. A daemon takes it with: {takes}"
    _say(as_json, said, path=str(file), key=key, before=before, after=after)


@command.command(
    help="Have the daemon take the configuration as it is now.\n\n"
    "One that cannot be used changes nothing: the daemon goes on with the old one.",
    epilog=example("costd config reload"),
)
@as_json
@click.pass_obj
def reload(config: str | None, as_json: bool) -> None:
    """Reload it, in the daemon."""
    with open_daemon(config) as daemon:
        body = daemon.body("reload", {})
    if as_json:
        output.write_data(body)
        return
    answer = json.loads(body)
    applied, waiting = answer["applied"], answer["needs_restart"]
    said = f"In effect: {', '.join(applied)}." if applied else "Nothing has changed."
    show_page([line(said)])
    if waiting:
        keys = ", ".join(waiting)
        show_page([line(f"Not before a restart: {keys}. costd service restart")])


def needs_restart(key: str) -> bool:
    """Whether a daemon takes this key when it starts only."""
    return key.split(".", maxsplit=1)[0] in NEEDS_RESTART


def _say(is_json: bool, text: str, **fields: Any) -> None:
    if is_json:
        body = json.dumps({**EMPTY, **fields}, default=str, ensure_ascii=False)
        output.write_data(body.encode("utf-8", "backslashreplace") + b"\n")
    else:
        show_page([line(text)])


def _write_new(file: Path, data: bytes, *, force: bool) -> None:
    """Write ``file``; one that is there is replaced only when that is wanted."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    if file.exists() and not force:
        raise CostdError(
            f"{file} is there already",
            "Edit it, or replace it: costd config init --force",
        )
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, flags, 0o600), "wb") as opened:
            opened.write(data)
    except OSError as error:
        raise ConfigError(
            f"cannot write {file}: {error.strerror}", "Make it writable."
        ) from None
