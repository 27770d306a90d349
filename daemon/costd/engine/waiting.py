"""Those who wait for an answer, and how each of them gets one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from costd.core.errors import CostdError
from costd.engine.jobs import Job

Work = Callable[[], object]


def settle(
    future: Future[object], work: Work, report: Callable[[str, Exception], None]
) -> None:
    """Answer; a failure nobody foresaw is reported and does not end the engine.

    Args:
        future: gets what ``work`` returns or raises; of a job, when it is done.
        work: works out the answer.
        report: is told of what nobody foresaw.
    """
    if not future.running() and not future.set_running_or_notify_cancel():
        return
    try:
        found = work()
        if isinstance(found, Job):
            found.answer = future
        else:
            future.set_result(found)
    except CostdError as error:
        future.set_exception(error)
    except Exception as error:  # noqa: BLE001 - one answer must not end the daemon
        report("answer_failed", error)
        future.set_exception(
            CostdError(
                f"costd failed to answer: {type(error).__name__}.",
                "The log of the daemon says where.",
            )
        )


class Waiting:
    """Questions that are answered when nothing waits to be read any more.

    Args:
        finish: answers one of them.
    """

    def __init__(self, finish: Callable[[Future[object], Work], None]) -> None:
        self._waiting: list[tuple[Work, Future[object]]] = []
        self._finish = finish

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def add(self, work: Work, answer: Future[object]) -> None:
        """One more."""
        self._waiting.append((work, answer))

    def settle(self, *, is_busy: bool, problem: CostdError | None) -> None:
        """Answer all of them, unless there is something to read that can be read."""
        if not self._waiting or (is_busy and problem is None):
            return
        if is_busy and problem is not None:
            self.refuse(problem)
            return
        waiting, self._waiting = self._waiting, []
        for work, answer in waiting:
            self._finish(answer, work)

    def refuse(self, error: CostdError) -> None:
        """None of them can be answered."""
        waiting, self._waiting = self._waiting, []
        for _, answer in waiting:
            answer.set_exception(error)
