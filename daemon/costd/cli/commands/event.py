"""``costd event``: tell what happened, and look at what was told."""

from __future__ import annotations

import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

from costd.cli.agents import telling
from costd.cli.answers import open_answers
from costd.cli.options import as_json, example, show, span
from costd.cli.render.events import events_page
from costd.core.errors import UsageError
from costd.core.event_fields import NAMES
from costd.core.events import TYPES

HELP = """Say that something happened: a task began or ended, a gate was run, a review
was done, an agent was called.

\b
  task_start    task_id          also model, task_type
  task_end      task_id          also status, iterations
  gate_result   task_id gate_name passed
  review_cycle  task_id          also reviewer, issues_p0, issues_p1
  activity      action or title  also description, status, tokens, cost_usd
  execution     whose it was     agent, role, model, tokens, cost_usd, duration_ms,
                                 success, error, exit_code
  run_report    run_id           also status, tokens, cost_usd

With - events are read from standard input, one JSON object on a line. It takes a moment,
works without a daemon, and prints nothing for a script.
"""


class Events(click.Group):
    """Whatever is no subcommand is the type of an event that is sent."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """``costd event TYPE …`` is ``costd event send TYPE …``."""
        if args[0] not in self.commands:
            return "send", self.commands["send"], args
        return super().resolve_command(ctx, args)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        """The types of events, then the subcommands."""
        types = [CompletionItem(name) for name in TYPES if name.startswith(incomplete)]
        return [*types, *super().shell_complete(ctx, incomplete)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """``--json`` may stand before the type, too."""
        if args and args[0] in ("-", "--json"):
            args = ["send", *args]
        return super().parse_args(ctx, args)


@click.command(
    name="event",
    cls=Events,
    help=HELP,
    subcommand_metavar="TYPE KEY=VALUE… | - | query",
    options_metavar="",
    epilog=example(
        "costd event task_start task_id=MIN-123 model=claude-opus-5",
        "costd event gate_result task_id=MIN-123 gate_name=tests passed=true",
        "costd event - < events.jsonl",
        "costd event query --task MIN-123",
    ),
)
def command() -> None:
    """Events."""


def _fields(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Types and fields that go on from what is typed."""
    names = [*TYPES, *(f"{name}=" for name in NAMES)]
    return [name for name in names if name.startswith(incomplete)]


@command.command(
    "send",
    help="Send one event, or with - those on standard input. The word send may be left"
    " out.",
    epilog=example("costd event send task_end task_id=MIN-123 status=completed"),
)
@click.argument(
    "words",
    nargs=-1,
    required=True,
    metavar="TYPE [KEY=VALUE]… | -",
    shell_complete=_fields,
)
@as_json
def send(words: tuple[str, ...], as_json: bool) -> int:
    """Tell the daemon, or the spool."""
    if words == ("-",):
        told = telling.tell_lines(sys.stdin.buffer)
        return telling.finish(told, as_json=as_json)
    if "-" in words:
        raise UsageError("- stands alone", "costd event - < events.jsonl")
    told = telling.tell([telling.from_words(words)], telling.SECONDS)
    return telling.finish(told, as_json=as_json, one=True)


@command.command(
    "query",
    help="The last events that the filters let through, in their logical order.",
    epilog=example(
        "costd event query --type gate_result --success false",
        "costd event query --agent codex --since 7d --json",
    ),
)
@click.option(
    "--type",
    "--event-type",
    multiple=True,
    metavar="TYPE",
    help="Only events of this type.",
)
@click.option(
    "--task", multiple=True, metavar="ID", help="Only those of this task or issue."
)
@click.option("--agent", multiple=True, metavar="AGENT", help="Only of this agent.")
@click.option("--model", multiple=True, metavar="MODEL", help="Only of this model.")
@click.option("--session", multiple=True, metavar="ID", help="Only of this session.")
@click.option("--run", multiple=True, metavar="ID", help="Only of this run.")
@click.option(
    "--success", type=click.BOOL, metavar="TRUE|FALSE", help="Only with this outcome."
)
@span
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help="How many; 0 for all.",
)
@as_json
@click.pass_context
def query(ctx: click.Context, /, as_json: bool, **params: Any) -> int:
    """A list of events."""
    asked: dict[str, object] = {}
    for name, given in params.items():
        value = given
        if isinstance(given, tuple):
            value = [word for words in given for word in words.split(",") if word]
        if value not in (None, [], ""):
            asked[name] = value
    with open_answers(ctx.obj) as answers:
        body = answers.body("event_query", asked)
    show(body, events_page, is_json=as_json)
    return 0
