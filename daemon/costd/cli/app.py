"""The whole program: click's commands, loaded when they are asked for."""

from __future__ import annotations

import difflib
import os
from importlib import import_module
from typing import Any

import click
from click.shell_completion import shell_complete

from costd import __version__
from costd.cli.quick import COMPLETION
from costd.cli.table import COMMANDS, module_of
from costd.core.errors import UsageError

NAME = "costd"
EX_USAGE = 64
"""sysexits.h: what a service manager gets from a `costd run` that makes no sense."""
HELP = """costd: what your coding agents cost.

Alone it prints the status.

\b
  costd                                what runs, what it cost today
  costd report --by day,model          any cut of the ledger
  costd run                            the daemon, in the foreground
"""
EXITS = """\b
Exit codes: 0 fine · 1 failed · 2 usage or configuration · 3 no daemon, and none could
be hosted · 4 answered, but the data is stale or unhealthy.
"""
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 88}


class CommandTable(click.Group):
    """The commands of ``table.COMMANDS``; each module is imported when it is used."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without a command it is the status that is asked for."""
        is_bare = not args or args[0] in ("--json", "--watch")
        if is_bare and not ctx.resilient_parsing:  # which completion parses with
            args = ["status", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        found = import_module(module_of(cmd_name)).command
        if not isinstance(found, click.Command):
            raise TypeError(cmd_name)
        found.short_help = COMMANDS[cmd_name]
        return found

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """The table as it stands: nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, or an error that names the nearest one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, 1)
            hint = f"Did you mean: costd {near[0]}" if near else "See: costd --help"
            raise UsageError(f"there is no command {name!r}", hint)
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"costd {__version__}")
        ctx.exit()


@click.command(
    cls=CommandTable, help=HELP, epilog=EXITS, context_settings=SETTINGS, name=NAME
)
@click.option("--config", metavar="FILE", help="Another configuration file.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version.",
)
@click.pass_context
def costd(ctx: click.Context, config: str | None) -> None:
    """The commands of costd."""
    ctx.obj = config


def run(argv: list[str]) -> int:
    """The exit code of a command line.

    Not by ``click.Command.main``, which has its own idea of a broken pipe.

    Raises:
        CostdError: what went wrong, with its exit code.
    """
    if instruction := os.environ.get(COMPLETION):
        return shell_complete(costd, {}, NAME, COMPLETION, instruction)
    try:
        with costd.make_context(NAME, list(argv)) as context:
            code: Any = costd.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        where = error.ctx.command_path
        said = f"{where} alone does nothing"
        raise UsageError(said, f"See: {where} --help") from None
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else NAME
        misused = UsageError(error.format_message(), f"See: {where} --help")
        if where == f"{NAME} run":
            misused.exit_code = EX_USAGE
        raise misused from None
    except click.ClickException as error:
        raise UsageError(error.format_message()) from None
    return code if isinstance(code, int) else 0
