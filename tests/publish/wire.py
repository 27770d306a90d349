"""A client and an engine for the tests of the HTTP server: plain, small, real."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from costd.publish.loopback import Loopback
from costd.publish.server import Server

PATIENCE = 100.0

Surprises = list[tuple[str, Exception]]


class UnixConnection(http.client.HTTPConnection):
    """The standard library's client, over a Unix socket."""

    def __init__(self, path: Path, timeout: float = PATIENCE) -> None:
        super().__init__("costd", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = raw(self.path, self.timeout or PATIENCE)


def raw(path: Path, timeout: float = PATIENCE) -> socket.socket:
    """A bare connection."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    try:
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side hangs up."""
    received = b""
    while True:
        try:
            data = connection.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return received
        if not data:
            return received
        received += data


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def fetch(
    path: Path,
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """One request over a connection of its own."""
    with closing(UnixConnection(path)) as connection:
        return talk(connection, url, method=method, body=body, headers=headers)


def talk(
    connection: http.client.HTTPConnection,
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """One request over an open connection."""
    connection.request(method, url, body=body, headers=headers or {})
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, found, response.read())


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for what another thread or process brings about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@dataclass
class Engine:
    """Answers like the engine does: from another thread, with values or failures.

    A question without a prepared answer is answered with itself.
    """

    answers: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    open: list[Future[object]] = field(default_factory=list)

    def ask(self, question: str, params: dict[str, object]) -> Future[object]:
        self.asked.append((question, params))
        future: Future[object] = Future()
        threading.Thread(target=self._answer, args=(question, params, future)).start()
        return future

    def _answer(
        self, question: str, params: dict[str, object], future: Future[object]
    ) -> None:
        answer = self.answers.get(question, {"question": question, "params": params})
        if answer is ...:
            self.open.append(future)
        elif isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)


class Serve(Protocol):
    """The fixture `serve`."""

    def __call__(
        self,
        directory: Path,
        engine: Engine | None = None,
        *,
        loopback: Loopback | None = None,
        surprises: Surprises | None = None,
    ) -> Server: ...
