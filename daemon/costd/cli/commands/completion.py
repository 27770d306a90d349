"""``costd completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from costd.cli import output
from costd.cli.options import example
from costd.cli.quick import COMPLETION

SHELLS = ("bash", "zsh", "fish")


@click.command(
    help="The completion script of a shell, to be put where the shell looks for it.",
    epilog=example(
        'bash:  eval "$(costd completion bash)"                      in ~/.bashrc',
        'zsh:   eval "$(costd completion zsh)"                       in ~/.zshrc',
        "fish:  costd completion fish > ~/.config/fish/completions/costd.fish",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """The script."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click knows no {shell}")
    script = found(ctx.find_root().command, {}, "costd", COMPLETION)
    # Not ``source()``: it starts a bash only to ask for its version.
    output.say((script.source_template % script.source_vars()).rstrip("\n"))
