"""A small launchd: it does what a property list says, on a machine that is no Mac.

``launchctl`` on a PATH of its own speaks to it in the words of the real one. The agent
gets the list's own environment and nothing of a shell's; it is started again as
``KeepAlive`` says, ended by SIGTERM and, after ``ExitTimeOut``, by SIGKILL.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

LAUNCHCTL = """#!{python}
import json, os, plistlib, signal, subprocess, sys, time
from pathlib import Path
place, verb, words = Path({place!r}), sys.argv[1], sys.argv[2:]
about = place / "about.json"

def fail(code, said):
    sys.stderr.write(said + "\\n")
    sys.exit(code)

def job():
    return json.loads(about.read_text()) if about.exists() else None

if verb == "version":
    print("a small one")
elif verb == "print" and words[0].count("/") == 1:
    print(words[0])
elif verb == "print":
    if (found := job()) is None:
        fail(113, "Could not find service")
    print("\\tstate = " + ("running" if found["pid"] else "not running"))
    print("\\tlast exit code = " + str(found["code"]))
    if found["pid"]:
        print("\\tpid = " + str(found["pid"]))
elif verb == "bootstrap":
    if job() is not None:
        fail(5, "Bootstrap failed: 5: Input/output error")
    mode = Path(words[1]).stat().st_mode
    if mode & 0o022:
        fail(122, "Bootstrap failed: 122: Path had bad ownership/permissions")
    plistlib.loads(Path(words[1]).read_bytes())
    subprocess.Popen(
        [sys.executable, {runner!r}, words[1], str(place)], start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={{}}, cwd="/",
    )
    while job() is None:
        time.sleep(0.02)
elif verb == "bootout":
    if (found := job()) is None:
        fail(3, "Boot-out failed: 3: No such process")
    os.kill(found["runner"], signal.SIGTERM)
elif verb == "kickstart":
    if (found := job()) is None:
        fail(113, "Could not find service")
    os.kill(found["runner"], signal.SIGUSR1)
"""
THROTTLE_SECONDS = 0.2
"""In place of ``ThrottleInterval``: nobody waits half a minute."""


class Launchd:
    """One of its own.

    Args:
        top: an empty directory for it.
    """

    def __init__(self, top: Path) -> None:
        self.programs = top / "bin"
        self._place = top / "launchd"
        for folder in (self.programs, self._place):
            folder.mkdir(parents=True)
        program = self.programs / "launchctl"
        names = {"python": sys.executable, "place": str(self._place)}
        program.write_text(LAUNCHCTL.format(runner=__file__, **names))
        program.chmod(0o755)

    @property
    def job(self) -> dict[str, Any] | None:
        """What it knows of the agent; None: it is not loaded."""
        about = self._place / "about.json"
        return json.loads(about.read_bytes()) if about.exists() else None

    def kickstart(self) -> None:
        """As a person says it."""
        target = f"gui/{os.getuid()}/dev.costd"
        subprocess.run([self.programs / "launchctl", "kickstart", target], check=True)

    def close(self) -> None:
        """End the agent and what looks after it."""
        if (job := self.job) is not None:
            os.kill(job["runner"], signal.SIGTERM)


class Runner:
    """Looks after one agent, in a process of its own."""

    def __init__(self, agent: dict[str, Any], place: Path) -> None:
        self._agent = agent
        self._about = place / "about.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._code: int | None = None

    def run(self) -> None:
        """Until it is booted out."""
        wanted = {signal.SIGTERM, signal.SIGUSR1, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
        if self._agent.get("RunAtLoad"):
            self._start()
        while True:
            self._tell()
            match signal.sigwait(wanted):
                case signal.SIGTERM:
                    break
                case signal.SIGUSR1 if self._process is None:
                    self._start()
                case signal.SIGCHLD if self._has_ended() and self._is_wanted_again():
                    self._tell()
                    if signal.sigtimedwait({signal.SIGTERM}, THROTTLE_SECONDS):
                        break
                    self._start()
        self._end()
        self._about.unlink()

    def _start(self) -> None:
        agent = self._agent
        usual = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        named = {"XPC_SERVICE_NAME": agent["Label"]}
        self._starts += 1
        with Path(agent["StandardErrorPath"]).open("ab") as errors:
            self._process = subprocess.Popen(
                agent["ProgramArguments"],
                env={**usual, **named, **agent["EnvironmentVariables"]},
                cwd=agent["WorkingDirectory"],
                umask=agent["Umask"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),  # noqa: PLW1509 - one thread
            )

    def _has_ended(self) -> bool:
        if self._process is None or self._process.poll() is None:
            return False
        self._code, self._process = self._process.returncode, None
        return True

    def _is_wanted_again(self) -> bool:
        keep = self._agent["KeepAlive"]
        if isinstance(keep, bool):
            return keep
        wanted: bool = keep["SuccessfulExit"] == (self._code == 0)
        return wanted

    def _end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(self._agent["ExitTimeOut"])
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _tell(self) -> None:
        pid = self._process.pid if self._process else 0
        said = {"pid": pid, "runner": os.getpid(), "code": self._code}
        new = self._about.with_suffix(".new")
        new.write_text(json.dumps({**said, "starts": self._starts}))
        new.replace(self._about)


if __name__ == "__main__":
    import plistlib

    Runner(plistlib.loads(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2])).run()
