"""``costd hook``: trying it, and putting it into Claude Code's settings."""

from __future__ import annotations

import difflib
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click

from costd import client
from costd.cli import output
from costd.cli.agents import settings, settings_file
from costd.cli.agents.hook import MOST_BYTES, run, told
from costd.cli.options import as_json, example, show_page
from costd.cli.render.hook import status_page, test_page
from costd.core.attribution import declared
from costd.core.errors import UsageError
from costd.core.plain import one_line

HELP = """Pass on what a hook of an agent says: which session runs, where, for which issue.

Agents call it with their JSON on standard input. It prints nothing, takes a moment and
ends with 0 whatever happens. Only ids, paths and the variables that name an issue are
looked at; nothing of a conversation is kept or sent.
"""
_SAMPLE = {
    "session_id": "00000000-0000-4000-8000-000000000000",
    "hook_event_name": "SessionStart",
    "source": "startup",
}

which_settings = click.option(
    "--settings",
    "file",
    metavar="PATH",
    help="Another settings.json than that of the user.",
)


@click.group(
    help=HELP,
    invoke_without_command=True,
    epilog=example(
        "costd hook install", "costd hook --test", "COSTD_ISSUE=MIN-1 costd hook --test"
    ),
)
@click.option("--test", is_flag=True, help="Show what would be sent, and send nothing.")
@as_json
@click.pass_context
def command(ctx: click.Context, test: bool, as_json: bool) -> None:
    """The hook, and what goes with it."""
    if ctx.invoked_subcommand is not None:
        return
    if test:
        _test(as_json)
    elif run([]) is None:
        click.echo(ctx.get_help())


def _test(as_json: bool) -> None:
    is_sample = sys.stdin is None or sys.stdin.isatty()
    data = b"" if is_sample else sys.stdin.buffer.read(MOST_BYTES + 1)
    if not data.strip():
        is_sample, data = True, json.dumps({**_SAMPLE, "cwd": os.getcwd()}).encode()  # noqa: PTH109 - wanted as text, for JSON
    message = told(data, os.environ)
    owner = declared(os.environ)
    answer = {
        "schema_version": 1,
        "sample": is_sample,
        "message": message,
        "issue": owner.issue or None,
        "role": owner.role or None,
        "evidence": owner.evidence or None,
        "daemon": _answers(),
        "spool": f"{client.state_dir()}/spool",
    }
    if as_json:
        output.write_data(json.dumps(answer).encode() + b"\n")
    else:
        show_page(test_page(answer))


def _answers() -> bool:
    try:
        client.ask("GET", "/api/version", None, 1.0)
    except (OSError, ValueError, LookupError):
        return False
    return True


@command.command(
    help="Add costd to the hooks in Claude Code's settings.json; shows the change first.",
    epilog=example("costd hook install", "costd hook install --yes"),
)
@which_settings
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only show the change.")
@as_json
def install(file: str | None, yes: bool, dry_run: bool, as_json: bool) -> int:
    """Put the calls in."""
    path = settings_file.place(file)
    text = settings_file.read(path)
    after = settings.installed(text, settings_file.our_command())
    return _change(Change(path, text, after), yes, dry_run, as_json)


@command.command(
    help="Take costd out of the hooks again; everything else stays as it is.",
    epilog=example("costd hook uninstall"),
)
@which_settings
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only show the change.")
@as_json
def uninstall(file: str | None, yes: bool, dry_run: bool, as_json: bool) -> int:
    """Take the calls out."""
    path = settings_file.place(file)
    text = settings_file.read(path)
    return _change(Change(path, text, settings.removed(text)), yes, dry_run, as_json)


@command.command(
    help="Whether costd is among the hooks; exit code 1 when an event is missing.",
    epilog=example("costd hook status", "costd hook status --json"),
)
@which_settings
@as_json
def status(file: str | None, as_json: bool) -> int:
    """Which events call costd."""
    path = settings_file.place(file)
    answer = _status(path, settings_file.read(path))
    if as_json:
        output.write_data(json.dumps(answer).encode() + b"\n")
    else:
        show_page(status_page(answer))
    return 0 if answer["installed"] else 1


def _status(path: Path, text: str) -> dict[str, Any]:
    calls = {call.event: call.command for call in settings.found(text)}
    value = settings.parsed(text)
    blocked = [name for name in ("disableAllHooks",) if value.get(name) is True]
    return {
        "schema_version": 1,
        "settings": str(path),
        "exists": path.exists(),
        "installed": all(event in calls for event in settings.EVENTS),
        "events": {event: calls.get(event) for event in settings.EVENTS},
        "missing_programs": sorted(
            {c for c in calls.values() if not settings_file.exists(c)}
        ),
        "blocked_by": blocked,
    }


class Change(NamedTuple):
    """What is to happen to a file."""

    path: Path
    before: str
    after: str

    def diff(self) -> list[str]:
        """The change as ``diff -u`` has it, safe to print."""
        name = str(self.path)
        lines = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), name, name, lineterm=""
        )
        return [one_line(line) for line in lines]


def _change(change: Change, yes: bool, dry_run: bool, as_json: bool) -> int:
    diff = change.diff()
    if diff and not as_json:
        output.say("\n".join(diff))
    is_wanted = bool(diff) and not dry_run
    is_agreed = is_wanted and (yes or _agreed(is_asked=not as_json))
    if is_agreed:
        settings_file.write(change.path, change.after)
    if as_json:
        answer = {"settings": str(change.path), "changed": is_agreed, "diff": diff}
        output.write_data(json.dumps({"schema_version": 1, **answer}).encode() + b"\n")
    elif not diff:
        output.say(f"{change.path} is as it should be: nothing to change.")
    elif is_agreed:
        output.say(f"Wrote {change.path}. Sessions that run already do not see it.")
    else:
        output.say("Nothing has been changed.")
    return 1 if is_wanted and not is_agreed else 0


def _agreed(*, is_asked: bool) -> bool:
    if not is_asked or sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked", "Say --yes, or --dry-run.")
    return click.confirm("Write this?", default=True)
