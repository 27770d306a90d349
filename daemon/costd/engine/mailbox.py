"""The engine's side that any thread may touch: a queue of messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue

from costd.core.errors import StoppingError
from costd.engine.messages import (
    Call,
    Dirty,
    Message,
    Question,
    Rescan,
    Stop,
    Tick,
)
from costd.engine.standing import Standing


def stopping() -> StoppingError:
    """What is said to those who ask too late."""
    return StoppingError("costd is stopping.", "Ask again in a moment.")


class Mailbox:
    """Takes messages from every thread; one thread reads them.

    Args:
        standing: has an answer for those who need not wait.
    """

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self._queue: SimpleQueue[Message] = SimpleQueue()
        self._later: deque[Message] = deque()
        """What was taken from the queue and not yet handled; the reader's own."""
        self._ended = self._has_tick = False
        self._troubles: dict[str, str] = {}

    def ask(self, name: str, params: Mapping[str, object]) -> Future[object]:
        """Ask; the future holds the answer, or a CostdError."""
        answer: Future[object] = Future()
        if (known := self.standing.answer(name, params)) is not None:
            answer.set_result(known)
            return answer
        self._queue.put(Question(name, dict(params), answer))
        if self._ended:
            self._refuse_left()
        return answer

    def hint(self, path: str) -> None:
        """A path may have changed."""
        self._queue.put(Dirty(path))

    def rescan(self) -> None:
        """Look at everything."""
        self._queue.put(Rescan())

    def tick(self) -> None:
        """The beat; while one waits there is no second one."""
        if not self._has_tick:
            self._has_tick = True
            self._queue.put(Tick())

    def note(self, code: str, message: str | None) -> None:
        """Tell of a trouble that another part has; None: it has it no more."""

        def write() -> None:
            self._troubles.pop(code, None)
            if message is not None:
                self._troubles[code] = message

        self._call(write)

    def stop(self) -> None:
        """Finish the slice at hand and end ``run``."""
        self._queue.put(Stop())

    def _call(self, work: Callable[[], None]) -> None:
        """Have something done in the engine's thread."""
        self._queue.put(Call(work))

    def _refuse_left(self) -> None:
        """Nobody answers any more; nobody hangs."""
        while (message := self._take_left()) is not None:
            if isinstance(message, Question):
                message.answer.set_exception(stopping())

    def _set_aside(
        self, is_quick: Callable[[Question], bool], answer: Callable[[Question], None]
    ) -> None:
        """Answer the quick questions that wait; all else is handled later, in order."""
        while not self._queue.empty():
            message = self._queue.get()
            if isinstance(message, Question) and is_quick(message):
                answer(message)
            else:
                self._later.append(message)

    def _take_left(self) -> Message | None:
        with suppress(IndexError):
            return self._later.popleft()
        with suppress(Empty):
            return self._queue.get_nowait()
        return None
