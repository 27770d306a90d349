"""Commits that were made here: when, on which branch, and which issues they name.

The logs of HEAD and of branches say which commits were made in this copy of a
repository, not fetched into it. Their messages are read by ``git cat-file``, the one
command of git that is run: it takes no lock, asks no server, and runs nothing that a
repository's configuration names. Of a message only ids are kept.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from costd.core.attribution import names_in
from costd.core.commits import Commit, Commits, Position, Wanted
from costd.ingest.repositories import common_of
from costd.ingest.small import read_small

_MOST_LOG = 512 * 1024
_MOST_WORKTREES = 50
_MOST_AT_ONCE = 2_000
_MOST_TEXT = 32 * 1024 * 1024
_SECONDS = 10.0
_LONGEST_BRANCH = 512

_ENTRY = re.compile(
    rb"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [^\n\t]*?> (\d{1,12}) [+-]\d{4}\t([^\n]*)\n"
)
_MADE = re.compile(rb"(?:commit(?: \((amend|initial)\))?|cherry-pick): ")
_MOVED = re.compile(rb"checkout: moving from (\S+) to (\S+)")
_RENAMED = re.compile(rb"[Bb]ranch: renamed refs/heads/(\S+) to refs/heads/(\S+)")
_HEAD = re.compile(rb"ref: refs/heads/(\S+)")
_REPLY = re.compile(rb"([0-9a-f]{40,64}) (\w+) (\d+)\n")
_UNSAFE = re.compile(r"^/|(?:^|/)\.|\.\.|[\0-\x1f\x7f\\:*?\[~^ ]|//|/$")

_QUIET = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # what a partial clone has not got is not fetched
    "GIT_PAGER": "cat",
}


class _Entry(NamedTuple):
    branch: str
    sha: str
    at: int
    replaced: str


def read_commits(asked: Wanted) -> Commits:
    """Look what was committed since. May take as long as its file system takes."""
    common = common_of(asked.root)
    if common is None:
        return Commits(asked.root, (), (), ())
    entries: dict[tuple[str, str], _Entry] = {}
    positions = []
    for log, branch in _logs(common, asked.branches):
        name = str(log)
        before = asked.positions.get(name, Position(name, 0, ""))
        data, begin = _grown(name, before)
        if not data:
            continue
        found, position = _entries(data, begin, before, branch or _head(log, common))
        positions.append(position)
        entries.update({(entry.branch, entry.sha): entry for entry in found})
    gone = tuple(sorted({e.replaced for e in entries.values() if e.replaced}))
    wanted = [entry for entry in entries.values() if entry.sha not in gone]
    names = _names(common, [entry.sha for entry in wanted], asked.beads)
    if names is None:  # git cannot be asked now: the next look begins here again
        return Commits(asked.root, (), (), ())
    made = tuple(
        Commit(entry.branch, entry.sha, entry.at, names[entry.sha])
        for entry in wanted
        if entry.sha in names
    )
    return Commits(asked.root, made, gone, tuple(positions))


def _logs(common: Path, branches: Collection[str]) -> Iterator[tuple[Path, str]]:
    """Logs to read, with the branch that each is of; empty for those of a HEAD."""
    yield common / "logs/HEAD", ""
    with suppress(OSError):
        trees = sorted((common / "worktrees").iterdir())[:_MOST_WORKTREES]
        for tree in trees:
            yield tree / "logs/HEAD", ""
    for branch in sorted(branches):
        if branch and len(branch) <= _LONGEST_BRANCH and not _UNSAFE.search(branch):
            yield common / "logs/refs/heads" / branch, branch


def _grown(log: str, before: Position) -> tuple[bytes, int]:
    """The end of a log and where that begins; nothing where it is as it was."""
    try:
        size = os.stat(log).st_size  # noqa: PTH116 - as cheap as it can be
    except (OSError, ValueError):
        return b"", 0
    if size == before.offset:
        return b"", 0
    data = read_small(log, _MOST_LOG, tail=True) or b""
    return data, max(0, size - len(data)) if len(data) >= _MOST_LOG else 0


def _entries(
    data: bytes, begin: int, before: Position, branch: str
) -> tuple[list[_Entry], Position]:
    """The commits in a log past a position, on the branches that it names itself."""
    found = [*_ENTRY.finditer(data)]
    is_same = any(
        begin + entry.end() == before.offset and entry[2].decode() == before.sha
        for entry in found
    )
    since = before.offset if is_same else 0
    made: list[_Entry] = []
    for entry in reversed(found):  # today's branch is known, the one before is told
        message = entry[4]
        if moved := _MOVED.match(message) or _RENAMED.match(message):
            branch = moved[1].decode("utf-8", "replace")
        commit = _MADE.match(message)
        if commit and branch and begin + entry.end() > since:
            old = entry[1].decode() if commit[1] == b"amend" else ""
            at = int(entry[3]) * 1000
            made.append(_Entry(branch, entry[2].decode(), at, old))
    if not found:
        return [], before
    last = found[-1]
    return made, Position(before.log, begin + last.end(), last[2].decode())


def _head(log: Path, common: Path) -> str:
    """The branch that is checked out where a log of HEAD is written."""
    folder = log.parent.parent if log.parent.parent != common else common
    found = _HEAD.match(read_small(str(folder / "HEAD"), 4096) or b"")
    return found[1].decode("utf-8", "replace") if found else ""


def _names(
    common: Path, shas: Iterable[str], beads: str
) -> dict[str, tuple[str, ...]] | None:
    """The ids that commits name, by commit; those that are not there are left out."""
    found: dict[str, tuple[str, ...]] = {}
    waiting = sorted(set(shas))
    for start in range(0, len(waiting), _MOST_AT_ONCE):
        data = _cat(common, waiting[start : start + _MOST_AT_ONCE])
        if data is None:
            return None
        for sha, message in _messages(data):
            found[sha] = names_in(message, beads)
    return found


def _messages(data: bytes) -> Iterator[tuple[str, str]]:
    """The commits in what ``git cat-file --batch`` says, with their messages."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", at) + 1
        head = _REPLY.fullmatch(data[at:end]) if end else None
        if not end:
            return
        at = end
        if head:
            body = data[at : at + int(head[3])]
            at += int(head[3]) + 1
            if head[2] == b"commit" and at <= len(data):
                text = body.partition(b"\n\n")[2]
                yield head[1].decode(), text.decode("utf-8", "replace")


def _cat(common: Path, shas: list[str]) -> bytes | None:
    """What git says of these objects; None where it cannot be asked."""
    git = shutil.which("git")
    if git is None or not git.startswith("/"):
        return None
    command = [git, "--no-pager", "-c", "core.fsmonitor=false"]
    command += [f"--git-dir={common}", "cat-file", "--batch"]
    environ = {"PATH": os.environ.get("PATH", os.defpath), **_QUIET}
    try:
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{sha}\n" for sha in shas).encode())
            asked.seek(0)
            with subprocess.Popen(  # noqa: S603 - git itself, with fixed arguments
                command,
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environ,
                start_new_session=True,
            ) as process:
                return _all_of(process)
    except OSError:
        return None


def _all_of(process: subprocess.Popen[bytes]) -> bytes | None:
    """All that it says, as long as that is not too much and not too late."""
    timer = threading.Timer(_SECONDS, process.kill)
    timer.start()
    try:
        data = process.stdout.read(_MOST_TEXT) if process.stdout else b""
        if len(data) >= _MOST_TEXT:
            process.kill()
            return data
        return data if process.wait() >= 0 else None  # what it refuses stays refused
    finally:
        timer.cancel()
