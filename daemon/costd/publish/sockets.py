"""Sockets of this machine: bound where asked, for this user, and for nobody else."""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

from costd.core.errors import AlreadyRunningError, ConfigError, CostdError

# sun_path of sockaddr_un holds 108 bytes on Linux and 104 elsewhere, NUL included.
LONGEST_PATH = 107 if sys.platform == "linux" else 103
LOOPBACK = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}

_BACKLOG = 128
_HANDED_OVER = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
_FIRST_DESCRIPTOR = 3
_PROBE_SECONDS = 1.0
_SHORTER = "Set runtime_dir in [paths], or COSTD_RUNTIME_DIR, to a shorter directory."


def bind_unix(path: Path) -> socket.socket:
    """A listening socket at ``path``, for this user only.

    Its directory is made (0700) when missing. A socket that nobody answers on any
    more is replaced.

    Raises:
        AlreadyRunningError: somebody answers there.
        ConfigError: the path cannot be used.
    """
    _check_path(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_directory(path.parent)
        _clear(path)
        return _bind(path)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise ConfigError(
            f"cannot make the socket {path}: {reason}",
            "Set runtime_dir in [paths] to a directory that is yours.",
        ) from None


def _bind(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # On Linux the mode of the file comes from the mode of the socket, so it is
        # never wider, not even for a moment. A umask would do that too, but it
        # belongs to the whole process: other threads make files meanwhile.
        with suppress(OSError):
            os.fchmod(listener.fileno(), 0o600)
        listener.bind(os.fspath(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _check_path(path: Path) -> None:
    length = len(os.fsencode(path))
    if length > LONGEST_PATH:
        raise ConfigError(
            f"the socket's path has {length} bytes, this system allows {LONGEST_PATH}",
            _SHORTER,
        )


def _check_directory(directory: Path) -> None:
    found = directory.stat()
    sticky = found.st_mode & stat.S_ISVTX
    if found.st_uid not in (os.geteuid(), 0) or (found.st_mode & 0o022 and not sticky):
        raise ConfigError(
            f"others could replace the socket in {directory}",
            f"chmod 700 {directory}, or set runtime_dir in [paths].",
        )


def _clear(path: Path) -> None:
    """Remove the socket of a daemon that was killed; never anything else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"{path} is not a socket", "Move it away.")
    if is_live(path):
        raise AlreadyRunningError(
            f"another costd answers on {path}", "Use it, or stop it first."
        )
    path.unlink(missing_ok=True)


def is_live(path: Path | str) -> bool:
    """Whether somebody listens on a socket: anything but a refusal means yes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # a full queue, or a socket of another user
            return True
    return True


def inherited(environ: MutableMapping[str, str]) -> socket.socket | None:
    """The listening Unix socket that systemd hands over; None where it does not.

    By the protocol of sd_listen_fds(3). Its variables are taken out of ``environ``:
    children must not believe that they are meant.
    """
    given = {name: environ.pop(name, "") for name in _HANDED_OVER}
    if given["LISTEN_PID"] != str(os.getpid()) or given["LISTEN_FDS"] != "1":
        return None
    try:
        listener = socket.socket(fileno=_FIRST_DESCRIPTOR)
    except OSError:
        return None
    is_unix = listener.family == socket.AF_UNIX and listener.type == socket.SOCK_STREAM
    if not is_unix or not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listener.detach()
        return None
    listener.set_inheritable(False)
    return listener


def bind_loopback(host: str, port: int) -> socket.socket:
    """A listening TCP socket on a loopback address; port 0 takes any free one.

    Raises:
        ConfigError: not a loopback address.
        CostdError: the port is taken.
    """
    if host not in LOOPBACK:
        raise ConfigError(
            f"{host!r} is not a loopback address",
            "Set host in [http] to 127.0.0.1 or ::1: costd never leaves the machine.",
        )
    # With the protocol left out asyncio does not switch off Nagle's algorithm, and
    # each answer on a kept connection takes 44 ms instead of 0.1.
    listener = socket.socket(LOOPBACK[host], socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "it is taken" if taken else os.strerror(error.errno or 0)
        raise CostdError(
            f"cannot listen on port {port}: {reason}", "Set another port in [http]."
        ) from None
    return listener


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end of a Unix socket; None where that is not known."""
    try:
        if sys.platform == "linux":
            size = struct.calcsize("3i")
            found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            return int(struct.unpack("3i", found)[1])
        # macOS and the BSDs: struct xucred by LOCAL_PEERCRED of SOL_LOCAL.
        found = connection.getsockopt(0, 1, 76)
        return int(struct.unpack_from("=I", found, 4)[0])
    except (OSError, struct.error):
        return None
