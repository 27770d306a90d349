"""What several commands take, and how an answer is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from costd.cli import output, screen
from costd.cli.render.page import Page
from costd.cli.words import FILTERS, split

Command = TypeVar("Command", bound=Callable[..., Any])

show_page = screen.show_page

as_json = click.option("--json", "as_json", is_flag=True, help="As JSON, on one line.")
"""``--json``: the answer as it is, for a program."""


def span(command: Command) -> Command:
    """``--since --until --tz``."""
    for name, metavar, text in (
        ("--tz", "ZONE", "Time zone of days and dates, as Europe/Oslo."),
        ("--until", "WHEN", "End: a date (that day included), an instant, or 7d."),
        ("--since", "WHEN", "Beginning: a date, an instant, or 7d for a week ago."),
    ):
        command = click.option(name, metavar=metavar, help=text)(command)
    return command


def filters(command: Command) -> Command:
    """One option for each filter; several values mean any of them."""
    for name in reversed(FILTERS):
        command = click.option(
            f"--{name}", multiple=True, metavar=name.upper(), help=f"Only this {name}."
        )(command)
    return command


def example(*lines: str) -> str:
    """The end of a help text: what one types."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def given(values: Mapping[str, Any]) -> dict[str, object]:
    """The parameters of a question: those that were given, filters together."""
    params: dict[str, object] = {}
    chosen = dict[str, list[str]]()
    for name, value in values.items():
        if name in FILTERS:
            if found := split_all(name, value):
                chosen[name] = found
        elif value not in (None, (), [], ""):
            params[name] = value
    return {**params, "filters": chosen} if chosen else params


def split_all(name: str, values: Sequence[str]) -> list[str]:
    """The values of one filter, given once or often, with or without commas."""
    found = list[str]()
    for value in values:
        found += split(name, value)
    return found


def show(body: bytes, page: Callable[[Any], Page], *, is_json: bool) -> Any:
    """Write an answer; as JSON the way it came. Returns its value."""
    if is_json:
        output.write_data(body)
        return json.loads(body)
    answer = json.loads(body)
    show_page(page(answer))
    return answer
