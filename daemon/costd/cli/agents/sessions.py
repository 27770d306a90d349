"""Which sessions a command runs: by its arguments, the agent's registry, its new logs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

from costd.cli.agents import codex

TOKEN = "COSTD_EXEC"  # noqa: S105 - the name of a variable that marks our descendants
ISSUE = "COSTD_ISSUE"
_MOST_BYTES = 64 * 1024
_MOST_ANCESTORS = 64
_UNSAFE = re.compile(r"[^A-Za-z0-9]")
_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_WORD = re.compile(r"[a-z][a-z0-9-]*")
_NAMES = ("--session-id", "--resume", "-r")
# With one of these the session is another one, of another process, or none at all.
_OTHERWISE = frozenset(
    """
    --session-id --resume -r --continue -c --fork-session --from-pr --teleport --remote
    --cloud --bg --background --no-session-persistence --help -h --version -v
    """.split()
)


def chosen(command: list[str]) -> tuple[list[str], str]:
    """The command with a session id of our choice, and that id; empty when it has none.

    Only a ``claude`` that would begin a new conversation is given one. Everything else
    keeps its arguments: a word that may be a subcommand is reason enough.
    """
    if not _is_claude(command):
        return command, ""
    before = ""
    for word in command[1:]:
        if word == "--":
            break
        is_value = before.startswith("-") and "=" not in before
        if word.partition("=")[0] in _OTHERWISE:
            return command, ""
        if _WORD.fullmatch(word) and (not is_value or word in _SUBCOMMANDS):
            return command, ""
        before = word
    import uuid  # noqa: PLC0415 - for this command only

    session = str(uuid.uuid4())
    return [command[0], "--session-id", session, *command[1:]], session


_SUBCOMMANDS = frozenset(
    """
    agents api-key attach auth config doctor install logs mcp migrate-installer plugin
    plugins project remote-control server setup-token ssh stop update upgrade
    """.split()
)


def named(command: list[str]) -> str:
    """The session that an agent is told to go on with; empty when it is none."""
    if session := codex.named(command):
        return session
    if not _is_claude(command) or "--fork-session" in command:
        return ""
    for name, value in zip(command, [*command[1:], ""], strict=True):
        option, equals, given = name.partition("=")
        if option in _NAMES and _ID.fullmatch(given if equals else value):
            return given if equals else value
    return ""


def _is_claude(command: list[str]) -> bool:
    return os.path.basename(command[0]) == "claude"  # noqa: PTH119 - pathlib is slow to load


def slug(cwd: str) -> str:
    """The directory in which Claude Code keeps the logs of ``cwd``, if it is short."""
    return _UNSAFE.sub("-", cwd)


class Sessions:
    """Finds the sessions of a command that runs.

    Args:
        token: the value of ``TOKEN`` in its environment.
        cwd: where it was started.
        environ: its environment, which says where the agent keeps its things.
    """

    def __init__(self, token: str, cwd: str, environ: dict[str, str]) -> None:
        self._token = f"{TOKEN}={token}".encode()
        self._issue = f"{ISSUE}={environ.get(ISSUE, '')}".encode()
        self._cwd = cwd
        self._homes = list(_homes(environ))
        self._environ = environ
        self._before = set(self._logs())
        self._foreign: set[tuple[str, int]] = set()
        self._others: set[str] = set()

    def running(self, pid: int) -> set[str]:
        """The sessions that the registry names for the process and its descendants."""
        found = set()
        for home in self._homes:
            for entry in _entries(f"{home}/sessions", ".json"):
                if (session := self._ours(entry, pid)) is not None:
                    found.add(session)
        return found

    def begun(self) -> set[str]:
        """The sessions whose logs have begun in the directory since the command has.

        Those that the registry names for somebody else's process are not among them.
        """
        new = [p for name, p in self._logs().items() if name not in self._before]
        found = {session for path in new if (session := _begun(path, self._cwd))}
        return found - self._others

    def _ours(self, entry: os.DirEntry[str], pid: int) -> str | None:
        identity = (entry.name, entry.inode())
        if identity in self._foreign:
            return None
        about = _object(entry.path)
        session = about.get("sessionId")
        if not isinstance(session, str):
            return None
        other = about.get("pid")
        if other == pid or (isinstance(other, int) and self._inherits(other, pid)):
            return session
        self._foreign.add(identity)
        self._others.add(session)
        return None

    def _inherits(self, other: int, pid: int) -> bool:
        """Whether a process works for what the command works for.

        Not if somebody gave it another issue, or an inner ``costd exec`` started it;
        what has lost the environment is known by its ancestors.
        """
        environ = _environment(other)
        names = {pair.partition(b"=")[0].decode("utf-8", "replace") for pair in environ}
        if self._token in environ:
            return ISSUE not in names or self._issue in environ
        return not names & {TOKEN, ISSUE} and pid in _ancestors(other)

    def _logs(self) -> dict[str, str]:
        found = {}
        for home in self._homes:
            for entry in _entries(f"{home}/projects/{slug(self._cwd)}", ".jsonl"):
                found[entry.name] = entry.path
        return found | codex.rollouts(self._environ)


def _homes(environ: dict[str, str]) -> Iterator[str]:
    """Where a Claude Code with this environment keeps its things."""
    home = environ.get("HOME", "")
    if moved := environ.get("CLAUDE_CONFIG_DIR"):
        yield moved
    elif home:
        yield f"{home}/.claude"
    config = environ.get("XDG_CONFIG_HOME") or (home and f"{home}/.config")
    if config:
        yield f"{config}/claude"


def _entries(folder: str, ending: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listed:
            for entry in listed:
                if entry.name.endswith(ending):
                    yield entry
    except OSError:
        return


def _object(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to load
            value = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _environment(pid: int) -> list[bytes]:
    """What a process was started with; only Linux tells."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - as said above
            return file.read().split(b"\0")
    except OSError:
        return []


def _ancestors(pid: int) -> Iterator[int]:
    """The processes from which one descends, as long as they live; the same."""
    for _ in range(_MOST_ANCESTORS):
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - as said above
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return
        if pid <= 1:
            return
        yield pid


def _begun(path: str, cwd: str) -> str:
    is_codex = codex.is_rollout(path)
    return codex.begun_in(path, cwd) if is_codex else _begun_in(path, cwd)


def _begun_in(path: str, cwd: str) -> str:
    """The session of a log, if the first line that names a directory names ``cwd``."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as said above
            lines = file.read(_MOST_BYTES).split(b"\n")[:-1]
    except OSError:
        return ""
    for line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and isinstance(value.get("cwd"), str):
            session = value.get("sessionId")
            fits = value["cwd"] == cwd and isinstance(session, str)
            return str(session) if fits else ""
    return ""
