"""Alerts of a real daemon, to a real server: each change once, whatever is killed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.daemons import until
from faults.homes import CONFIG, Home
from faults.test_ledger_care import OWN_DISK, fill, private_mount, seen_from
from loglines import Line
from receiver import Receiver, receiving


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def listen(home: Home, server: Receiver) -> None:
    home.config.write_text(
        f"{CONFIG}[webhook]\n"
        f'url = "http://127.0.0.1:{server.port}/T0/pathsecret"\n'
        'secret = "s3cret"\nallow_private = true\n'
    )


def told(server: Receiver) -> list[tuple[str, str]]:
    """Event and state of each message, those that were sent again once."""
    found: dict[str, tuple[str, str]] = {}
    for headers, body in list(server.got):
        said = json.loads(body)
        assert headers["x-costd-event"] == said["event"]
        found[headers["x-costd-delivery"]] = (said["event"], said["alert"]["state"])
    return list(found.values())


def keys(server: Receiver) -> list[str]:
    return [headers["x-costd-delivery"] for headers, _ in list(server.got)]


def test_data_that_stops_is_told_once_through_kills(
    home: Home, server: Receiver
) -> None:
    listen(home, server)
    server.statuses = [503]  # not now
    home.respond(1)
    home.start()
    home.until_counted(1)
    blocked = home.top / "output" / "costs-summary.json"
    until(blocked.exists, "the summary files")
    blocked.unlink()
    blocked.mkdir()  # what cannot be replaced
    home.respond(2)
    until(lambda: len(server.got) >= 1, "the first try")
    home.kill()
    home.start()
    until(lambda: len(server.got) >= 2, "the second try")
    headers, body = server.got[0]
    assert len(set(keys(server))) == 1
    assert "x-costd-run-id" not in headers
    at, _, digest = headers["x-costd-signature"].removeprefix("t=").partition(",v1=")
    signed = f"{at}.".encode() + body
    assert digest == hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert json.loads(body)["alert"]["subjects"] == ["publish"]
    assert str(home.top).encode() not in body
    until(lambda: "webhook" not in home.problems(), "word that it was taken")
    home.kill()
    home.start()
    until(lambda: "publish" in home.problems(), "the same problem")
    blocked.rmdir()
    until(lambda: len(server.got) >= 3, "the end of it")
    assert told(server) == [("data_stopped", "began"), ("data_flows", "over")]


def test_a_model_without_a_price_is_told(home: Home, server: Receiver) -> None:
    listen(home, server)
    home.append(Line(1, model="made-up-model").text())
    home.start()
    until(lambda: server.got, "the alert")
    _, body = server.got[0]
    said = json.loads(body)
    assert (said["event"], said["alert"]["subjects"]) == (
        "unpriced_models",
        ["made-up-model"],
    )
    overrides = '[prices.overrides]\n"made-up-model" = { input = 1, output = 2 }\n'
    home.config.write_text(home.config.read_text() + overrides)
    assert home.run("config", "reload").returncode == 0
    assert home.run("reprice").returncode == 0
    until(lambda: len(server.got) >= 2, "the end of it")
    assert told(server)[1:] == [("unpriced_models", "over")]


def test_57_a_full_disk_is_told_though_nothing_can_be_written(
    home: Home, server: Receiver
) -> None:
    state = home.top / "state"
    state.mkdir(mode=0o700)
    listen(home, server)
    home.respond(1)
    home.start(*private_mount(OWN_DISK), wait="no")
    home.until_counted(1)
    until(lambda: told(server) == [("disk_low", "began")], "what is told of 6 MiB")
    inside = seen_from(home, state)
    fill(inside / "filler")
    home.respond(*range(2, 3_000))
    until(lambda: ("data_stopped", "began") in told(server), "the alert")
    assert "disk_full" in home.problems()
    (inside / "filler").unlink()
    home.until_counted(2_999)
    until(lambda: ("data_flows", "over") in told(server), "the end of it")
    assert len(keys(server)) == len(set(keys(server))) == 3


def test_a_ledger_that_was_mended_is_told(home: Home, server: Receiver) -> None:
    listen(home, server)
    home.respond(*range(1, 50))
    home.start()
    home.until_counted(49)
    home.kill()
    ledger = Path(home.top, "state", "ledger.db")
    ledger.write_bytes(b"rubbish" * 1000)
    for suffix in ("-wal", "-shm"):
        ledger.with_name(ledger.name + suffix).unlink(missing_ok=True)
    home.start()
    home.until_counted(49)
    until(lambda: ("ledger_recovered", "began") in told(server), "the alert")
    assert len(keys(server)) == len(set(keys(server)))
