"""`costd open` with a real daemon: the way in, told and used once."""

from __future__ import annotations

import http.client
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import places
from e2e.daemons import Env, RealDaemon, environment, free_port


def costd(env: Env, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "costd", *words],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def env(private_home: Path) -> Iterator[Env]:
    with places.short_dir() as top:
        found = environment(top)
        found["COSTD_CONFIG"] = str(top / "config.toml")
        yield found


def configure(env: Env, text: str) -> None:
    path = Path(env["COSTD_CONFIG"])
    path.write_text(text)
    path.chmod(0o600)


@pytest.fixture
def daemon(env: Env) -> Iterator[RealDaemon]:
    made = RealDaemon(env)
    yield made
    made.kill()


def test_the_address_opens_the_page_once(env: Env, daemon: RealDaemon) -> None:
    configure(env, f"[http]\nenabled = true\nport = {free_port()}\n")
    daemon.start()
    said = json.loads(costd(env, "open", "--json").stdout)
    assert said["seconds"] == 60
    place = urlsplit(said["url"])
    with closing(http.client.HTTPConnection(str(place.netloc), timeout=60)) as client:
        client.request("GET", f"{place.path}?{place.query}")
        reply = client.getresponse()
        reply.read()
        cookie = str(reply.getheader("set-cookie")).partition(";")[0]
        assert reply.status == 303
        client.request("GET", "/", headers={"cookie": cookie})
        page = client.getresponse()
        assert b"<h1>Overview</h1>" in page.read()
        client.request("GET", f"{place.path}?{place.query}")
        assert client.getresponse().status == 401
    token = Path(env["COSTD_STATE_DIR"], "http.token")
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text().strip() not in json.dumps(said)


def test_a_browser_is_opened_where_there_is_one(
    env: Env, daemon: RealDaemon, tmp_path: Path
) -> None:
    configure(env, f"[http]\nenabled = true\nport = {free_port()}\n")
    daemon.start()
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    done = costd({**env, "BROWSER": str(browser)}, "open")
    assert done.returncode == 0
    assert (tmp_path / "opened").read_text().startswith("http://127.0.0.1:")
    assert "ticket" not in done.stdout + done.stderr
    silent = {**env, "BROWSER": "/nowhere", "PATH": os.environ["PATH"]}
    assert "ticket=" in costd(silent, "open").stdout  # then a person must


def test_without_a_page_it_says_how_to_have_one(env: Env, daemon: RealDaemon) -> None:
    configure(env, "")
    none = costd(env, "open")
    assert none.returncode == 3
    assert "costd run" in none.stderr
    daemon.start()
    off = costd(env, "open")
    assert off.returncode == 1
    assert "costd config set http.enabled true" in off.stderr
