"""Care for the ledger's file while the engine runs: checks, snapshots, repairs.

What takes long is done in a thread with a connection that cannot write, so nobody waits
for it. Where the file itself must be made anew the engine lets go of the ledger: until
it has it back, questions are refused with the reason, and the status is the last one
that was known, which says so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from costd.core.errors import BusyError, CostdError
from costd.core.instants import DAY, HOUR, MINUTE
from costd.engine.custody import Checked, Custody
from costd.engine.drift import Drift
from costd.engine.messages import Question
from costd.ledger import Ledger
from costd.ledger.database import is_damage
from costd.ledger.health import held
from costd.ledger.snapshots import Snapshot

_AGAIN_SECONDS = 30.0
"""After a repair that failed, for want of space."""
_CHECK_EVERY, _SNAPSHOT_EVERY = DAY, DAY
_BETWEEN_REPAIRS, _BETWEEN_FAILURES = DAY, 10 * MINUTE
REPLACED = "its file was removed or replaced while it was in use"

_LAST_SECONDS = 6.0
_PULSE = {
    "files": 0,
    "directories": 0,
    "bytes_total": 0,
    "bytes_behind": 0,
    "troubles": ["ledger_mending"],
}
"""What a service manager hears while the ledger is away: it is waited for."""

Call = Callable[[Callable[[], None]], None]
Found = TypeVar("Found")


class Care:
    """Knows how the ledger's file is, and has it mended.

    Args:
        custody: the file; None where this engine does not look after it.
        clock: milliseconds since the epoch.
        call: has something done in the engine's thread.
        keep: how many snapshots.
    """

    def __init__(
        self,
        custody: Custody | None,
        clock: Callable[[], int],
        call: Call,
        keep: int = 7,
    ) -> None:
        self._custody = custody
        self._clock = clock
        self._call = call
        self._keep = keep
        self._is_checking = self._has_grown = False
        self._is_tended = self._has_failed = False
        self._try_copy_at = 0
        self._ending = threading.Event()
        self.checked: Checked | None = None
        """The last check; None before the first one."""
        self.trouble: CostdError | None = None
        """Why the last snapshot or repair did not come about."""
        self.snapshot: Snapshot | None = None
        """The newest one."""
        self.reports: list[Path] = []
        """What was written down of repairs, and not yet removed."""
        self.is_replaced = False
        """Whether the path names another file than is open."""
        self.status: dict[str, Any] | None = None
        """The last status that was worked out."""
        self.damage = ""
        """What the last check found wrong, and was not mended."""
        self.away = ""
        """Why the engine has let go of the ledger; empty: it has not."""
        self.disk_free: int | None = None
        """Bytes that are left on the ledger's disk."""
        self.drift = Drift(clock)
        self._waiting: list[Callable[[], None]] = []
        self._beats = 0
        self._era = 0
        """How often the ledger was made anew: a check of the one before says nothing."""
        self._repairing: threading.Thread | None = None
        self._look()

    def _look(self) -> None:
        if self._custody is None:
            return
        with suppress(OSError):  # out of descriptors, say: as it was seen before
            self.reports = self._custody.reports()
            self.snapshot = self._custody.latest_snapshot()
            self.disk_free = free_bytes(self._custody.path.parent)

    @property
    def is_recovering(self) -> bool:
        """Whether a mended ledger has not yet read the logs again."""
        return self._custody is not None and self._custody.is_recovering

    def recovered(self, ledger: Ledger) -> None:
        """All logs are read again: write down what the ledger holds now."""
        if self._custody is not None:
            self._custody.recovered(*held(ledger))
            self.reports = self._custody.reports()

    def beat(self, ledger: Ledger, *, is_busy: bool, has_grown: bool) -> None:
        """Look after the file.

        Args:
            ledger: the one that is open.
            is_busy: whether much is being read; then there is no snapshot.
            has_grown: whether anything was recorded since the start.
        """
        if self._custody is None:
            return
        self._has_grown = has_grown
        self._is_tended = True
        self.is_replaced = ledger.database.is_replaced()
        self._look()
        if not self._is_checking and self._is_due(self._clock(), is_busy=is_busy):
            self._is_checking = True
            self._start(self._check, self._custody)

    def _is_due(self, now: int, *, is_busy: bool) -> bool:
        if self.is_recovering:
            return False  # what its snapshot had is not all read again
        if self.checked is None:
            return True
        if is_busy:
            return False
        gone = now - self.checked.at
        return not 0 <= gone < _CHECK_EVERY or (
            self._has_grown and self._wants_snapshot(now)
        )

    def _wants_snapshot(self, now: int) -> bool:
        latest = self.snapshot
        if not self._keep or 0 < self._try_copy_at - now <= HOUR:
            return False
        return latest is None or not 0 <= now - latest.at < _SNAPSHOT_EVERY

    def _check(self, custody: Custody) -> None:
        """In a thread."""
        era = self._era
        found, error = _tried(lambda: custody.check(self._ending.is_set))
        self._call(lambda: self._have_checked(era, found, error))

    def _keep_copy(self, custody: Custody) -> None:
        """In a thread."""
        _, error = _tried(lambda: custody.snapshot(self._keep, self._ending.is_set))
        self._call(lambda: self._have_kept(error))

    def _have_kept(self, error: CostdError | None) -> None:
        self._is_checking = False
        self._try_copy_at = self._clock() + HOUR
        self.trouble = error
        self._look()
        self._check_for_waiting()  # whoever asked while it was copied

    def check_first(self, done: Callable[[], None]) -> None:
        """Check the file now, in a thread, and then have something done."""
        if self._custody is None or self.away:
            done()
            return
        self._waiting.append(done)
        self._check_for_waiting()

    def _check_for_waiting(self) -> None:
        if self._waiting and not self._is_checking and self._custody is not None:
            self._is_checking = True
            self._start(self._check, self._custody)

    def _have_checked(
        self, era: int, found: Checked | None, error: CostdError | None
    ) -> None:
        self._is_checking = False
        if era != self._era:
            pass  # it was another file that was looked at
        elif found is not None:
            self.checked = found
            self.damage = found.problem
            if self._custody is not None and self._may_copy(found):
                self._is_checking = True
                self._start(self._keep_copy, self._custody)
        else:
            self.trouble = error
        self._done_waiting()

    def _may_copy(self, found: Checked) -> bool:
        return bool(
            self._is_tended
            and found.ok
            and found.responses
            and self._wants_snapshot(self._clock())
        )

    def _done_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done()

    def must_go(self) -> str:
        """Why the ledger's file must be made anew, or empty.

        Not twice a day: a fault that comes again is no damage of the disk, and each
        repair keeps a copy of the file.
        """
        if self.away or self._custody is None:
            return ""
        if self.is_replaced:
            return REPLACED
        if not self.damage or not (self._is_tended or self._has_failed):
            return ""
        gone = self._clock() - self._custody.mended_at
        least = _BETWEEN_FAILURES if self._has_failed else _BETWEEN_REPAIRS
        return self.damage if not 0 <= gone < least else ""

    def rest(self) -> None:
        """Before the same fails again: a moment."""
        self._ending.wait(1.0)

    def notice(self, error: BaseException) -> bool:
        """Whether an error shows that the ledger is damaged; then it is mended."""
        if self._custody is None or not is_damage(error):
            return False
        self.damage = "SQLite cannot read its pages"
        self._has_failed = True
        return True

    def let_go(
        self, why: str, ledger: Ledger, take_up: Callable[[Ledger], None]
    ) -> None:
        """Make the file anew in a thread; then ``take_up`` what is there."""
        if (custody := self._custody) is None:
            return

        def repaired() -> Ledger:
            if why == REPLACED and not ledger.database.is_closed:
                return custody.put_back(ledger.database)
            ledger.close()
            return custody.mend(why)

        self.away = why
        self._repairing = self._start(self._repair, repaired, take_up)

    def _repair(
        self, repaired: Callable[[], Ledger], take_up: Callable[[Ledger], None]
    ) -> None:
        """In a thread, until there is a ledger again."""
        while not self._ending.is_set():
            found, self.trouble = _tried(repaired)
            if found is not None:
                self._call(partial(self._taken_up, found, take_up))
                return
            self._ending.wait(_AGAIN_SECONDS)

    def back_up(self, answer: Future[object]) -> None:
        """Write a copy that nobody removes, in a thread."""
        if (custody := self._custody) is None:
            answer.set_exception(BusyError("Nobody looks after this ledger."))
            return
        self._start(
            lambda: settle(answer, lambda: custody.back_up(self._ending.is_set))
        )

    def restore(
        self,
        answer: Future[object],
        ledger: Ledger,
        take_up: Callable[[Ledger], None],
    ) -> None:
        """Put the ledger that waits for it in the place of this one."""
        if (custody := self._custody) is None:
            answer.set_exception(BusyError("Nobody looks after this ledger."))
            return

        def restored() -> Ledger:
            if not ledger.database.is_closed:
                ledger.close()
                settle(answer, custody.restore)
            return custody.open()

        self.away = "a backup is restored"
        self._repairing = self._start(self._repair, restored, take_up)

    def _taken_up(self, found: Ledger, take_up: Callable[[Ledger], None]) -> None:
        self._era += 1
        self.away = self.damage = ""
        self.is_replaced = self._has_failed = False
        self.trouble = self.checked = None
        take_up(found)

    def refusal(self) -> BusyError:
        """What is said to those who ask while the ledger is away."""
        why = self.trouble.message if self.trouble else f"The reason: {self.away}."
        fix = self.trouble.fix if self.trouble else "Ask again in a moment."
        return BusyError(f"costd mends its ledger. {why}", fix)

    def answer(self, question: Question) -> None:
        """Answer without the ledger: with the last status, which says so."""
        if question.name == "alive":
            self._beats += 1
            question.answer.set_result({**_PULSE, "sweeps": self._beats})
        elif question.name == "status" and self.status is not None:
            error = self.refusal()
            problem = {
                "code": "ledger_mending",
                "message": error.message,
                "fix": error.fix,
                "severity": "error",
            }
            question.answer.set_result(
                {**self.status, "complete": False, "health": [problem]}
            )
        else:
            question.answer.set_exception(self.refusal())

    def _start(self, work: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(
            target=work, args=args, name="costd-care", daemon=True
        )
        thread.start()
        return thread

    def close(self) -> None:
        """End what goes on; a repair is given the time to come to its end."""
        self._ending.set()
        self._done_waiting()
        if self._repairing is not None:
            self._repairing.join(_LAST_SECONDS)


def settle(answer: Future[object], work: Callable[[], object]) -> None:
    """Answer with what some work gives; one who has gone away is not told."""
    found, error = _tried(work)
    with suppress(InvalidStateError):
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)


def _tried(work: Callable[[], Found]) -> tuple[Found | None, CostdError | None]:
    """What some work gives, or why it gives nothing: no thread may end without a word."""
    try:
        return work(), None
    except CostdError as error:
        return None, error
    except Exception as error:  # noqa: BLE001 - whoever waits must be told
        name = type(error).__name__
        return None, CostdError(
            f"It failed: {name}.", "The log of the daemon says more."
        )


def free_bytes(place: Path) -> int | None:
    """What this user may still write on a disk; None where nobody says."""
    try:
        found = os.statvfs(place)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize
