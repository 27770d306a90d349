"""The engine in charge, and its successor after a reload: nobody who asks notices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import NamedTuple

from costd.core.errors import StoppingError
from costd.engine.loop import Engine
from costd.engine.view import Watching
from costd.log import get_logger
from costd.publish.questions import QUESTIONS

STOP_SECONDS = 8.0
"""Within the ten seconds that a service manager is promised."""

_AGAIN = frozenset({q.name for q in QUESTIONS if q.method == "GET"} | {"sync", "alive"})
"""Questions that change nothing: the next engine may answer what one did not."""

log = get_logger("service")


class Work(NamedTuple):
    """An engine and the watch that goes with it."""

    engine: Engine
    watch: Watching


class _Asked(NamedTuple):
    name: str
    params: Mapping[str, object]
    answer: Future[object]


class Engines:
    """One engine after the other, each in a thread of its own.

    Args:
        crashed: is called from the thread of an engine that fails.
    """

    def __init__(self, crashed: Callable[[], None]) -> None:
        self._crashed = crashed
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._current: Engine | None = None
        self._pending: list[_Asked] = []
        self._is_ending = False
        self.has_crashed = False

    # Any thread.

    def ask(self, name: str, params: Mapping[str, object]) -> Future[object]:
        """Ask whoever is in charge, or will be in a moment."""
        asked = _Asked(name, dict(params), Future())
        self._pass_on(asked)
        return asked.answer

    def tick(self) -> None:
        """The beat."""
        engine = self._current
        if engine is not None:
            engine.tick()

    def hint(self, path: str) -> None:
        """A path may have changed."""
        engine = self._current
        if engine is not None:
            engine.hint(path)

    def rescan(self) -> None:
        """Look at everything."""
        engine = self._current
        if engine is not None:
            engine.rescan()

    def note(self, code: str, message: str | None) -> None:
        """Have a trouble told, or no more."""
        engine = self._current
        if engine is not None:
            engine.note(code, message)

    # The main thread.

    def start(self, work: Work) -> None:
        """Put an engine in charge."""
        thread = threading.Thread(
            target=self._run, args=(work,), name="costd-engine", daemon=True
        )
        thread.start()
        with self._lock:
            self._thread, self._current = thread, work.engine
            pending, self._pending = self._pending, []
        for asked in pending:
            self._pass_on(asked)

    def pause(self) -> bool:
        """End the engine in charge; what is asked waits for the next one.

        Returns:
            Whether it has ended; one that hangs has not.
        """
        with self._lock:
            engine, thread = self._current, self._thread
            self._current = None
        if engine is None or thread is None:
            return True
        if not self._is_ending:
            engine.last_state = "running"
        engine.stop()
        thread.join(STOP_SECONDS)
        return not thread.is_alive()

    def end(self) -> bool:
        """End the engine in charge, for good; whether it has ended."""
        self._is_ending = True
        has_ended = self.pause()
        with self._lock:
            pending, self._pending = self._pending, []
        for asked in pending:
            _refuse(
                asked, StoppingError("costd is stopping.", "Ask again in a moment.")
            )
        return has_ended

    def _run(self, work: Work) -> None:
        try:
            work.engine.run(work.watch)
        except Exception:
            self.has_crashed = True
            log.exception("engine_crashed")
            self._crashed()

    def _pass_on(self, asked: _Asked) -> None:
        with self._lock:
            engine = self._current
            if engine is None and not self._is_ending:
                self._pending.append(asked)
                return
        if engine is None:
            _refuse(
                asked, StoppingError("costd is stopping.", "Ask again in a moment.")
            )
            return
        found = engine.ask(asked.name, asked.params)
        found.add_done_callback(lambda done: self._settle(engine, asked, done))

    def _settle(self, engine: Engine, asked: _Asked, done: Future[object]) -> None:
        error = done.exception()
        is_over = isinstance(error, StoppingError) and engine is not self._current
        if is_over and asked.name in _AGAIN and not self._is_ending:
            self._pass_on(asked)
        elif error is not None:
            _refuse(asked, error)
        else:
            with suppress(InvalidStateError):
                asked.answer.set_result(done.result())


def _refuse(asked: _Asked, error: BaseException) -> None:
    with suppress(InvalidStateError):
        asked.answer.set_exception(error)
