"""``costd backup``."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import click

from costd.cli import output
from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show_page
from costd.cli.render.keeping import backup_page
from costd.core.errors import CostdError, UsageError

HELP = """Write a whole copy of the ledger, also while it is in use; nobody waits for it.

PATH is a file that does not exist yet, or a directory; one that ends in a slash is made
if need be. Without it the copy goes beside the ledger, into backups/. Only you can read
it. costd never removes it.
"""


@click.command(
    help=HELP,
    epilog=example(
        "costd backup", "costd backup ~/backups/", "costd backup /mnt/usb/costd.db"
    ),
)
@click.argument("path", required=False)
@as_json
@click.pass_obj
def command(config: str | None, path: str | None, as_json: bool) -> None:
    """Copy the ledger."""
    target = None if path is None else _target(path)
    with open_answers(config) as answers:
        made = json.loads(answers.work("backup", {}))
    if target is not None:
        made["path"] = str(_moved(Path(made["path"]), target))
    if as_json:
        output.write(json.dumps(made, separators=(",", ":")).encode() + b"\n")
    else:
        show_page(backup_page(made))


def _target(said: str) -> Path:
    """The file or the directory that is meant.

    Raises:
        UsageError: something is there, or no directory for it.
        CostdError: the directory cannot be made.
    """
    path = Path(said).expanduser().absolute()
    if said.endswith("/") and not path.exists():
        try:
            path.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise CostdError(
                f"cannot make {path}: {error.strerror}", "Name another directory."
            ) from None
    return _free(path)


def _free(path: Path) -> Path:
    """Where nothing is yet.

    Raises:
        UsageError: something is there, or no directory for it.
    """
    if path.is_dir():
        return path
    if path.exists():
        raise UsageError(f"{path} exists already", "Name another file, or a directory.")
    if not path.parent.is_dir():
        raise UsageError(f"there is no directory {path.parent}", "Make it first.")
    return path


def _moved(made: Path, target: Path) -> Path:
    """The copy where it is wanted, whole or not at all."""
    place = target / made.name if target.is_dir() else target
    unfinished = place.with_name(place.name + ".unfinished")
    try:
        unfinished.touch(mode=0o600, exist_ok=False)
        with made.open("rb") as source, unfinished.open("r+b") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        unfinished.rename(place)
    except OSError as error:
        if not isinstance(error, FileExistsError):
            unfinished.unlink(missing_ok=True)
        raise CostdError(
            f"{place} cannot be written: {error.strerror}. The copy is at {made}.",
            "Make room for it, or move it yourself.",
        ) from None
    made.unlink()
    return place
