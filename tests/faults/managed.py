"""A real ``systemd --user`` of its own, on a machine that need not run systemd.

It lives in namespaces of mounts, processes and cgroups, with a fresh /run and /home, and
takes everything with it when it ends. systemd believes that it was booted because there
is a directory /run/systemd/system.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import costd
from e2e.daemons import PATIENCE_SECONDS, until
from faults.homes import need

UID = 1000
HOME = Path("/home/the user")
RUNTIME = Path(f"/run/user/{UID}")
ROOTS_HOME = Path("/home/root")

# The first process of the namespaces. $1 is a name for its cgroup; the words after it are
# the directories that the user must be able to read: what is in the way is covered.
INIT = r"""
set -eu
umask 022
group=$1; shift
mount --make-rprivate /
stash=$(mktemp -d)
mount -t tmpfs none "$stash"
number=0
for path in "$@"; do
  number=$((number + 1)); mkdir "$stash/$number"; mount --bind "$path" "$stash/$number"
done
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /home
for path in $COVER; do mount -t tmpfs -o mode=755 none "$path"; done
number=0
for path in "$@"; do
  number=$((number + 1)); mkdir -p "$path"; mount --bind "$stash/$number" "$path"
done
umount -l "$stash"; rmdir "$stash"
mkdir -p /run/systemd/system /run/systemd/unit-root /run/systemd/propagate
# What the first systemd of a machine makes, to put over what nobody may see.
( umask 777; cd /run/systemd; mkdir inaccessible inaccessible/dir; cd inaccessible
  touch reg; mkfifo fifo; mknod chr c 0 0 && mknod blk b 0 0 ) || :
chmod 755 /run/systemd/inaccessible
mkdir -p "$RUNTIME" "$USER_HOME"
echo "root:x:0:0:root:$ROOT_HOME:/bin/sh" > /run/passwd
echo "cu:x:1000:1000::$CU_HOME:/bin/sh" >> /run/passwd
printf 'root:x:0:\ncu:x:1000:\n' > /run/group
mkdir -p "$CU_HOME"; chown 1000:1000 "$CU_HOME"; chmod 700 "$CU_HOME"
mount --bind /run/passwd /etc/passwd
mount --bind /run/group /etc/group
chown "$USER_ID:$USER_ID" "$RUNTIME" "$USER_HOME"; chmod 700 "$RUNTIME" "$USER_HOME"
[ "$USER_ID" != 0 ] || chmod 755 "$RUNTIME"  # it stands for /run itself
umount -l /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
home=/sys/fs/cgroup/$group
mkdir "$home"
chown -R "$USER_ID:$USER_ID" "$home"
end() {
  kill -TERM "$manager" 2>/dev/null || true
  kill -KILL -1 2>/dev/null || true
  wait 2>/dev/null || true
  find "$home" -depth -type d -exec rmdir {} + 2>/dev/null || true
  exit 0
}
trap end TERM
(
  echo 0 > "$home/cgroup.procs"
  exec setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups \
    env -i HOME="$USER_HOME" XDG_RUNTIME_DIR="$RUNTIME" PATH=/usr/bin:/bin LANG=C.UTF-8 \
    "$MANAGER" --user
) > "$USER_LOG" 2>&1 &
manager=$!
wait "$manager" || true
end
"""


def programs() -> str | None:
    """systemd itself, where it is installed."""
    usual = [Path("/usr/lib/systemd/systemd"), Path("/lib/systemd/systemd")]
    found = next((str(path) for path in usual if path.exists()), None)
    return found and shutil.which("systemctl") and found


class Managed:
    """The manager, and commands as its user.

    Args:
        top: a directory for its log.
        uid: whose manager it is: that of a user, or of root.
    """

    def __init__(self, top: Path, uid: int = UID) -> None:
        self._uid = uid
        self._home = HOME if uid else ROOTS_HOME
        self._runtime = Path(f"/run/user/{uid}")
        need(["test", "-n", programs() or ""], "systemd")
        need(["unshare", "-m", "-p", "-f", "-C", "--mount-proc", "true"], "namespaces")
        self.log = top / "systemd.log"
        readable = [Path(sys.base_prefix), Path(sys.prefix), repository()]
        cover = sorted({str(p) for path in readable for p in closed_above(path)})
        group = f"costd-test-{os.urandom(6).hex()}"
        flags = ["-m", "-p", "-f", "-C", "--mount-proc", "--kill-child=TERM"]
        script = ["sh", "-c", INIT, "sh", group, *map(str, dict.fromkeys(readable))]
        with self.log.with_suffix(".init").open("wb") as said:
            self._process = subprocess.Popen(
                ["unshare", *flags, *script],
                env={
                    "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin",
                    "COVER": " ".join(cover),
                    "RUNTIME": str(self._runtime),
                    "USER_HOME": str(self._home),
                    "CU_HOME": str(HOME),
                    "ROOT_HOME": str(ROOTS_HOME),
                    "USER_ID": str(uid),
                    "USER_LOG": str(self.log),
                    "MANAGER": programs() or "",
                },
                stdin=subprocess.DEVNULL,
                stderr=said,
            )
        self._first = 0
        until(self._is_up, "systemd --user")
        if uid == 0:  # services of a system may speak to it, whoever they run as
            self.run("chmod", "666", f"{self._runtime}/systemd/notify")

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self.said()
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        pids = children.read_text().split()
        if not pids:
            return False
        self._first = int(pids[0])
        return (
            self.run("test", "-S", f"{self._runtime}/systemd/private").returncode == 0
        )

    def said(self) -> str:
        """What the manager said, and the script that began it."""
        files = (self.log, self.log.with_suffix(".init"), self.home("err.log"))
        return "\n".join(f.read_text("utf-8", "replace") for f in files if f.exists())

    def home(self, *parts: str) -> Path:
        """A path in the user's home, as it is seen from here."""
        return Path(f"/proc/{self._first}/root{self._home}", *parts)

    def run(
        self, *words: str, uid: int | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """A command of that user, within its session; or of another."""
        uid = self._uid if uid is None else uid
        home = HOME if uid else ROOTS_HOME
        enter = ["nsenter", "-t", str(self._first), "-m", "-p", "-C"]
        become = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        variables = {
            "HOME": str(home),
            "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            **env,
        }
        if uid == self._uid:
            variables["XDG_RUNTIME_DIR"] = str(self._runtime)
        assign = [f"{name}={value}" for name, value in variables.items()]
        return subprocess.run(
            [*enter, "setpriv", *become, "env", "-i", "-C", str(home), *assign, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def costd(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of costd."""
        return self.run(f"{sys.prefix}/bin/python", "-P", "-m", "costd", *words)

    def ask(self, *words: str) -> Any:
        """What a command of costd answers with ``--json``."""
        done = self.costd(*words, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def control(self, *words: str) -> str:
        """``systemctl --user`` with these words; what it says."""
        done = self.run("systemctl", "--user", *words)
        assert done.returncode == 0, done.stderr + self.said()
        return done.stdout

    def show(self, name: str, unit: str = "costd.service") -> str:
        """A property of a unit."""
        return self.control("show", "--value", f"--property={name}", unit).strip()

    def until_shown(self, name: str, value: str) -> None:
        """Wait until a property of the unit is so."""
        end = time.monotonic() + PATIENCE_SECONDS
        while (found := self.show(name)) != value:
            assert time.monotonic() < end, f"{name} is {found}: {self.said()}"
            time.sleep(0.05)

    def write(self, text: str, *parts: str, mode: int = 0o600) -> Path:
        """A file of the user's."""
        path = self.home(*parts)
        for folder in reversed(path.parents):
            if folder.is_relative_to(self.home()) and not folder.exists():
                folder.mkdir(mode=0o755)
                os.chown(folder, self._uid, self._uid)
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, self._uid, self._uid)
        return path

    def adjust(self, *lines: str) -> None:
        """Have the unit say something else: by a drop-in, as a person does."""
        text = "\n".join(["[Unit]", "[Service]", *lines, ""])
        self.write(text, ".config/systemd/user/costd.service.d/test.conf")

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the daemon."""
        self.control("kill", f"--signal={number.name}", "--kill-whom=main", "costd")

    def close(self) -> None:
        """End it with all that it started."""
        if self._first:
            os.kill(self._first, signal.SIGTERM)
        self._process.wait(timeout=PATIENCE_SECONDS)


def repository() -> Path:
    """Where the package lies that is tested."""
    package = Path(costd.__file__).resolve().parent
    return next(
        (p for p in package.parents if (p / "systemd").is_dir()), package.parent
    )


def closed_above(path: Path) -> Iterable[Path]:
    """The first directory on the way to ``path`` that others may not enter."""
    for folder in reversed(path.resolve().parents):
        if not folder.stat().st_mode & 0o001:
            return [folder]
    return []
