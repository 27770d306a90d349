"""One connection: who is there, and how long it may do nothing.

uvicorn's own HTTP/1.1 protocol, with what a local server needs on top: the peer's
user, an end for clients that connect and stay silent, send a head byte by byte, or
never read their answer.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from costd.publish.sockets import peer_uid

MOST_CONNECTIONS = 128
# For a head that does not come, and for a kept connection.
SILENT_SECONDS = 5
# For an answer of which nothing is taken: a pager stops reading for a while, too.
UNREAD_SECONDS = 30.0


class Census(ServerState):
    """uvicorn's state of the server, and who was not let in.

    Attributes:
        refused: connections of other users.
        crowded: connections over ``MOST_CONNECTIONS``.
        expired: connections that were silent for too long.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0
        self.crowded = 0
        self.expired = 0


class Connection(H11Protocol):
    """One connection to the socket or to the loopback port."""

    _admitted = False
    _silence: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    @property
    def census(self) -> Census:
        """The counters that all connections share."""
        return cast("Census", self.server_state)

    def connection_made(  # type: ignore[override]  # as in uvicorn's own class
        self, transport: asyncio.Transport
    ) -> None:
        """Let the client in, or hang up."""
        peer: socket.socket = transport.get_extra_info("socket")
        is_unix = peer.family == socket.AF_UNIX
        if is_unix and peer_uid(peer) != os.geteuid():
            self.census.refused += 1
            transport.abort()
        elif len(self.connections) >= MOST_CONNECTIONS:
            self.census.crowded += 1
            transport.abort()
        else:
            self._admitted = True
            super().connection_made(transport)
            # A copy of this reaches the application as scope["state"].
            self.app_state = {**self.app_state, "is_unix": is_unix}
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._hear()
        if self._unread is not None:
            self._unread.cancel()
        if self._admitted:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head has its time from its first byte on."""
        if not self._admitted or self.transport.is_closing():
            return
        super().data_received(data)
        if self.conn.our_state in (h11.SEND_RESPONSE, h11.SEND_BODY):
            self._hear()
        elif self._silence is None:
            self._expect_head()

    def _hear(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _expect_head(self) -> None:
        self._silence = self._after(SILENT_SECONDS, self._expire)

    def _expire(self) -> None:
        self._silence = None
        self.census.expired += 1
        self.transport.abort()

    def on_response_complete(self) -> None:
        """Keep the connection for the next request, while this answer is read."""
        super().on_response_complete()
        self._expect_reading()

    def pause_writing(self) -> None:
        """The client reads more slowly than the answer is written."""
        super().pause_writing()
        self._expect_reading()

    def _expect_reading(self) -> None:
        """End the connection when none of its answer is taken for a while."""
        left = self.transport.get_write_buffer_size()
        if left and self._unread is None:
            self._unread = self._after(UNREAD_SECONDS, self._check_reading, left)

    def _check_reading(self, left: int) -> None:
        self._unread = None
        if self.transport.get_write_buffer_size() < left:
            self._expect_reading()
        else:
            self.census.expired += 1
            self.transport.abort()

    def _after(
        self, seconds: float, act: Callable[..., None], *args: object
    ) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, act, *args)

    def shutdown(self) -> None:
        """The server stops: finish the answer, or hang up."""
        try:
            super().shutdown()
        except h11.LocalProtocolError:  # its last bytes were no HTTP
            self.transport.abort()
