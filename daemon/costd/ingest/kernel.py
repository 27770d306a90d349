"""What the kernel says about watching: where events cannot come from, and how many come.

watchdog 7.1 starts without a word when the watch limit cuts it short, and on a network
file system no event ever comes for a change made elsewhere. Both can only be asked
of the kernel.
"""

from __future__ import annotations

import ctypes
import os
import re
from errno import ENOSPC
from pathlib import Path

_ELSEWHERE = re.compile(
    r"9p|afs|beegfs|ceph|cifs|coda|drvfs|fuse(\..*)?|gfs2|glusterfs|gpfs|lustre|ncpfs"
    r"|nfs4?|ocfs2|prl_fs|smb[23]|smbfs|vboxsf|virtiofs|vmhgfs"
)
_OCTAL = re.compile(r"\\([0-7]{3})")
_IN_DELETE_SELF = 0x400


def read_mountinfo() -> str:
    """The mounts this process sees; empty where there is no such list (macOS)."""
    try:
        data = Path("/proc/self/mountinfo").read_bytes()
    except OSError:
        return ""
    return os.fsdecode(data)


def network_type(mountinfo: str, path: str) -> str:
    """The type of a network or FUSE file system at or under ``path``; else empty.

    Args:
        mountinfo: the text of ``/proc/self/mountinfo``, see proc(5).
        path: a real path.
    """
    under = ""
    for point, kind in _mounts(mountinfo):
        if not _is_at(path, point) and _is_at(point, path) and _is_network(kind):
            under = kind
    return file_system_of(mountinfo, path) or under


def file_system_of(mountinfo: str, path: str) -> str:
    """The type of the network or FUSE file system that holds ``path``; else empty."""
    on, longest = "", 0
    for point, kind in _mounts(mountinfo):
        # A later line with the same point covers the earlier one.
        if _is_at(path, point) and len(point) >= longest:
            on, longest = kind, len(point)
    return on if _is_network(on) else ""


def _mounts(mountinfo: str) -> list[tuple[str, str]]:
    """``(mount point, type)`` of each line; a line of another form is passed over."""
    mounts = []
    for line in mountinfo.split("\n"):
        left, _, right = line.partition(" - ")
        fields, kind = left.split(" "), right.split(" ")[0]
        if len(fields) > 4 and kind:  # noqa: PLR2004 - the mount point is field 5
            point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4])
            mounts.append((point, kind))
    return mounts


def _is_at(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")


def _is_network(kind: str) -> bool:
    # "fuseblk" is not among them: a local disk, and its changes pass the kernel.
    return _ELSEWHERE.fullmatch(kind) is not None


def inotify_watches(descriptor: int) -> int | None:
    """How many watches an inotify descriptor of this process holds; None: unknown."""
    try:
        data = Path(f"/proc/self/fdinfo/{descriptor}").read_bytes()
    except OSError:
        return None
    return data.count(b"inotify wd:")


def is_watch_limit_reached() -> bool:
    """Whether the kernel refuses one more watch to this user; Linux only.

    False when that cannot be tried because there is no instance or descriptor left.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_CLOEXEC)
    if descriptor < 0:
        return False
    try:
        watch = libc.inotify_add_watch(descriptor, b"/", _IN_DELETE_SELF)
        return bool(watch < 0 and ctypes.get_errno() == ENOSPC)
    finally:
        os.close(descriptor)
