"""Tell costd who works on what, and ask what it cost: the client for orchestrators.

    from costd import client

    client.link(session=session_id, issue="MIN-123", role="review")
    client.event("gate_result", task_id="MIN-123", gate_name="tests", passed=True)
    client.cost("MIN-123")["totalCost"]

It needs the standard library and nothing else of costd: copy the file to where your
agents are started. ``link`` and ``event`` take a moment at most and raise nothing: with
no daemon the message waits in the spool, and is taken in exactly once when there is one.
"""

from __future__ import annotations

import json
import os
import sys
import time

SECONDS = 0.03
"""How long ``link`` and ``event`` wait for the daemon before they use the spool."""

PATHS = {"link": "/api/claims", "unlink": "/api/unlink", "hook": "/api/hook"}
PATHS |= {"run": "/api/runs", "events": "/api/events"}


class RefusedError(ValueError):
    """The daemon understood and said no: asking again would not help."""


def link(*, issue: str, seconds: float = SECONDS, **said: str | int | None) -> str:
    """Say whose the work is that a selector names.

    Args:
        issue: ``MIN-123``, ``owner/name#45`` or ``none:<bucket>``.
        seconds: how long to wait for the daemon.
        said: one of ``session`` (which need not exist yet), ``agent``, ``pid``,
            ``branch`` and ``cwd``; ``role``: ``planning``, ``review``, ``test``, …;
            ``since`` and ``until``, RFC 3339, without which it holds for ever; a
            ``key``, where the same message may be sent twice and must count once.

    Returns:
        ``done``, ``spooled``, or what went wrong. Nothing is raised.
    """
    claim = {"from" if k == "since" else k: v for k, v in said.items() if v is not None}
    return tell("link", {**claim, "issue": issue}, seconds)


def event(kind: str, /, *, seconds: float = SECONDS, **said: object) -> str:
    """Say that something happened: ``task_start``, ``gate_result``, ``execution``, ….

    Args:
        kind: its type.
        seconds: how long to wait for the daemon.
        said: what the type needs, and whatever else is known; None says nothing.

    Returns:
        ``done``, ``spooled``, or what went wrong. Nothing is raised.
    """
    one = {k: v for k, v in {**said, "type": kind}.items() if v is not None}
    return tell("events", {"events": [stamped(one)]}, seconds)


def cost(issue: str, seconds: float = 5.0) -> dict[str, object]:
    """What an issue has cost so far: total, sessions, models, tokens.

    Raises:
        OSError: no daemon answers.
        RefusedError: it does not know the issue.
    """
    from urllib.parse import quote  # noqa: PLC0415 - nothing else here needs it

    return ask("GET", f"/api/issues/{quote(issue, '')}/costs", None, seconds)


def stamped(said: dict[str, object]) -> dict[str, object]:
    """The event with an id and a time, so that it is the same one when sent twice.

    One that has a time of its own is known again by what it says.
    """
    if said.get("timestamp") is not None:
        return said
    return {"event_id": os.urandom(16).hex(), **said, "timestamp": moment()}


def tell(
    question: str,
    params: dict[str, object],
    seconds: float = SECONDS,
    *,
    keep: bool = True,
) -> str:
    """Tell the daemon, or else the spool; the key makes sure that it counts once.

    Args:
        question: one of ``PATHS``.
        params: what that question takes.
        seconds: how long to wait for the daemon.
        keep: whether the message goes into the spool when no daemon takes it.

    Returns:
        ``done``, ``spooled``, or what went wrong. Nothing is raised.
    """
    try:
        params = {"key": os.urandom(16).hex(), **params}
        try:
            answer = ask("POST", PATHS[question], params.get("events", params), seconds)
        except Exception as error:
            if isinstance(error, RefusedError) or not keep:
                raise
            spool(question, params)
            return "spooled"
        if isinstance(rejected := answer.get("rejected"), list) and rejected:
            return f"refused: {rejected[0]['message']}"
    except Exception as error:  # noqa: BLE001 - no agent may fail over its costs
        return f"{type(error).__name__}: {error}"
    return "done"


def ask(method: str, path: str, params: object, seconds: float) -> dict[str, object]:
    """Ask the daemon over its socket.

    Raises:
        OSError: no daemon answers, or not in time.
        RefusedError: the answer is an error.
    """
    # The module below ``socket``: a hook would wait longer for that than for the daemon.
    from _socket import AF_UNIX, socket  # noqa: PLC0415 - only where it is needed

    with open(f"{state_dir()}/daemon.json", "rb") as file:  # noqa: PTH123 - pathlib is slow to load
        address = json.load(file)["socket"]
    body = b"" if params is None else json.dumps(params).encode()
    head = f"{method} {path} HTTP/1.1\r\nhost: costd\r\nconnection: close\r\n"
    connection = socket(AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(address)
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        data = b"".join(iter(lambda: connection.recv(65536), b""))
    finally:
        connection.close()
    head, _, text = data.decode().partition("\r\n\r\n")
    try:
        status, answer = int(head.split(" ", 2)[1]), {**json.loads(text)}
    except (ValueError, IndexError, TypeError):
        raise ConnectionError("what answers is not costd") from None
    if status >= 500 or status == 408:  # noqa: PLR2004 - HTTP's: not now
        raise ConnectionError(f"costd cannot: {answer.get('error')}")
    if status >= 400:  # noqa: PLR2004 - HTTP's: not like this
        raise RefusedError(f"{answer.get('error')} {answer.get('fix') or ''}".strip())
    return answer


def spool(question: str, params: dict[str, object]) -> None:
    """Leave a message for the daemon: a file that appears whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    folder, at = f"{state_dir()}/spool", _nanoseconds()
    # Read in the order of their names: what one process says stays in its order.
    name = f"{at:019d}-{os.getpid()}-{os.urandom(4).hex()}"
    message = {"question": question, "params": params, "at": at // 1_000_000}
    for place in (state_dir(), folder):  # each by itself: the mode is for the last part
        os.makedirs(place, 0o700, exist_ok=True)  # noqa: PTH103 - pathlib is slow to load
    with open(f"{folder}/.{name}", "x", encoding="utf-8", opener=private) as file:
        file.write(json.dumps(message) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{folder}/.{name}", f"{folder}/{name}.json")  # noqa: PTH104 - as said above


def moment() -> str:
    """Now, in RFC 3339, as ``since`` and ``until`` take it."""
    seconds, ms = divmod(_nanoseconds() // 1_000_000, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{ms:03d}Z"


def _nanoseconds() -> int:
    return time.time_ns()  # noqa: TID251 - it stands alone: nobody lends it a clock


def private(path: str, flags: int) -> int:
    """Open a new file for its owner alone."""
    return os.open(path, flags, 0o600)


def state_dir() -> str:
    """Where costd keeps its state; raises as ``directory``."""
    return directory("state_dir", "XDG_STATE_HOME", "~/.local/state")


def directory(key: str, variable: str, place: str) -> str:
    """One of costd's directories: environment, then configuration, then platform.

    Args:
        key: its name in ``[paths]``; in capitals after ``COSTD_`` it is a variable.
        variable: of the platform's, which names its parent.
        place: that parent where the variable is not set.

    Raises:
        OSError: the configuration cannot be read.
        ValueError: it makes no sense.
    """
    environ, full = os.environ, os.path.expanduser
    if said := environ.get(f"COSTD_{key.upper()}"):
        return full(said)
    mac = "~/Library/Application Support" if sys.platform == "darwin" else ""
    config, usual = (
        f"{given if given.startswith('/') else full(mac or other)}/costd"
        for given, other in (
            (environ.get("XDG_CONFIG_HOME", ""), "~/.config"),
            (environ.get(variable, ""), place),
        )
    )
    file = full(environ.get("COSTD_CONFIG") or f"{config}/config.toml")
    if not os.path.exists(file):  # noqa: PTH110 - as said above
        return usual
    with open(file, encoding="utf-8") as opened:  # noqa: PTH123 - as said above
        text = opened.read()
    if key not in text:
        return usual
    import tomllib  # noqa: PLC0415 - only those who have moved it pay for it

    return full(tomllib.loads(text).get("paths", {}).get(key) or usual)
