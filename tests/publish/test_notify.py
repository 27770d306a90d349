"""What the service manager hears, at a real datagram socket."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from costd.publish.notify import notify, watchdog_seconds


@pytest.fixture
def manager(short_dir: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.settimeout(10)
        listener.bind(str(short_dir / "notify"))
        yield listener


def heard(manager: socket.socket) -> str:
    return manager.recv(4096).decode()


def test_the_life_of_a_service_in_order(manager: socket.socket) -> None:
    environ = {"NOTIFY_SOCKET": manager.getsockname()}
    assert notify("READY=1", "STATUS=watching 3 roots", environ=environ)
    assert notify("WATCHDOG=1", environ=environ)
    assert notify("STOPPING=1", environ=environ)
    assert [heard(manager) for _ in range(3)] == [
        "READY=1\nSTATUS=watching 3 roots",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are of Linux")
def test_an_abstract_socket_is_found(short_dir: Path) -> None:
    name = f"costd-{short_dir.name}"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.settimeout(10)
        listener.bind(f"\0{name}")
        assert notify("READY=1", environ={"NOTIFY_SOCKET": f"@{name}"})
        assert heard(listener) == "READY=1"


def test_a_status_cannot_smuggle_in_another_state(manager: socket.socket) -> None:
    environ = {"NOTIFY_SOCKET": manager.getsockname()}
    assert notify("STATUS=a\nMAINPID=1", "STATUS=\udcff", environ=environ)
    assert heard(manager) == "STATUS=a MAINPID=1\nSTATUS=\\udcff"


@pytest.mark.parametrize(
    "address",
    ["", "/nowhere/notify", "/" + "x" * 200, "vsock:2:1234", "relative", "@"],
)
def test_without_a_manager_nothing_happens(address: str) -> None:
    assert not notify("READY=1", environ={"NOTIFY_SOCKET": address})
    assert not notify("READY=1", environ={})


def test_a_manager_that_does_not_listen_is_not_waited_for(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costd.publish.notify._PATIENCE_SECONDS", 0.05)
    # Its queue is full long before this; the daemon must come back each time.
    environ = {"NOTIFY_SOCKET": manager.getsockname()}
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as crowd:
        crowd.setblocking(False)
        with suppress(BlockingIOError):
            while crowd.sendto(b"x", manager.getsockname()):
                pass
    assert not notify("WATCHDOG=1", environ=environ)


def test_the_environment_of_the_process_is_the_default(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    assert notify("READY=1")
    assert watchdog_seconds() == 10.0


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_wants_a_sign_twice_per_interval(
    environ: dict[str, str], seconds: float | None
) -> None:
    assert watchdog_seconds(environ) == seconds
