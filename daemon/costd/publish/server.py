"""The HTTP server: one application on the Unix socket and on the loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from costd.core.errors import CostdError
from costd.publish.connections import SILENT_SECONDS, Census, Connection
from costd.publish.loopback import Door, Loopback, read_token
from costd.publish.replies import OnError
from costd.publish.sockets import bind_loopback, bind_unix

MOST_REQUESTS = 64
LONGEST_HEAD = 64 * 1024
GRACE_SECONDS = 1
STOP_SECONDS = 2.0
START_SECONDS = 30.0


Work = Callable[[], Awaitable[None]]


def _ignore(_place: str, _error: Exception) -> None:
    """What to do with surprises when nobody asks for them."""


class Server:
    """Serves an application from a thread of its own, from ``start`` to ``stop``.

    Args:
        app: the ASGI application.
        socket_path: where the Unix socket goes.
        loopback: where to listen on TCP too; None for nowhere.
        listener: a Unix socket that listens already and belongs to somebody else, who
            also removes its file; None makes one.
        on_stop: called first when the server stops; ends streams (``Live.close``).
        on_error: told of what went wrong in the server itself.
        work: what its loop does beside, as long as it runs.
    """

    def __init__(
        self,
        app: ASGIApp,
        socket_path: Path,
        *,
        loopback: Loopback | None = None,
        listener: socket.socket | None = None,
        on_stop: Callable[[], None] = lambda: None,
        on_error: OnError = _ignore,
        work: Work | None = None,
    ) -> None:
        self.socket_path = Path(listener.getsockname()) if listener else socket_path
        self._listener = listener
        self._is_ours = listener is None
        self._app = app
        self._loopback = loopback
        self._on_stop = on_stop
        self._on_error = on_error
        self._work = work
        self._identity: tuple[int, int] | None = None
        self._port: int | None = None
        self._running: _QuietServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int | None:
        """The TCP port, once it listens there."""
        return self._port

    @property
    def census(self) -> Census | None:
        """Who was not let in, while the server runs."""
        return self._running.server_state if self._running else None

    @property
    def is_alive(self) -> bool:
        """Whether the server's thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Bind, and return when requests are answered.

        Raises:
            AlreadyRunningError: another daemon answers on the socket.
            CostdError: a socket cannot be bound; the message says which and why.
        """
        app = self._app
        sockets = [self._bind_unix()]
        try:
            if self._loopback is not None:
                token = read_token(self._loopback.token_path)
                sockets.append(bind_loopback(self._loopback.host, self._loopback.port))
                self._port = sockets[-1].getsockname()[1]
                app = Door(app, self._loopback, self._port, token)
            running = _QuietServer(_config(app), self._on_error, self._work)
            self._run(running, sockets)
        except BaseException:
            for listener in sockets:
                listener.close()
            self._remove_socket()
            self._running = self._thread = self._port = None
            raise

    def _bind_unix(self) -> socket.socket:
        listener, self._listener = self._listener, None
        if listener is None:
            listener = bind_unix(self.socket_path)
            self._is_ours = True
        self._identity = _identity(self.socket_path)
        return listener

    def _run(self, running: _QuietServer, sockets: list[socket.socket]) -> None:
        self._running = running
        self._thread = threading.Thread(
            target=running.run_quietly, args=(sockets,), name="costd-http", daemon=True
        )
        self._thread.start()
        if not running.settled.wait(START_SECONDS) or running.failure is not None:
            cause = type(running.failure).__name__ if running.failure else "no answer"
            raise CostdError(
                f"the HTTP server did not start: {cause}", "Run costd doctor."
            ) from running.failure

    def ensure_socket(self) -> bool:
        """Touch the socket file, and make it again when a cleaner removed it.

        Cleaners of runtime directories remove what has not been touched for hours.
        Returns whether it was made again. To be called with each tick.

        Raises:
            AlreadyRunningError: another daemon has taken the path and answers there.
            ConfigError: the socket cannot be made again.
        """
        if self._running is None:
            return False
        if self._identity is not None and self._identity == _identity(self.socket_path):
            with contextlib.suppress(FileNotFoundError):
                os.utime(self.socket_path)
            return False
        self._running.listen_instead(self._bind_unix())
        return True

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Stop, whatever clients do; returns whether it has within ``seconds``.

        Requests at work get a second to finish. The socket file is removed, unless
        somebody else's is there now.
        """
        self._on_stop()
        self._remove_socket()
        running, thread = self._running, self._thread
        if running is None or thread is None:
            return True
        running.leave()
        thread.join(seconds)
        if thread.is_alive():
            return False
        self._running = self._thread = self._port = None
        return True

    def touch(self, act: Callable[[], None]) -> None:
        """Have the server's loop call ``act``, which tells that it runs."""
        loop = self._running.loop if self._running else None
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(act)

    def _remove_socket(self) -> None:
        if (
            self._is_ours
            and self._identity is not None
            and self._identity == _identity(self.socket_path)
        ):
            self.socket_path.unlink(missing_ok=True)
        self._identity = None


def _identity(path: Path) -> tuple[int, int] | None:
    """Which socket file is at ``path``; None when there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISSOCK(found.st_mode) else None


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        # Its messages may quote what a client sent; costd counts and reports itself.
        log_level=logging.CRITICAL,
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_REQUESTS,
        timeout_keep_alive=SILENT_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=LONGEST_HEAD,
    )


class _QuietServer(uvicorn.Server):
    """uvicorn's server, asleep while nobody asks: its own loop wakes ten times a second.

    The override of ``main_loop`` relies on ``startup``, ``main_loop`` and ``shutdown``
    being called in that order by ``serve``; a test counts the timers.
    """

    server_state: Census

    def __init__(
        self, config: uvicorn.Config, on_error: OnError, work: Work | None = None
    ) -> None:
        super().__init__(config)
        self.server_state = Census()
        self.settled = threading.Event()
        self.failure: BaseException | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._leaving = asyncio.Event()
        self._work = work
        self._on_error = on_error

    def run_quietly(self, sockets: list[socket.socket]) -> None:
        """The thread: serve until told to leave; a failure is kept for ``start``."""
        try:
            asyncio.run(self.serve(sockets))
        except BaseException as error:  # noqa: BLE001  uvicorn raises SystemExit here
            self.failure = error
            if self.settled.is_set():
                self._on_error("server", RuntimeError(type(error).__name__))
        finally:
            self.settled.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the service."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(self._report)
        await super().startup(sockets)
        self.settled.set()

    def _report(self, _loop: object, context: dict[str, object]) -> None:
        """A failure of one connection: it ends, the others go on."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self._on_error("connection", error)

    async def main_loop(self) -> None:
        """Sleep until told to leave."""
        self.server_state.default_headers = self.config.encoded_headers
        work = asyncio.ensure_future(self._work_beside())
        await self._leaving.wait()
        work.cancel()

    async def _work_beside(self) -> None:
        if self._work is None:
            return
        try:
            await self._work()
        except Exception as error:  # noqa: BLE001 - the server goes on without it
            self._on_error("work", error)

    def leave(self) -> None:
        """End ``main_loop``. From any thread."""
        if self.loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self.loop.call_soon_threadsafe(self._leaving.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End gracefully; then hang up on those who neither finish nor leave."""
        await super().shutdown(sockets)
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=0.1)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def listen_instead(self, listener: socket.socket) -> None:
        """Listen on a new Unix socket in place of the old one. From any thread."""
        if self.loop is None:
            raise RuntimeError("not started")
        asyncio.run_coroutine_threadsafe(
            self._listen_instead(listener), self.loop
        ).result(START_SECONDS)

    async def _listen_instead(self, listener: socket.socket) -> None:
        old = [s for s in self.servers if _is_unix(s)]
        loop = asyncio.get_running_loop()
        self.servers.append(
            await loop.create_server(self._connection, sock=listener, backlog=128)
        )
        for server in old:
            server.close()
            self.servers.remove(server)

    def _connection(self) -> Connection:
        return Connection(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )


def _is_unix(server: asyncio.AbstractServer) -> bool:
    listeners: tuple[socket.socket, ...] = getattr(server, "sockets", ())
    return any(listener.family == socket.AF_UNIX for listener in listeners)
