"""``costd service``: install, uninstall, start, stop, restart, status, logs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import click

from costd.cli import output
from costd.cli.options import as_json, example, show_page
from costd.cli.render.service import done_page, status_page, texts_page
from costd.cli.services.choose import (
    Choice,
    choose,
    daemon_of,
    refuse_other_daemon,
    standing,
)
from costd.cli.services.seen import Service
from costd.cli.services.steps import Steps
from costd.core.errors import CostdError, NoDaemonError, UsageError

UNSEEN = (
    "Its sandbox hides the environment of your agents. If that names their issues, have"
    " a hook say so: costd hook install"
)
Command = Callable[..., Any]
Act = Callable[[Service, Steps], None]

MANAGERS = ("systemd", "launchd")

_RUNS = {
    "systemd": "costd runs.",
    "launchd": "launchd was told to start it. Has it? costd service status",
}
"""systemd comes back when costd is ready, launchd at once."""
_ENDED = "costd does not run; commands read the logs for themselves."
LINGER = (
    "It ends when this user logs out everywhere. To keep it running, once:"
    " loginctl enable-linger"
)


def which(command: Command) -> Command:
    """The options that say which service is meant."""
    for option in (
        click.option(
            "--user", metavar="NAME", help="With --system: whose costd it is."
        ),
        click.option(
            "--system", is_flag=True, help="One of the whole machine, for one user."
        ),
        click.option(
            "--manager",
            type=click.Choice(MANAGERS),
            help="The service manager; that of this platform by itself.",
        ),
    ):
        command = option(command)
    return as_json(command)


dry_run = click.option(
    "--dry-run", is_flag=True, help="Say what would be done, and do nothing."
)


@click.group(
    help="costd as a service of this system.\n\n"
    "A systemd user unit on Linux, a launchd agent on macOS: it starts with you,"
    " starts again after a crash, and can write to costd's own directories only.",
    epilog=example("costd service install", "costd service status"),
)
def command() -> None:
    """The commands about the service."""


@command.command(
    help="Write the service files, enable and start costd.\n\n"
    "Again is harmless: only what differs is written, and costd is started anew then.",
    epilog=example(
        "costd service install",
        "costd service install --dry-run",
        "sudo costd service install --system --user ci",
    ),
)
@click.option(
    "--socket/--no-socket",
    default=None,
    help="Whether systemd holds the socket: a question starts costd then.",
)
@click.option(
    "--sandbox/--no-sandbox",
    default=None,
    help="Whether costd is kept from the rest of the machine; it is by itself.",
)
@click.option("--no-start", is_flag=True, help="Do not start it now.")
@click.option(
    "--force", is_flag=True, help="Replace a file that costd has not written."
)
@dry_run
@which
@click.pass_obj
def install(
    config: str | None,
    /,
    *,
    no_start: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Have costd there as a service."""
    choice = Choice(config, **chosen)
    service, steps = choose(choice), Steps(dry=dry_run)
    if not (dry_run or no_start):
        refuse_other_daemon(service)
    service.install(steps, force=force, start=not no_start)
    if service.lingers() is False:
        steps.notes.append(LINGER)
    if service.hides_agents:
        steps.notes.append(UNSEEN)
    if not (dry_run or no_start):
        steps.notes.append(_RUNS[service.manager])
    texts = service.texts() if dry_run else {}
    _tell("install", service, steps, is_json=as_json, texts=texts)


@command.command(
    help="Stop costd and remove its service files: those that costd wrote, no others.\n\n"
    "The ledger, the configuration and the summary files stay.",
    epilog=example("costd service uninstall", "costd service uninstall --dry-run"),
)
@dry_run
@which
@click.pass_obj
def uninstall(
    config: str | None, /, *, dry_run: bool, as_json: bool, **chosen: Any
) -> None:
    """Have the service gone."""
    choice = Choice(config, **chosen, may_be_broken=True)
    service, steps = choose(choice), Steps(dry=dry_run)
    service.uninstall(steps)
    if not steps.done and not steps.notes:
        steps.notes.append("There was nothing to remove.")
    elif steps.has_changed:
        steps.notes.append(f"The ledger stays: {service.kept}")
        daemon = None if dry_run else daemon_of(service.kept)
        if daemon is not None:
            said = f"costd still runs, pid {daemon.pid}. To end it: kill {daemon.pid}"
            steps.notes.append(said)
    _tell("uninstall", service, steps, is_json=as_json)


def _action(name: str, text: str, act: Act) -> None:
    """A command that does one thing to a service that is there."""

    @command.command(name, help=text, epilog=example(f"costd service {name}"))
    @dry_run
    @which
    @click.pass_obj
    def run(
        config: str | None, /, *, dry_run: bool, as_json: bool, **chosen: Any
    ) -> None:
        choice = Choice(config, **chosen, may_be_broken=name == "stop")
        service, steps = choose(choice), Steps(dry=dry_run)
        if name != "stop" and not dry_run:
            refuse_other_daemon(service)
        act(service, steps)
        if not dry_run:
            steps.notes.append(_ENDED if name == "stop" else _RUNS[service.manager])
        _tell(name, service, steps, is_json=as_json)


_action(
    "start",
    "Start costd, also after it failed too often.",
    lambda service, steps: service.start(steps),
)
_action(
    "stop",
    "Stop costd until the next start or log-in. It takes ten seconds at most.",
    lambda service, steps: service.stop(steps),
)
_action(
    "restart",
    "Stop costd and start it again, as after an update of costd.",
    lambda service, steps: service.restart(steps),
)


@command.command(
    help="Whether the service runs, and what is wrong with it.\n\n"
    "Exit code 3 when it does not run.",
    epilog=example("costd service status", "costd service status --json"),
)
@which
@click.pass_obj
def status(config: str | None, /, *, as_json: bool, **chosen: Any) -> int:
    """Show how the service stands."""
    choice = Choice(config, **chosen, may_be_broken=True, only_looks=True)
    service = choose(choice)
    answer = standing(service, config)
    if as_json:
        _write(answer)
    else:
        show_page(status_page(answer))
    return 0 if answer["running"] else NoDaemonError.exit_code


@command.command(
    help="What the daemon logged: the last lines, and the new ones with --follow.",
    epilog=example("costd service logs", "costd service logs --follow --lines 5"),
)
@click.option("-n", "--lines", default=50, show_default=True, type=click.IntRange(0))
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@which
@click.pass_obj
def logs(
    config: str | None,
    /,
    *,
    lines: int,
    follow: bool,
    as_json: bool,
    **chosen: Any,
) -> int:
    """Show the log."""
    if follow and as_json:
        raise UsageError("--follow has no end, and JSON has", "Give one of them.")
    choice = Choice(config, **chosen, may_be_broken=True, only_looks=True)
    service = choose(choice)
    words = service.log_command(lines, follow=follow)
    if as_json and words[0] == "journalctl":
        words.append("--quiet")  # its remarks are no lines of the log
    try:
        if not as_json:
            return subprocess.call(words, stdin=subprocess.DEVNULL)  # noqa: S603 - words, no shell
        done = subprocess.run(  # noqa: S603 - words, no shell
            words, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise CostdError(
            f"there is no {words[0]} here", "Look where your service manager logs."
        ) from None
    if done.returncode:
        said = os.fsdecode(done.stderr).strip().splitlines()
        raise CostdError(said[0] if said else f"{words[0]} failed")
    shown = done.stdout.decode("utf-8", "replace").splitlines()
    _write({"schema_version": 1, "command": words, "lines": shown})
    return 0


def _tell(
    action: str,
    service: Service,
    steps: Steps,
    *,
    is_json: bool,
    texts: dict[str, str] | None = None,
) -> None:
    answer: dict[str, Any] = {
        "schema_version": 1,
        "action": action,
        "manager": service.manager,
        "scope": service.scope,
        "name": service.name,
        "dry_run": steps.dry,
        "changed": steps.has_changed,
        "steps": [step._asdict() for step in steps.done],
        "notes": steps.notes,
        "texts": texts or {},
    }
    if is_json:
        _write(answer)
    else:
        show_page([*done_page(answer), *texts_page(answer["texts"])])


def _write(answer: dict[str, Any]) -> None:
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    output.write_data(text.encode("utf-8", "backslashreplace") + b"\n")
