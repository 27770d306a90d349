"""Messages from the spool, asked of the engine as if somebody were there to ask."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from costd.core.errors import BusyError, CostdError, LedgerError
from costd.ingest.spool import AT_ONCE, Message, Spool

Ask = Callable[[str, dict[str, object]], "Future[object]"]

TAKEN = frozenset({"link", "unlink", "hook", "events", "run"})
"""Questions that may wait in the spool: those which tell something, and have a key."""


class Inbox:
    """Takes messages out of the spool, each through the very answer that HTTP gets.

    A message leaves the spool after its answer, which is when the ledger holds it. What
    is refused is set aside. While the ledger cannot be written it stays, for next time.

    Args:
        folder: the spool's directory; None where there is none.
        ask: puts a question to the engine.
    """

    def __init__(self, folder: str | None, ask: Ask) -> None:
        self._spool = None if folder is None else Spool(folder)
        self._ask = ask
        self._asked: set[str] = set()

    def take(self, now: int, troubles: dict[str, str]) -> None:
        """Ask everything that waits and is not asked already.

        Args:
            now: milliseconds since the epoch.
            troubles: where it is said, under ``spool``, what could not be used.
        """
        if self._spool is None:
            return
        self._take(self._spool, now)
        troubles.pop("spool", None)
        if trouble := self._spool.trouble():
            troubles["spool"] = trouble

    def _take(self, spool: Spool, now: int) -> None:
        messages = spool.waiting(now)
        new = [m for m in messages if m.name not in self._asked]
        self._asked.update(message.name for message in new)
        for message in new:
            if message.question not in TAKEN:
                self._asked.discard(message.name)
                spool.set_aside(message.name, "asks what nobody may spool")
                continue
            said = {"at": message.at, **message.params}
            answer = self._ask(message.question, said)
            more = now if len(messages) == AT_ONCE else None
            answer.add_done_callback(partial(self._settle, spool, message, more))

    def _settle(
        self, spool: Spool, message: Message, more: int | None, answer: Future[object]
    ) -> None:
        self._asked.discard(message.name)
        error = answer.exception()
        if error is None and (refused := _refused(answer.result())):
            spool.set_aside(message.name, f"was refused: {refused}")
        elif error is None:
            spool.remove(message)
            if more is not None and not self._asked:
                self._take(spool, more)
        elif not isinstance(error, BusyError | LedgerError):
            name = type(error).__name__
            why = error.message if isinstance(error, CostdError) else name
            spool.set_aside(message.name, f"was refused: {why}")


def _refused(answer: object) -> str:
    """Why a part of a message was refused; what was not refused is in the ledger."""
    rejected = answer.get("rejected") if isinstance(answer, dict) else None
    return str(rejected[0]["message"]) if rejected else ""
