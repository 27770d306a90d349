"""What other threads may put into the engine's queue."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from costd.engine.answers.work import Recount


@dataclass(frozen=True, slots=True)
class Dirty:
    """A path may have changed: a hint of the watch."""

    path: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """Packed segments from the reading process; None: it has ended."""

    message: bytes | None


@dataclass(frozen=True, slots=True)
class Tick:
    """The beat: look at everything, recompute, publish."""


@dataclass(frozen=True, slots=True)
class Rescan:
    """Hints were lost: look at everything."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish the batch at hand and end."""


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody asks; the answer or the failure goes into ``answer``."""

    name: str
    params: dict[str, object]
    answer: Future[object]


@dataclass(frozen=True, slots=True)
class Compared:
    """A recount is ready to be held against the ledger."""

    recount: Recount
    answer: Future[object]


Message = Dirty | Delivered | Tick | Rescan | Stop | Question | Compared
