"""A status that is kept up to date: ``status --watch``, and the summary of ``run``."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from costd.cli import finder, output, routes
from costd.cli.answers import ask, open_answers
from costd.cli.client import Connection, connect
from costd.cli.render.page import BLANK, Cell, Page, line, note
from costd.cli.render.plain import plain
from costd.cli.render.status import status_page
from costd.core.errors import CostdError

SUMMARY_SECONDS = 1.0
STARTING = 0.1


def watch_status(config: str | None, interval: float, *, is_json: bool) -> int:
    """Show the status every ``interval`` seconds; it ends with Ctrl-C.

    Whoever answers is looked for each time: a daemon may come and go meanwhile, and
    one that wants to start must find the ledger free.
    """

    def fetch() -> Any:
        with open_answers(config) as answers:
            return ask(answers, "status")

    if output.on_terminal() and not is_json:
        _on_terminal(lambda: _page(fetch), interval, threading.Event())
    else:
        _in_lines(fetch, interval, is_json=is_json)
    return 0


def _page(fetch: Callable[[], Any]) -> Page:
    """The status as a page; an error is one too, and may be over the next time."""
    try:
        return status_page(fetch())
    except CostdError as error:
        return [line(Cell("✗ ", "bad"), error.message), note(f"  {error.fix}")]


def _in_lines(fetch: Callable[[], Any], interval: float, *, is_json: bool) -> None:
    """For a pipe: what has changed, as one line of JSON or as a page."""
    pause, seen = threading.Event(), None
    while True:
        status = fetch()
        news = {key: value for key, value in status.items() if key != "generated_at"}
        if news != seen:
            seen = news
            if is_json:
                text = json.dumps(status, ensure_ascii=False, separators=(",", ":"))
                output.write_data(text.encode("utf-8", "backslashreplace") + b"\n")
            else:
                output.say(plain(status_page(status)) + "\n")
        pause.wait(interval)


def _on_terminal(
    page: Callable[[], Page], interval: float, stop: threading.Event
) -> None:
    """Draw the page in place until ``stop``."""
    from rich.live import Live  # noqa: PLC0415 - a pipe does without

    from costd.cli.render.terminal import console, drawn  # noqa: PLC0415 - for the same reason

    screen = console()
    is_shared = sys.stderr is not None and sys.stderr.isatty()
    with Live(
        console=screen,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=is_shared,
    ) as live:
        while True:
            live.update(drawn(page(), screen.width), refresh=True)
            if stop.wait(interval):
                break


@contextmanager
def live_summary(state_dir: str) -> Iterator[None]:
    """The summary of the daemon in this process, for as long as it runs.

    A client like any other, in a thread: what it shows is what everybody is told.
    """
    stop = threading.Event()
    summary = Summary(state_dir)
    thread = threading.Thread(
        target=summary.show, args=(stop,), name="costd-summary", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        summary.close()


class Summary:
    """The status of the daemon of this process, over one connection."""

    def __init__(self, state_dir: str) -> None:
        self._state_dir = state_dir
        self._connection: Connection | None = None
        self._last: Page = [line(Cell("costd starts …", "dim"))]

    def show(self, stop: threading.Event) -> None:
        """Draw it until ``stop``, from the daemon's first answer on."""
        while not self._is_up():
            if stop.wait(STARTING):
                return
        _on_terminal(self.page, SUMMARY_SECONDS, stop)

    def page(self) -> Page:
        """The page; the last one again while the daemon does not answer."""
        status = self._ask()
        if status is not None:
            self._last = [
                *status_page(status),
                BLANK,
                note("Ctrl-C stops costd; the ledger keeps what it has read."),
            ]
        return self._last

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_up(self) -> bool:
        """Whether it is this very process that answers."""
        status = self._ask()
        if status is not None and status.get("pid") == os.getpid():
            return True
        self.close()
        return False

    def _ask(self) -> Any:
        try:
            if self._connection is None:
                path = finder.socket_path(self._state_dir)
                self._connection = connect(path) if path else None
            if self._connection is None:
                return None
            return json.loads(self._connection.ask("GET", routes.GET["status"]))
        except CostdError:
            self.close()
            return None
