"""Hints of what changed, from the kernel while it tells, and word of when it does not.

An event only says where to look sooner; the sweep is the truth. So the whole duty of
this module is to notice each way in which events stop coming, to say so, and to ask
for closer sweeps meanwhile. It reads no agent's file and writes only its own canary.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from costd.ingest import kernel, troubles
from costd.ingest.canary import Canary
from costd.ingest.observer import Lookout, identity
from costd.ingest.sweep import real_paths
from costd.ingest.troubles import Trouble

POLL_SECONDS = 2.0
"""How often to sweep while no events come: 5 % of a core for 10,000 directories."""
SLOW_SWEEP_SECONDS = 30.0
MAX_DIRECTORIES = 4_000
"""From 5,000 directories on, watchdog 7.1 can fall into an endless overflow."""
MAX_BACKLOG = 50_000
OVERFLOW_SECONDS = 60.0
FORGET_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchHealth:
    """How the watch is doing; ``reason`` is empty while events come.

    ``watched_dirs`` is None where the kernel cannot be asked. ``canary`` is whether
    hearing is tested all the time.
    """

    mode: Literal["inotify", "fsevents", "polling"]
    reason: str
    fix: str
    sweep_seconds: float
    directories: int
    watched_dirs: int | None
    roots: int
    missing_roots: int
    canary: bool
    restarts: int
    overflows: int
    lost_hints: int


class Watch:
    """Owns the observer: opens it, looks after it, does without it.

    ``start``, ``check`` and ``stop`` belong to one thread. Callbacks come from other
    threads and must only leave a message.

    Args:
        roots: directories, existing or not; real paths are reported.
        notify: takes the path of a changed file or directory: a hint to look there.
        rescan: hints were lost or may have been: sweep now, then ``check``.
        canary_dir: a directory of costd's own to prove the hearing with; "": none.
        slow_sweep_seconds: how often the engine sweeps while events come.
        monotonic: the clock for all waiting.
        mountinfo: gives the text of ``/proc/self/mountinfo``.
    """

    def __init__(
        self,
        roots: Sequence[str],
        *,
        notify: Callable[[str], None],
        rescan: Callable[[], None],
        canary_dir: str = "",
        slow_sweep_seconds: float = SLOW_SWEEP_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        mountinfo: Callable[[], str] = kernel.read_mountinfo,
    ) -> None:
        self._roots = tuple(roots)
        self._notify = notify
        self._rescan = rescan
        self._canary = Canary(canary_dir)
        self._slow_sweep_seconds = slow_sweep_seconds
        self._monotonic = monotonic
        self._mountinfo = mountinfo
        self._lookout: Lookout | None = None
        self._trouble = troubles.NOT_STARTED
        self._stopped = True
        self._retry_at = 0.0
        self._failures: list[float] = []
        self._directories = 0
        self._watched: int | None = 0
        self._crowded = False
        self._short_checks = 0
        self._restarts = 0
        self._overflows = 0
        self._overflow_at: float | None = None
        self._storm = False
        self._lost_hints = 0
        self._hint_lost = False
        self._publish()

    def start(self) -> None:
        """Begin to listen, or say in ``health`` why not; never raises."""
        self._stopped = False
        unfit = self._unfit()
        self._open() if unfit is None else self._poll(unfit)
        self._publish()

    def stop(self) -> None:
        """End all threads; returns within seconds even if one of them hangs."""
        self._stopped = True
        self._poll(troubles.STOPPED)
        self._publish()

    def check(self, directories: int) -> None:
        """Look after the watch; after every sweep.

        Args:
            directories: how many directories the sweep listed, links not followed.
        """
        if self._stopped:
            return
        self._directories = directories
        unfit = self._unfit()
        if unfit is not None:
            self._poll(unfit)
        elif self._lookout is not None:
            trouble = self._inspect(self._lookout)
            if trouble is not None:
                self._fail(trouble)
        elif self._monotonic() >= self._retry_at:
            self._reopen()
        if self._hint_lost:
            self._hint_lost = False
            self._ask_rescan()
        self._publish()

    def health(self) -> WatchHealth:
        """As of the last ``start``, ``check`` or ``stop``; from any thread."""
        return self._health

    @property
    def sweep_seconds(self) -> float:
        """How often the engine should sweep now."""
        return self._health.sweep_seconds

    # The observer's life

    def _open(self) -> None:
        try:
            self._lookout = Lookout(self._hear, self._overflowed)
            self._lookout.start()
            self._lookout.tend(self._places())
            self._watched = self._count(self._lookout)
        except Exception as error:  # noqa: BLE001 - whatever watchdog does, costd sweeps
            self._fail(troubles.refused(error))
        else:
            self._trouble = troubles.NONE

    def _reopen(self) -> None:
        self._restarts += 1
        self._open()
        self._ask_rescan()

    def _fail(self, trouble: Trouble) -> None:
        now = self._monotonic()
        recent = [at for at in self._failures if now - at < FORGET_SECONDS]
        self._failures = [*recent, now]
        delay = trouble.delays[min(len(self._failures), len(trouble.delays)) - 1]
        self._poll(trouble)
        self._retry_at = now + delay
        if not delay:
            self._reopen()

    def _poll(self, trouble: Trouble) -> None:
        lookout, self._lookout = self._lookout, None
        if lookout is not None:
            lookout.stop()
        self._trouble = trouble
        self._retry_at = 0.0
        self._watched = 0
        self._short_checks = 0
        self._overflow_at = None
        self._storm = False
        self._canary.forget()

    def _places(self) -> dict[str, bool]:
        """The directories to watch, and whether with all that is under them."""
        places = dict.fromkeys(real_paths(self._roots), True)
        if self._canary.directory:
            places.setdefault(self._canary.directory, False)
        return places

    # What can be wrong

    def _unfit(self) -> Trouble | None:
        """Reasons that lie in the place and last as long as it is so."""
        limit = MAX_DIRECTORIES * 9 // 10 if self._crowded else MAX_DIRECTORIES
        self._crowded = sys.platform == "linux" and self._directories > limit
        if self._crowded:
            return troubles.crowded(self._directories)
        mounts = self._mountinfo()
        self._canary.prepare(lambda place: not kernel.network_type(mounts, place))
        for root in real_paths(self._roots):
            kind = kernel.network_type(mounts, root)
            if kind:
                return troubles.network(kind)
        return None

    def _inspect(self, lookout: Lookout) -> Trouble | None:
        """Reasons that lie in the observer; tends it when there are none."""
        trouble = self._ailment(lookout)
        if trouble is not None:
            return trouble
        try:
            if lookout.tend(self._places()):
                self._ask_rescan()
        except Exception as error:  # noqa: BLE001 - whatever watchdog does, costd sweeps
            return troubles.refused(error)
        trouble = self._shortfall(lookout)
        if trouble is None and lookout.is_armed(self._canary.directory):
            self._canary.sing(self._monotonic())
        return trouble

    def _ailment(self, lookout: Lookout) -> Trouble | None:
        if self._storm:
            return troubles.OVERFLOWED
        dead = lookout.dead_part()
        if dead:
            return troubles.died(dead)
        if lookout.backlog() > MAX_BACKLOG:
            return troubles.BACKLOG
        if self._canary.is_silent(self._monotonic()):
            return troubles.DEAF
        return None

    def _shortfall(self, lookout: Lookout) -> Trouble | None:
        """Count: watchdog does not tell when it could not watch everything."""
        self._watched = watched = self._count(lookout)
        if watched is None or watched >= self._directories:
            self._short_checks = 0
            return None
        limited = kernel.is_watch_limit_reached()
        # Directories come and go while they are counted: only twice is a pattern.
        self._short_checks += 1
        if self._short_checks == 1 and not limited:
            return None
        return troubles.shortfall(watched, self._directories, limited=limited)

    def _count(self, lookout: Lookout) -> int | None:
        watched = lookout.watches()
        own = lookout.is_armed(self._canary.directory)
        return None if watched is None else watched - own

    # From watchdog's threads

    def _hear(self, path: str) -> None:
        try:
            if not self._canary.hears(path):
                self._notify(path)
        except BaseException:  # noqa: BLE001 - a raise would end watchdog's thread
            self._lost_hints += 1
            self._hint_lost = True

    def _overflowed(self) -> None:
        now = self._monotonic()
        last, self._overflow_at = self._overflow_at, now
        self._overflows += 1
        self._canary.forget()
        # watchdog is deaf until it has taken its watches anew: sweep again after that.
        self._hint_lost = True
        if self._storm:
            return  # the sweep that is asked for already leads to polling
        self._storm = last is not None and now - last < OVERFLOW_SECONDS
        self._ask_rescan()

    def _ask_rescan(self) -> None:
        try:
            self._rescan()
        except BaseException:  # noqa: BLE001 - a raise would end watchdog's thread
            self._lost_hints += 1
            self._hint_lost = True

    def _publish(self) -> None:
        lookout = self._lookout
        polling = lookout is None
        roots = real_paths(self._roots)
        self._health = WatchHealth(
            mode="polling" if lookout is None else lookout.mode,
            reason=self._trouble.reason,
            fix=self._trouble.fix,
            sweep_seconds=POLL_SECONDS if polling else self._slow_sweep_seconds,
            directories=self._directories,
            watched_dirs=self._watched,
            roots=len(roots),
            missing_roots=sum(identity(root) is None for root in roots),
            canary=bool(lookout and lookout.is_armed(self._canary.directory)),
            restarts=self._restarts,
            overflows=self._overflows,
            lost_hints=self._lost_hints,
        )
