"""HTTP/1.1 over the daemon's Unix socket: the one client there is.

By hand, on the interpreter's own ``_socket``: a script that asks for the status waits
for every import, and ``http.client`` alone costs four times what the answer takes.
"""

from __future__ import annotations

import _socket
import time

from costd import __version__
from costd.cli.output import warn
from costd.core.errors import BusyError, CostdError, NoDaemonError

CONNECT_SECONDS = 5.0
# The daemon itself gives up on its engine after 60.
READ_SECONDS = 65.0

PROTOCOL = b"1"
"""As ``publish.replies`` has it; a test compares the two."""

_RETRY_SECONDS = 0.01
_CHUNK = 1 << 16
_MOST_HEAD = 1 << 16
_OK = 200
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_AT_ONCE = b"%s %s HTTP/1.1\r\nhost: costd\r\ncontent-length: %d\r\n\r\n%s"


class Connection:
    """One connection to a daemon; ``connect`` makes it."""

    def __init__(self, raw: _socket.socket, path: str) -> None:
        self._raw = raw
        self._path = path
        self._told = False

    def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        seconds: float | None = READ_SECONDS,
    ) -> bytes:
        """The body of the answer, JSON as the daemon wrote it.

        Args:
            method: ``GET`` or ``POST``.
            target: path and query, already quoted.
            body: JSON for a ``POST``.
            seconds: how long to wait for each part of the answer; None for ever.

        Raises:
            CostdError: what the daemon says went wrong, with its exit code.
            NoDaemonError: it went away, is stuck, or is not costd.
        """
        self._raw.settimeout(seconds)
        request = _AT_ONCE % (method.encode(), target.encode(), len(body), body)
        try:
            self._raw.sendall(request)
            status, headers, answer = self._receive()
        except TimeoutError:
            raise BusyError(
                f"the daemon did not answer within {seconds:.0f} seconds",
                "Ask again, or look what it does: costd doctor",
            ) from None
        except OSError as error:
            raise NoDaemonError(
                f"the daemon went away while it answered ({error.strerror})",
                "Ask again; costd answers by itself when no daemon runs.",
            ) from None
        self._compare_version(headers)
        if status != _OK:
            raise _failure(status, answer)
        return answer

    def close(self) -> None:
        """Hang up."""
        self._raw.close()

    def _receive(self) -> tuple[int, dict[bytes, bytes], bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
            if len(data) > _MOST_HEAD:
                raise _not_costd(self._path)
        head, _, body = data.partition(b"\r\n\r\n")
        status, headers = _read_head(head, self._path)
        parts, missing = [body], int(headers[b"content-length"]) - len(body)
        while missing > 0:
            parts.append(self._more())
            missing -= len(parts[-1])
        return status, headers, b"".join(parts)

    def _more(self) -> bytes:
        data = self._raw.recv(_CHUNK)
        if not data:
            raise ConnectionResetError(0, "it hung up")
        return data

    def _compare_version(self, headers: dict[bytes, bytes]) -> None:
        """Say so, once, where daemon and command are not the same; it goes on."""
        version = headers.get(b"costd-version", b"").decode("ascii", "replace")
        if not version or version == __version__ or self._told:
            return
        self._told = True
        spoken = headers.get(b"costd-protocol", PROTOCOL)
        doubt = "" if spoken == PROTOCOL else ": it may be understood wrongly"
        warn(
            f"costd: the daemon is version {version[:40]}, this command is"
            f" {__version__}{doubt}",
            "Restart the daemon, so that both are the same: costd service restart",
        )


def connect(path: str) -> Connection | None:
    """A connection to the daemon at ``path``; None when nobody listens there.

    Raises:
        BusyError: somebody does, but takes no more clients.
    """
    raw = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    raw.settimeout(CONNECT_SECONDS)
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            raw.connect(path)
        except (BlockingIOError, TimeoutError):
            # A queue that is full does not wait: it refuses at once.
            if time.monotonic() > deadline:
                raw.close()
                raise BusyError(
                    f"the daemon takes no clients on {path}",
                    "Ask again, or restart it.",
                ) from None
            time.sleep(_RETRY_SECONDS)
        except OSError:  # no such file, nobody listens, too long, not ours
            raw.close()
            return None
        else:
            return Connection(raw, path)


def quote(text: str, keep: str = "") -> str:
    """``text`` as part of a URL; ``keep`` names what stays besides the unreserved."""
    kept = _UNRESERVED + keep.encode()
    return "".join(
        chr(byte) if byte in kept else f"%{byte:02X}"
        for byte in text.encode("utf-8", "surrogateescape")
    )


def query(path: str, pairs: list[tuple[str, str]]) -> str:
    """``path`` with ``pairs`` as its query string."""
    if not pairs:
        return path
    joined = "&".join(f"{quote(name)}={quote(value, ',:/')}" for name, value in pairs)
    return f"{path}?{joined}"


def _read_head(head: bytes, path: str) -> tuple[int, dict[bytes, bytes]]:
    first, *lines = head.split(b"\r\n")
    words = first.split(b" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    if (
        len(words) < 2  # noqa: PLR2004 - the protocol and the status
        or not words[0].startswith(b"HTTP/1.")
        or not words[1].isdigit()
        or not headers.get(b"content-length", b"").isdigit()
    ):
        raise _not_costd(path)
    return int(words[1]), headers


def _not_costd(path: str) -> NoDaemonError:
    return NoDaemonError(
        f"what answers on {path} is not costd",
        "Stop it, or set another runtime_dir in [paths].",
    )


def _failure(status: int, answer: bytes) -> CostdError:
    """The error that the daemon sent, with its exit code."""
    import json  # noqa: PLC0415 - only an error pays for it

    try:
        found = json.loads(answer)
        error = CostdError(str(found["error"]), str(found.get("fix") or ""))
        error.exit_code = int(found["code"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return CostdError(
            f"the daemon answered with HTTP status {status}",
            "Look at its log, or restart it.",
        )
    return error
