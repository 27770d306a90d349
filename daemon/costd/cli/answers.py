"""Answers: the daemon's where one runs, else those of an engine hosted right here."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from costd.cli import finder, routes
from costd.cli.client import READ_SECONDS, Connection, connect
from costd.cli.progress import behind, follow
from costd.core.errors import (
    AlreadyRunningError,
    CostdError,
    NoDaemonError,
)

Params = dict[str, object]
Ask = Callable[[str, dict[str, object]], "Future[object]"]

# Another command may be hosting the engine just now, or a daemon may be starting.
LOCKED_SECONDS = 30.0
PAUSE_SECONDS = 0.1
PEEK_SECONDS = 2.0


class Answers(Protocol):
    """Who answers questions; ``hosted`` when that is this process itself."""

    hosted: bool

    def body(self, question: str, params: Params) -> bytes:
        """The answer as JSON on one line."""
        ...

    def work(self, question: str, params: Params) -> bytes:
        """The same for what may take minutes, with its progress on a terminal."""
        ...

    def close(self) -> None:
        """Ask no more."""
        ...


def ask(answers: Answers, question: str, params: Params | None = None) -> Any:
    """The answer as a value."""
    return json.loads(answers.body(question, params or {}))


@contextmanager
def open_answers(
    config_file: str | None, *, fresh: bool = True, patience: float | None = None
) -> Iterator[Answers]:
    """Whoever can answer, for the length of a command.

    Args:
        config_file: the configuration that the command line names.
        fresh: whether an engine that is hosted here catches up with the logs first.
        patience: how long to wait, in seconds, while somebody has the ledger and
            answers nobody.

    Raises:
        ConfigError: the configuration cannot be used.
        NoDaemonError: no daemon answers, and none can be hosted.
    """
    with ExitStack() as stack:
        answers: Answers | None = _running(config_file)
        if answers is None:
            seconds = LOCKED_SECONDS if patience is None else patience
            answers = _from_configuration(config_file, stack, seconds)
        stack.callback(answers.close)
        if fresh and answers.hosted:
            answers.work("sync", {})
        yield answers


@contextmanager
def open_daemon(config_file: str | None) -> Iterator[Answers]:
    """The daemon, for what only a daemon can do.

    Raises:
        ConfigError: nothing tells where it is.
        NoDaemonError: none runs.
    """
    answers = _running(config_file)
    if answers is None:
        from costd.cli.configuration import (  # noqa: PLC0415 - a daemon saves us all this
            load,
            sockets,
        )

        found = (_listening(path) for path in sockets(load(config_file).paths))
        answers = next((daemon for daemon in found if daemon), None)
    if answers is None:
        raise NoDaemonError(
            "no daemon runs; it reads the configuration when it starts",
            "costd service start, or costd run",
        )
    try:
        yield answers
    finally:
        answers.close()


class DaemonAnswers:
    """The daemon's, over one connection.

    Attributes:
        seconds: how long to wait for an answer that takes no work.
    """

    hosted = False
    seconds = READ_SECONDS

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    def body(self, question: str, params: Params) -> bytes:
        """See ``Answers``."""
        if question not in routes.POST:
            target = routes.target(question, params)
            return self._connection.ask("GET", target, b"", self.seconds)
        seconds = None if question in routes.PATIENT else READ_SECONDS
        body = json.dumps(params).encode()
        return self._connection.ask("POST", routes.POST[question], body, seconds)

    def post(self, path: str) -> bytes:
        """What is no question to the engine."""
        return self._connection.ask("POST", path, b"{}")

    def work(self, question: str, params: Params) -> bytes:
        """See ``Answers``."""
        done: Future[bytes] = Future()

        def run() -> None:
            try:
                done.set_result(self.body(question, params))
            except BaseException as error:  # noqa: BLE001 - raised again by ``follow``
                done.set_exception(error)

        # A daemon thread: Ctrl-C ends the command, the work itself goes on over there.
        threading.Thread(target=run, daemon=True).start()
        return follow(done, question, self._peek)

    def close(self) -> None:
        """See ``Answers``."""
        self._connection.close()

    def _peek(self) -> int | None:
        try:
            connection = connect(self._path)
            if connection is None:
                return None
            try:
                body = connection.ask("GET", routes.GET["status"], b"", PEEK_SECONDS)
            finally:
                connection.close()
        except CostdError:  # the work itself will say so
            return None
        return behind(json.loads(body))


class HostedAnswers:
    """Those of an engine in this process."""

    hosted = True

    def __init__(self, ask_engine: Ask) -> None:
        self._ask = ask_engine
        self._asked: Future[object] | None = None

    def body(self, question: str, params: Params) -> bytes:
        """See ``Answers``."""
        return _encoded(self._ask(question, params).result())

    def work(self, question: str, params: Params) -> bytes:
        """See ``Answers``."""
        return _encoded(follow(self._ask(question, params), question, self._peek))

    def close(self) -> None:
        """See ``Answers``."""

    def _peek(self) -> int | None:
        """What the engine last said; one question at a time, so that none pile up."""
        asked, self._asked = self._asked, None
        if asked is not None and not asked.done():
            self._asked = asked
            return None
        self._asked = self._ask("alive", {})  # which does not hurry it, as others do
        if asked is None or asked.exception() is not None:
            return None
        return behind({"sources": [asked.result()]})


def post_to_daemon(config_file: str | None, path: str) -> bytes:
    """What a daemon answers to an empty message; nobody else could answer that.

    Raises:
        NoDaemonError: none runs.
    """
    daemon = _running(config_file)
    if daemon is None:
        from costd.cli.configuration import (  # noqa: PLC0415 - a daemon saves us this
            load,
            sockets,
        )

        found = map(_listening, sockets(load(config_file).paths))
        daemon = next((each for each in found if each is not None), None)
    if daemon is None:
        raise NoDaemonError("No daemon runs.", "Start it: costd run")
    try:
        return daemon.post(path)
    finally:
        daemon.close()


def _encoded(answer: object) -> bytes:
    from costd.publish.encode import (  # noqa: PLC0415 - with a daemon nobody needs it
        compact,
    )

    return compact(answer)


def _running(config_file: str | None) -> DaemonAnswers | None:
    """The daemon, where no more is needed to find it than the state directory."""
    if config_file is not None:
        return None
    state = finder.state_dir(dict(os.environ))
    return _listening(state and finder.socket_path(state))


def _listening(path: str | None) -> DaemonAnswers | None:
    connection = connect(path) if path else None
    return DaemonAnswers(connection, path or "") if connection else None


def _from_configuration(
    config_file: str | None, stack: ExitStack, patience: float
) -> Answers:
    """The daemon at one of the places that the configuration names, or our own engine."""
    from costd.cli.configuration import (  # noqa: PLC0415 - a daemon saves us all this
        engine,
        load,
        sockets,
    )

    config = load(config_file)
    deadline = time.monotonic() + patience
    while True:
        for path in sockets(config.paths):
            if daemon := _listening(path):
                return daemon
        try:
            return HostedAnswers(stack.enter_context(engine(config)))
        except AlreadyRunningError as error:
            if time.monotonic() > deadline:
                raise NoDaemonError(
                    f"{error.message.rstrip('.')}, but it answers nobody.",
                    "Look at its log; stop it, and start it again: costd run",
                ) from error
            time.sleep(PAUSE_SECONDS)
