"""A page where standard output goes: in colours for a person, plain for a pipe."""

from __future__ import annotations

import os

from costd.cli import output
from costd.cli.render.coloured import coloured, columns
from costd.cli.render.page import Page
from costd.cli.render.plain import plain


def show_page(page: Page) -> None:
    """Write a page: in colours for a person, whole and plain for a pipe."""
    if output.on_terminal():
        output.say(coloured(page, columns(os.environ), os.environ))
    else:
        output.say(plain(page))
