"""A word to the service manager: systemd's notification protocol, and no more.

The protocol is one datagram of ``NAME=value`` lines to the socket that the service
manager names in ``NOTIFY_SOCKET`` (sd_notify(3)).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

# The manager's queue is full or it is gone: the daemon must not wait for it.
_PATIENCE_SECONDS = 1.0


def notify(*states: str, environ: Mapping[str, str] | None = None) -> bool:
    """Send states such as ``READY=1`` and ``STATUS=importing 12 %``, in one message.

    Returns:
        Whether a manager got it. False without a manager and on any failure: a
        daemon runs on without one (a hardened unit may hide the socket).
    """
    address = (os.environ if environ is None else environ).get("NOTIFY_SOCKET", "")
    if not states or not address.startswith(("/", "@")):
        return False
    # A line break inside a state would be the beginning of another one.
    message = "\n".join(" ".join(state.split("\n")) for state in states)
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(_PATIENCE_SECONDS)
            manager.sendto(message.encode("utf-8", "backslashreplace"), address)
    except OSError:
        return False
    return True


def watchdog_seconds(environ: Mapping[str, str] | None = None) -> float | None:
    """How often to send ``WATCHDOG=1``: half of what the manager allows.

    Returns:
        None where no manager watches this process.
    """
    variables = os.environ if environ is None else environ
    if variables.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        allowed = int(variables.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return allowed / 2 / 1_000_000 if allowed > 0 else None
