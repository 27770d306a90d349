"""What is read out of the kernel's lists."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from costd.ingest import kernel

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home/dev/net rw shared:5 master:2 - nfs4 server:/export rw,vers=4.2
31 22 0:41 / /mnt/a\\040b\\134c rw - fuse.sshfs host: rw
32 22 0:42 / /mnt/disk rw - fuseblk /dev/sdb1 rw
33 22 0:43 / /mnt/twice rw - ext4 /dev/sdc1 rw
34 22 0:44 / /mnt/twice rw - 9p share rw
35 30 0:45 / /home/dev/net/local rw - ext4 /dev/sdd1 rw
36 22 0:46 / /mnt/bare rw - fuse bindfs rw
not a line of that form

"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/dev", "nfs4"),  # under it
        ("/home/dev/net", "nfs4"),
        ("/home/dev/net/.claude", "nfs4"),
        ("/home/dev/network", ""),
        ("/home/dev/net/local/x", ""),
        ("/mnt/a b\\c/x", "fuse.sshfs"),
        ("/mnt/disk/x", ""),
        ("/mnt/twice", "9p"),
        ("/mnt/bare/x", "fuse"),
        ("/var", ""),
    ],
)
def test_network_type(path: str, kind: str) -> None:
    assert kernel.network_type(MOUNTS, path) == kind


def test_without_a_list_nothing_is_known() -> None:
    assert kernel.network_type("", "/home") == ""


linux = pytest.mark.skipif(sys.platform != "linux", reason="no /proc")


@linux
def test_the_real_list_knows_proc() -> None:
    mounts = kernel._mounts(kernel.read_mountinfo())
    assert ("/proc", "proc") in mounts


@linux
def test_the_limit_is_not_reached_here() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert not kernel.is_watch_limit_reached()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@linux
def test_watches_of_no_descriptor_are_unknown(tmp_path: Path) -> None:
    assert kernel.inotify_watches(1 << 20) is None
    descriptor = os.open(tmp_path, os.O_RDONLY)
    assert kernel.inotify_watches(descriptor) == 0
    os.close(descriptor)
