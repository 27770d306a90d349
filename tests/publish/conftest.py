"""A server on a real socket, with an engine that answers from a table.

One server for a whole module: an orderly stop takes a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import places
from costd.publish.api import build_app
from costd.publish.live import Live
from costd.publish.loopback import Loopback
from costd.publish.server import Server
from publish.wire import PATIENCE, Engine, Serve, Surprises


@dataclass
class Shared:
    engine: Engine = field(default_factory=Engine)
    live: Live = field(default_factory=Live)
    surprises: Surprises = field(default_factory=list)
    sock: Path = Path()

    def note(self, place: str, error: Exception) -> None:
        self.surprises.append((place, error))


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Shared]:
    shared = Shared()
    app = build_app(
        shared.engine.ask,
        shared.live,
        on_error=shared.note,
        gap_seconds=0.01,
        beat_seconds=0.2,
    )
    with places.short_dir() as directory:
        shared.sock = directory / "run" / "costd.sock"
        server = Server(
            app, shared.sock, on_stop=shared.live.close, on_error=shared.note
        )
        server.start()
        yield shared
        assert server.stop(PATIENCE)


@pytest.fixture
def sock(shared_server: Shared) -> Iterator[Path]:
    """The socket of a server that runs, whose engine knows nothing yet."""
    shared_server.engine.answers.clear()
    shared_server.engine.asked.clear()
    shared_server.engine.open.clear()
    yield shared_server.sock
    assert shared_server.surprises == []


@pytest.fixture
def engine(shared_server: Shared) -> Engine:
    return shared_server.engine


@pytest.fixture
def live(shared_server: Shared) -> Live:
    return shared_server.live


@pytest.fixture
def surprises(shared_server: Shared) -> Surprises:
    """What the server reported; a test that expects some takes them out."""
    return shared_server.surprises


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers of one test's own, and stops them after it."""
    with ExitStack() as stack:

        def start(
            directory: Path,
            engine: Engine | None = None,
            *,
            loopback: Loopback | None = None,
            surprises: Surprises | None = None,
        ) -> Server:
            live, notes = Live(), [] if surprises is None else surprises

            def note(place: str, error: Exception) -> None:
                notes.append((place, error))

            app = build_app((engine or Engine()).ask, live, on_error=note)
            server = Server(
                app,
                directory / "costd.sock",
                loopback=loopback,
                on_stop=live.close,
                on_error=note,
            )
            server.start()
            stack.callback(server.stop, PATIENCE)
            return server

        yield start
