"""The whole program: click's commands, loaded when they are asked for."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

import click

from costd import __version__
from costd.cli.table import COMMANDS, module_of
from costd.core.errors import UsageError

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
        if not args or args[0] in ("--json", "--watch"):
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
    cls=CommandTable, help=HELP, epilog=EXITS, context_settings=SETTINGS, name="costd"
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

    Raises:
        CostdError: what went wrong, with its exit code.
    """
    try:
        code: Any = costd.main(argv, prog_name="costd", standalone_mode=False)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "costd"
        raise UsageError(error.format_message(), f"See: {where} --help") from None
    except click.ClickException as error:
        raise UsageError(error.format_message()) from None
    except click.Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else 0
