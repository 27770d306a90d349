"""Work that takes long, a step at a time: questions are answered in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from costd.core.errors import CostdError


class Job:
    """Steps, and what is answered when the last one is done.

    Args:
        steps: each ``next`` does one.
        finish: works out the answer.
    """

    def __init__(
        self, steps: Iterator[None], finish: Callable[[], dict[str, Any]]
    ) -> None:
        self.steps = steps
        self.finish = finish
        self.answer: Future[object] | None = None
        """Who waits for it, if anybody does."""


class Jobs:
    """The jobs that were begun, in their order.

    Args:
        settle: completes a future with what its second argument returns or raises.
    """

    def __init__(
        self, settle: Callable[[Future[object], Callable[[], object]], None]
    ) -> None:
        self._waiting: deque[Job] = deque()
        self._settle = settle
        self.has_failed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self, job: Job) -> Job:
        """Take on a job; it is done after those that wait already."""
        self._waiting.append(job)
        return job

    def advance(self) -> bool:
        """One step of the first job; whether it was the last.

        What is remembered of the ledger may stay until then: it is whole, and old.
        """
        job = self._waiting[0]
        try:
            next(job.steps)
        except StopIteration:
            self._waiting.popleft()
            if job.answer is not None:
                self._settle(job.answer, job.finish)
        except CostdError as error:
            self._waiting.popleft()
            self.has_failed = True
            if job.answer is not None:
                job.answer.set_exception(error)
        else:
            return False
        return True

    def refuse(self, error: CostdError) -> None:
        """Whoever still waits is told."""
        for job in self._waiting:
            if job.answer is not None:
                job.answer.set_exception(error)
        self._waiting.clear()
