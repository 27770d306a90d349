"""Reading all logs anew in a thread of its own, for ``verify``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import ExitStack, suppress

from costd.core.errors import CostdError
from costd.engine.answers.work import Recount


def begin(
    make: Callable[[], Recount],
    now: int,
    answer: Future[object],
    done: Callable[[Recount], None],
) -> None:
    """Read in the background.

    Args:
        make: makes the recount, which has a ledger of its own.
        now: milliseconds since the epoch.
        answer: gets the failure, if there is one.
        done: is called in that thread when all is read.
    """

    def work() -> None:
        try:
            recount = _read(make, now)
        except CostdError as error:
            _fail(answer, error)
        except Exception as error:  # noqa: BLE001 - it must reach who asked
            message = f"The check failed: {type(error).__name__}."
            _fail(answer, CostdError(message, "See the log."))
        else:
            done(recount)

    threading.Thread(target=work, name="costd-verify", daemon=True).start()


def _read(make: Callable[[], Recount], now: int) -> Recount:
    recount = make()
    with ExitStack() as stack:
        stack.callback(recount.close)
        recount.read(now)
        stack.pop_all()
    return recount


def _fail(answer: Future[object], error: CostdError) -> None:
    with suppress(InvalidStateError):  # whoever asked has gone
        answer.set_exception(error)
