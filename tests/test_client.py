"""The orchestrators' client: alone, quick, and never a reason for an agent to fail."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import places
from costd import client
from costd.config import load_config
from patient import patient


class Server:
    """Somebody on a socket who says the same to everyone, or nothing at all."""

    def __init__(self, path: Path) -> None:
        self.reply: bytes | None = b""
        self.requests: list[bytes] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def answer(self, value: object, status: int = 200) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.reply = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (
            status,
            len(body),
        )
        self.reply += body

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for connection in self._open:
            connection.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.requests.append(connection.recv(1 << 16))
                if self.reply is None:
                    self._open.append(connection)  # it hangs for as long as we live
                    continue
                connection.sendall(self.reply)
                connection.close()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COSTD_STATE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def server(state: Path) -> Iterator[Server]:
    with places.short_dir() as folder:
        running = Server(folder / "s")
        running.answer({"claim": 1})
        announce(state, str(folder / "s"))
        yield running
        running.close()


def announce(state: Path, address: object) -> None:
    (state / "daemon.json").write_text(json.dumps({"socket": address, "pid": 1}))


def spooled(state: Path) -> list[dict[str, object]]:
    found = sorted((state / "spool").glob("*")) if (state / "spool").exists() else []
    return [json.loads(path.read_text()) for path in found]


@pytest.fixture
def answering(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The same, and whoever asks waits until it has answered."""
    patient(monkeypatch)
    return server


def test_a_link_reaches_the_daemon(answering: Server, state: Path) -> None:
    assert client.link(session="s-1", issue="MIN-1", role="review", key="k") == "done"
    head, _, body = answering.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/claims HTTP/1.1\r\n")
    assert json.loads(body) == {
        "session": "s-1",
        "issue": "MIN-1",
        "role": "review",
        "key": "k",
    }
    assert spooled(state) == []


def test_times_keep_the_names_that_the_daemon_knows(answering: Server) -> None:
    client.link(pid=7, issue="MIN-1", since="2026-11-01T00:00:00Z", until=None)
    body = json.loads(answering.requests[0].partition(b"\r\n\r\n")[2])
    assert body.pop("key")
    assert body == {"pid": 7, "issue": "MIN-1", "from": "2026-11-01T00:00:00Z"}


def test_each_message_has_a_key_of_its_own(state: Path) -> None:
    for _ in range(20):
        assert client.link(session="s", issue="MIN-1") == "spooled"
    keys = {message["params"]["key"] for message in spooled(state)}  # type: ignore[index]  # parsed JSON
    assert len(keys) == 20


def test_the_costs_of_an_issue(answering: Server) -> None:
    answering.answer({"totalCost": 1.5})
    assert client.cost("owner/na me#45") == {"totalCost": 1.5}
    assert answering.requests[0].startswith(
        b"GET /api/issues/owner%2Fna%20me%2345/costs HTTP/1.1\r\n"
    )


def test_a_refusal_is_told_and_not_spooled(answering: Server, state: Path) -> None:
    answering.answer({"error": "It is empty.", "fix": "Give an id."}, 400)
    assert (
        client.link(session="s", issue="") == "RefusedError: It is empty. Give an id."
    )
    assert spooled(state) == []
    with pytest.raises(client.RefusedError, match="It is empty"):
        client.cost("")


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ({"error": "The disk is full.", "fix": "", "code": 1}, 503),
        ({"error": "internal error", "fix": "", "code": 1}, 500),
        ({"error": "Send the body in one go.", "fix": ""}, 408),
        (b"no JSON", 200),
        (b"[]\n", 200),
        (b"17", 404),
    ],
)
def test_a_daemon_that_cannot_leaves_it_to_the_spool(
    server: Server, state: Path, reply: object, status: int
) -> None:
    server.answer(reply, status)
    assert client.link(session="s", issue="MIN-1", key="k") == "spooled"
    (message,) = spooled(state)
    assert message["question"] == "link"
    assert message["params"] == {"session": "s", "issue": "MIN-1", "key": "k"}
    with pytest.raises(OSError, match="costd"):
        client.cost("MIN-1")


@pytest.mark.parametrize("reply", [b"", b"SSH-2.0\r\n", b"\xff\xfe", None])
def test_whoever_else_answers_is_no_daemon(
    server: Server, state: Path, reply: bytes | None
) -> None:
    server.reply = reply
    assert client.link(session="s", issue="MIN-1") == "spooled"
    assert len(spooled(state)) == 1
    with pytest.raises((OSError, ValueError)):
        client.cost("MIN-1", seconds=0.05)


@pytest.mark.parametrize(
    "about", [None, b"", b"{}", b"[]", b'{"socket": 7}', b'{"socket": "/nowhere"}']
)
def test_without_a_daemon_it_is_spooled(state: Path, about: bytes | None) -> None:
    if about is not None:
        (state / "daemon.json").write_bytes(about)
    assert client.link(session="s", issue="MIN-1") == "spooled"
    assert len(spooled(state)) == 1


def test_nothing_is_raised_whatever_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COSTD_STATE_DIR", str(tmp_path / "file"))
    assert client.link(session="s", issue="MIN-1").startswith("FileExistsError")
    monkeypatch.setenv("COSTD_STATE_DIR", str(tmp_path))
    unfit: object = {1}
    assert "TypeError" in client.link(session=unfit, issue="MIN-1")  # type: ignore[arg-type]  # on purpose
    assert client.tell("nonsense", {}, keep=False) == "KeyError: 'nonsense'"
    assert list(tmp_path.glob("spool/*.json")) == []


def test_what_is_not_worth_keeping_is_not_kept(state: Path) -> None:
    assert "FileNotFoundError" in client.tell("hook", {}, keep=False)
    assert spooled(state) == []


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


CONFIGS = [
    None,
    "",
    "[engine]\ntick_seconds = 5\n",
    '[paths]\nstate_dir = "/elsewhere"\n',
    '[paths]\nstate_dir = "~/state"\n',
]


@pytest.mark.parametrize("text", CONFIGS)
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"COSTD_STATE_DIR": "/by-variable"},
        {"COSTD_STATE_DIR": "~/by-variable"},
        {"COSTD_STATE_DIR": ""},
        {"XDG_STATE_HOME": "relative"},
        {"XDG_STATE_HOME": "/xdg/state"},
        {"XDG_CONFIG_HOME": "xdg"},
        {"COSTD_CONFIG": "named.toml"},
    ],
)
def test_the_state_directory_is_the_daemons(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str | None,
    variables: dict[str, str],
) -> None:
    folder = home / variables.get("XDG_CONFIG_HOME", ".config")
    place = folder / "costd/config.toml"
    if "COSTD_CONFIG" in variables:
        place, text = home / variables["COSTD_CONFIG"], text or ""
    for name, value in variables.items():
        is_ours = name in ("XDG_CONFIG_HOME", "COSTD_CONFIG")
        monkeypatch.setenv(name, str(home / value) if is_ours else value)
    if text is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o600)
    expected = load_config(None, os.environ, home).paths.state_dir
    assert client.state_dir() == str(expected)


def test_a_broken_configuration_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "broken.toml").write_text("[paths\nstate_dir = 1")
    monkeypatch.setenv("COSTD_CONFIG", str(home / "broken.toml"))
    assert client.link(session="s", issue="MIN-1").startswith("TOMLDecodeError")


def test_one_file_is_all_one_needs(tmp_path: Path) -> None:
    shutil.copy(client.__file__, tmp_path / "alone.py")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import alone;"
        "print(alone.link(session='s', issue='MIN-1'));"
        "print([m for m in sys.modules if m.partition('.')[0] not in"
        " sys.stdlib_module_names | {'alone', '__main__'}])"
    )
    env = {"COSTD_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "spooled\n[]\n"
    assert len(spooled(tmp_path)) == 1
