"""A stream that tells at once, says that it lives, and never lies about a problem."""

from __future__ import annotations

import http.client
from contextlib import closing
from pathlib import Path

import pytest

from costd.core.errors import LedgerBusyError
from costd.publish.live import MOST_WATCHES, Live
from publish.wire import Engine, Surprises, UnixConnection, fetch, wait_until


def test_live_sends_the_status_now_and_when_it_has_changed(
    sock: Path, engine: Engine, live: Live
) -> None:
    engine.answers["status"] = {"generated_at": "1", "cost_usd": 1}
    with closing(UnixConnection(sock)) as connection:
        connection.request("GET", "/api/live")
        stream = connection.getresponse()
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.readline() == b"event: status\n"
        assert stream.readline() == b'data: {"generated_at":"1","cost_usd":1}\n'
        assert stream.readline() == b"\n"
        # Only its clock has moved: nothing to say but that the stream is alive.
        engine.answers["status"] = {"generated_at": "2", "cost_usd": 1}
        live.changed()
        assert stream.readline() == b": still here\n"
        assert stream.readline() == b"\n"
        engine.answers["status"] = {"generated_at": "3", "cost_usd": 2}
        live.changed()
        while (line := stream.readline()) in (b": still here\n", b"\n"):
            pass
        assert line == b"event: status\n"
        assert stream.readline() == b'data: {"generated_at":"3","cost_usd":2}\n'


def test_live_tells_of_a_problem_and_goes_on(
    sock: Path, engine: Engine, live: Live
) -> None:
    engine.answers["status"] = LedgerBusyError("disk full", "free some space")
    with closing(UnixConnection(sock)) as connection:
        connection.request("GET", "/api/live")
        stream = connection.getresponse()
        assert stream.readline() == b"event: problem\n"
        assert b"disk full" in stream.readline()
        engine.answers["status"] = {"ok": 1}
        live.changed()
        while (line := stream.readline()) in (b": still here\n", b"\n"):
            pass
        assert line == b"event: status\n"


def test_live_streams_are_counted_and_given_back(sock: Path, live: Live) -> None:
    wait_until(lambda: not live._watches)  # those of other tests
    streams = [UnixConnection(sock) for _ in range(MOST_WATCHES)]
    for connection in streams:
        connection.request("GET", "/api/live")
        assert connection.getresponse().readline() == b"event: status\n"
    assert fetch(sock, "/api/live").status == 503
    for connection in streams:
        connection.close()
    wait_until(lambda: not live._watches)
    with closing(UnixConnection(sock)) as connection:
        connection.request("GET", "/api/live")
        assert connection.getresponse().status == 200


def test_a_surprise_ends_the_stream_and_shows_nothing(
    sock: Path,
    engine: Engine,
    live: Live,
    surprises: Surprises,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine.answers["status"] = {"ok": 1}
    with closing(UnixConnection(sock)) as connection:
        connection.request("GET", "/api/live")
        stream = connection.getresponse()
        assert stream.readline() == b"event: status\n"
        engine.answers["status"] = ValueError("text of a transcript")
        live.changed()
        with pytest.raises(http.client.IncompleteRead) as caught:
            stream.read()
    assert b"transcript" not in caught.value.partial
    assert type(surprises.pop()[1]) is ValueError
    assert caplog.records == []
