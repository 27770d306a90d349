"""What other threads may put into the engine's queue."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from msgspec import Struct


class Dirty(Struct, frozen=True):
    """A path may have changed: a hint of the watch."""

    path: str


class Delivered(Struct, frozen=True):
    """Packed segments from the reading process; None: it has ended."""

    message: bytes | None


class Tick(Struct, frozen=True):
    """The beat: look at everything, recompute, publish."""


class Rescan(Struct, frozen=True):
    """Hints were lost: look at everything."""


class Stop(Struct, frozen=True):
    """Finish the batch at hand and end."""


class Question(Struct, frozen=True):
    """Somebody asks; the answer or the failure goes into ``answer``."""

    name: str
    params: dict[str, object]
    answer: Future[object]


class Call(Struct, frozen=True):
    """Work that another thread prepared, to be finished in the engine's."""

    work: Callable[[], None]
    moves_only: bool = False
    """Whether it changes nothing that is summed but owners, who say since when."""


Message = Dirty | Delivered | Tick | Rescan | Stop | Question | Call
