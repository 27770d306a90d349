"""``costd exec`` with real commands: nothing of theirs is changed, and all are linked."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest

import places
from e2e.daemons import PATIENCE_SECONDS, Env, environment, running, until


@pytest.fixture
def env() -> Iterator[Env]:
    """Places of its own, with no daemon."""
    with places.short_dir() as top:
        yield environment(top)


def exec_(*command: str, issue: str = "MIN-1") -> list[str]:
    return [sys.executable, "-m", "costd", "exec", "--issue", issue, "--", *command]


def run(
    env: Env,
    *command: str,
    data: bytes | None = None,
    cwd: Path | None = None,
    fds: tuple[int, ...] = (),
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        exec_(*command),
        env=env,
        input=data,
        cwd=cwd,
        pass_fds=fds,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def spooled(env: Env) -> list[dict[str, object]]:
    """The claims that wait, without the reports of runs."""
    paths = sorted(Path(env["COSTD_STATE_DIR"], "spool").glob("*.json"))
    messages = [json.loads(path.read_text()) for path in paths]
    return [each["params"] for each in messages if each["question"] == "link"]


def sessions(env: Env) -> set[object]:
    return {claim.get("session") for claim in spooled(env)}


@pytest.mark.parametrize("status", [0, 1, 2, 7, 126, 255])
def test_the_exit_status_is_the_commands(env: Env, status: int) -> None:
    assert run(env, "sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "HUP"])
def test_a_signal_that_ends_it_is_told_as_a_shell_tells_it(env: Env, name: str) -> None:
    number = signal.Signals[f"SIG{name}"]
    assert run(env, "sh", "-c", f"kill -{name} $$").returncode == 128 + number


def test_what_cannot_be_started_ends_as_in_a_shell(env: Env, tmp_path: Path) -> None:
    done = run(env, "nonesuch\x1b[2J")
    assert done.returncode == 127
    assert done.stderr == b"costd: nonesuch\\x1b[2J: command not found\n"
    done = run(env, str(tmp_path))
    assert done.returncode == 126
    assert done.stderr.endswith(b": Permission denied\n")


def test_every_byte_goes_through(env: Env) -> None:
    data = bytes(range(256)) * 4096
    done = run(env, "cat", data=data)
    assert done.stdout == data
    assert done.stderr == b""
    done = run(env, "sh", "-c", "cat >&2", data=data)
    assert (done.stdout, done.stderr) == (b"", data)


def test_arguments_environment_and_directory_are_its_own(
    env: Env, tmp_path: Path
) -> None:
    program = (
        "import os,sys;print(sys.argv[1:], os.getcwd(), os.environ['COSTD_ISSUE'])"
    )
    words = ["", "--issue", "a b", "$x", "*", "\udcff", "ü\n"]
    done = run(env, sys.executable, "-c", program, *words, cwd=tmp_path)
    assert done.stdout.decode() == f"{words!a} {tmp_path} MIN-1\n".replace("\\xfc", "ü")


def test_files_that_were_handed_over_stay_open(env: Env) -> None:
    read, write = os.pipe()
    program = f"import os; os.write({write}, b'hello')"
    assert run(env, sys.executable, "-c", program, fds=(write,)).returncode == 0
    os.close(write)
    with os.fdopen(read) as file:
        assert file.read() == "hello"


def test_a_closed_standard_input_and_output_stay_closed(env: Env) -> None:
    script = 'exec 0<&- 1>&-; exec "$@"'
    inner = "test ! -e /proc/self/fd/0 && test ! -e /proc/self/fd/1 && exit 9"
    done = subprocess.run(
        ["sh", "-c", script, "sh", *exec_("sh", "-c", inner)], env=env, check=False
    )
    assert done.returncode in ({9} if Path("/proc/self/fd").exists() else {1})


WAYS = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {blocked})
for number in {ignored}:
    signal.signal(number, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells")
@pytest.mark.parametrize(
    ("blocked", "ignored"),
    [((), ()), ((), ("SIGINT", "SIGHUP", "SIGCHLD")), (("SIGTERM", "SIGUSR1"), ())],
)
def test_signals_are_taken_as_they_would_be_without(
    env: Env, blocked: tuple[str, ...], ignored: tuple[str, ...]
) -> None:
    show = ["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"]
    ways = {"blocked": blocked, "ignored": ignored}
    numbers = {n: [int(signal.Signals[w]) for w in words] for n, words in ways.items()}
    kept = [
        subprocess.run(
            [sys.executable, "-c", WAYS.format(**numbers), *command],
            env=env,
            check=True,
            capture_output=True,
        ).stdout
        for command in (exec_(*show), ["env", *show])
    ]
    ours, plain = (_masks(text) for text in kept)
    # Python, which starts both here, ignores these two; a shell would not.
    pythons = (1 << signal.SIGPIPE - 1) | (1 << signal.SIGXFSZ - 1)
    assert ours == {**plain, "SigIgn": plain["SigIgn"] & ~pythons}
    assert len(ours) == 3


def _masks(text: bytes) -> dict[str, int]:
    return {
        name: int(mask, 16)
        for name, mask in (line.split(":\t") for line in text.decode().splitlines())
    }


TRAPS = (
    "trap 'echo term' TERM; trap 'echo int' INT; trap 'echo usr1' USR1;"
    "trap 'exit 3' USR2; echo ready; while :; do sleep 0.01; done"
)


@pytest.mark.skipif(not hasattr(signal, "sigtimedwait"), reason="macOS does not tell")
def test_what_a_process_sends_is_not_taken_for_the_terminals(env: Env) -> None:
    terminal = Terminal(exec_("sh", "-c", TRAPS), env)
    terminal.expect(b"ready")
    for name, said in (("INT", b"int"), ("TERM", b"term")):
        os.kill(terminal.pid, signal.Signals[f"SIG{name}"])
        terminal.expect(said)
    os.kill(terminal.pid, signal.SIGUSR2)
    assert terminal.end() == 3


def test_what_is_sent_to_us_alone_reaches_the_command(env: Env) -> None:
    with running(
        exec_("sh", "-c", TRAPS),
        env=env,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        for name, said in (("TERM", b"term\n"), ("INT", b"int\n"), ("USR1", b"usr1\n")):
            process.send_signal(signal.Signals[f"SIG{name}"])
            assert process.stdout.readline() == said
        process.send_signal(signal.SIGUSR2)
        assert process.wait(PATIENCE_SECONDS) == 3


class Terminal:
    """A shell's end of a terminal, with the command in its foreground."""

    left: ClassVar[set[int]] = set()
    """Those that have not ended yet."""

    def __init__(self, command: list[str], env: Env) -> None:
        with warnings.catch_warnings():  # the child does nothing but begin a program
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid, self.file = pty.fork()
        if self.pid == 0:  # the session's leader, as a login shell is
            os.execvpe(command[0], command, env)
        self.left.add(self.pid)
        self.seen = b""

    def expect(self, text: bytes) -> bytes:
        """What came before it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.file], [], [], 1)[0]:
                self.seen += os.read(self.file, 4096)
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, text: bytes) -> None:
        os.write(self.file, text)

    def end(self) -> int:
        ended: list[tuple[int, int]] = []

        def has_ended() -> bool:
            ended[:] = [os.waitpid(self.pid, os.WNOHANG)]
            return ended[0][0] != 0

        until(has_ended, "its end")
        self.left.discard(self.pid)
        if self.file >= 0:
            os.close(self.file)
        return os.waitstatus_to_exitcode(ended[0][1])

    def hang_up(self) -> None:
        os.close(self.file)
        self.file = -1


@pytest.fixture(autouse=True)
def no_orphans() -> Iterator[None]:
    """What a test that failed has left on its terminals ends with it."""
    yield
    for pid in Terminal.left:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    Terminal.left.clear()


# The interpreter's C handler writes one byte for each SIGINT that arrives, so that two
# which come quickly are two.
COUNT = """
import os, signal
read, write = os.pipe()
os.set_blocking(write, False)
signal.signal(signal.SIGINT, lambda *_: None)
signal.signal(signal.SIGUSR2, lambda *_: os._exit(3))
signal.set_wakeup_fd(write)
print("ready", flush=True)
while number := os.read(read, 1)[0]:
    print("<%d>" % number, flush=True)
"""


def test_a_terminal_sends_its_signals_once(env: Env) -> None:
    terminal = Terminal(exec_(sys.executable, "-c", COUNT), env)
    terminal.expect(b"ready")
    seen = b""
    for _ in range(3):
        terminal.type(b"\x03")
        seen += terminal.expect(b"<%d>" % signal.SIGINT)
    terminal.type(b"\x03")
    seen += terminal.expect(b"<%d>" % signal.SIGINT)
    os.kill(terminal.pid, signal.SIGUSR2)
    assert terminal.end() == 3
    assert b"<" not in seen + terminal.seen


JOB = """
set -m
"$@" &
fg %1 >/dev/null
echo "back $?"
fg %1 >/dev/null
echo "over $?"
"""


def test_a_job_is_stopped_and_goes_on(env: Env) -> None:
    agent = "echo ready; read line; echo got $line; exit 5"
    shell = ["bash", "-c", JOB, "bash", *exec_("sh", "-c", agent)]
    terminal = Terminal(shell, env)
    terminal.expect(b"ready")
    terminal.type(b"\x1a")
    terminal.expect(b"back 1")
    terminal.type(b"word\n")
    terminal.expect(b"got word")
    terminal.expect(b"over 5")
    assert terminal.end() == 0


def test_a_command_that_stops_itself_stops_us(env: Env) -> None:
    agent = "echo ready; kill -STOP $$; echo again; exit 6"
    shell = ["bash", "-c", JOB, "bash", *exec_("sh", "-c", agent)]
    terminal = Terminal(shell, env)
    terminal.expect(b"ready")
    terminal.expect(b"back 1")
    terminal.expect(b"again")
    terminal.expect(b"over 6")
    assert terminal.end() == 0


def test_the_end_of_the_terminal_is_the_commands_to_take(
    env: Env, tmp_path: Path
) -> None:
    agent = f"trap 'echo hup > {tmp_path}/heard; exit' HUP; echo ready; while :; do sleep 0.01; done"
    terminal = Terminal(exec_("sh", "-c", agent), env)
    terminal.expect(b"ready")
    terminal.hang_up()
    terminal.end()
    assert (tmp_path / "heard").read_text() == "hup\n"


def test_the_link_is_there_before_the_command_begins(env: Env) -> None:
    state = env["COSTD_STATE_DIR"]
    done = run(env, "sh", "-c", f"cat {state}/spool/*.json; echo $$")
    link, pid = done.stdout.decode().splitlines()
    params = json.loads(link)["params"]
    assert (params["pid"], params["issue"]) == (int(pid), "MIN-1")
    opened, closed = spooled(env)
    assert opened == params
    assert closed == {**params, "until": closed["until"]}


def test_a_claude_gets_a_session_that_is_linked_first(env: Env, tmp_path: Path) -> None:
    claude = tmp_path / "claude"
    claude.write_text(
        f'#!/bin/sh\necho "$@"; cat {env["COSTD_STATE_DIR"]}/spool/*.json'
    )
    claude.chmod(0o755)
    with_path = {**env, "PATH": f"{tmp_path}:{env['PATH']}"}
    first, *links = run(with_path, "claude", "-p", "hi").stdout.decode().splitlines()
    flag, session, *rest = first.split()
    assert (flag, rest) == ("--session-id", ["-p", "hi"])
    assert {json.loads(link)["params"].get("session") for link in links} == {
        session,
        None,
    }
    # Claude goes on with the same conversation later: that claim does not end.
    assert [c for c in spooled(env) if "session" in c and "until" in c] == []
    done = run(with_path, "claude", "--resume", session)
    assert done.stdout.splitlines()[0] == f"--resume {session}".encode()
    ended = [c for c in spooled(env) if c.get("session") == session and "until" in c]
    assert len(ended) == 1


def test_the_session_of_a_wrapped_agent_is_found_while_it_runs(env: Env) -> None:
    home = Path(env["CLAUDE_CONFIG_DIR"], "sessions")
    home.mkdir(parents=True)
    agent = (
        f'echo "{{\\"pid\\": $$, \\"sessionId\\": \\"s-$$\\"}}" > {home}/$$.json;'
        "echo s-$$; read line; rm {home}/$$.json"
    ).replace("{home}", str(home))
    with running(
        exec_("sh", "-c", 'sh -c "$0"; true', agent),
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        session = process.stdout.readline().decode().strip()
        until(lambda: session in sessions(env), "the claim for its session")
        process.communicate(b"\n", PATIENCE_SECONDS)
    assert process.returncode == 0


def break_places(env: Env, how: str) -> None:
    state = Path(env["COSTD_STATE_DIR"])
    if how == "the state directory is a file":
        state.write_text("")
    elif how == "the spool is a file":
        state.mkdir()
        (state / "spool").write_text("")
    elif how == "the configuration is broken":
        (state.parent / "config.toml").write_text("[paths]\nstate_dir =")
        env["COSTD_CONFIG"] = str(state.parent / "config.toml")
        del env["COSTD_STATE_DIR"]
    elif how == "daemon.json is rubbish":
        state.mkdir()
        (state / "daemon.json").write_text("\0")


def test_a_daemon_that_says_nothing_is_not_waited_for(env: Env) -> None:
    state = Path(env["COSTD_STATE_DIR"])
    state.mkdir()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(state / "s"))
        silent.listen(8)
        (state / "daemon.json").write_text(json.dumps({"socket": str(state / "s")}))
        done = run(env, "sh", "-c", f"ls {state}/spool; exit 3")
    assert done.returncode == 3
    # What it was told in vain was in the spool before the command began.
    assert done.stdout.count(b".json") == 1
    assert {claim["issue"] for claim in spooled(env)} == {"MIN-1"}


@pytest.mark.parametrize(
    "how",
    [
        "the state directory is a file",
        "the spool is a file",
        "the configuration is broken",
        "daemon.json is rubbish",
    ],
)
def test_whatever_is_broken_the_command_runs(env: Env, how: str) -> None:
    break_places(env, how)
    done = run(env, "sh", "-c", "echo out; exit 4")
    assert done.returncode == 4
    assert done.stdout == b"out\n"
    assert (b"not noted" in done.stderr) is (how != "daemon.json is rubbish")
