"""A page that is drawn in place again and again, by rich."""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.text import Text

from costd.cli.render.coloured import coloured
from costd.cli.render.page import Page


def console() -> Console:
    """A console for standard output; what is printed there has its own colours."""
    return Console(
        file=sys.stdout,
        force_terminal=True,
        highlight=False,
        markup=False,
        emoji=False,
    )


def drawn(page: Page, room: int) -> Text:
    """The page for a terminal of ``room`` columns."""
    return Text.from_ansi(coloured(page, room, os.environ))
