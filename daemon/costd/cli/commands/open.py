"""``costd open``."""

from __future__ import annotations

import json
import sys
import webbrowser

import click

from costd.cli import output
from costd.cli.answers import post_to_daemon
from costd.cli.options import as_json, example


@click.command(
    help="Open the page in a browser. The address works once, within a minute, and lets\n"
    "the browser in for 30 days; nobody else on this machine can use it.",
    epilog=example("costd open", "costd open --print   # for a browser elsewhere"),
)
@click.option("--print", "only_print", is_flag=True, help="Only say the address.")
@as_json
@click.pass_obj
def command(config: str | None, as_json: bool, only_print: bool) -> None:
    """The page, in a browser."""
    body = post_to_daemon(config, "/api/open")
    if as_json:
        output.write_data(body)
        return
    url = str(json.loads(body)["url"])
    if only_print or not _opens(url):
        output.say(url)
    else:
        sys.stderr.write(f"opened {url.partition('?')[0]} in your browser\n")


def _opens(url: str) -> bool:
    """Whether a browser took it; where there is no screen, none does."""
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
