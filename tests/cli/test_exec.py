"""``costd exec``: what it reads, whom it links, and that it is never in the way."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.conftest import Shown
from costd.cli.agents.alone import Alone
from costd.cli.agents.claims import Claims
from costd.cli.agents.launch import Launch, checked, environment, parse
from costd.cli.agents.sessions import TOKEN, Sessions, chosen, named, slug
from costd.core.errors import UsageError

UUID = "1a2b3c4d-0000-4000-8000-00000000000a"
PLAIN = Launch("MIN-1", "", "", True, ["agent"])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--issue MIN-1 -- agent", PLAIN),
        ("--issue=MIN-1 agent", PLAIN),
        (
            "--issue MIN-1 -- agent -- --issue x",
            PLAIN._replace(command=["agent", "--", "--issue", "x"]),
        ),
        (
            "--issue MIN-1 agent --role x",
            PLAIN._replace(command=["agent", "--role", "x"]),
        ),
        (
            "--role review --capability=ui --no-session-id --issue a/b#1 -- x",
            Launch("a/b#1", "review", "ui", False, ["x"]),
        ),
        ("--issue MIN-1", None),
        ("--issue MIN-1 --", None),
        ("--issue", None),
        ("-- agent", None),
        ("--issue= -- agent", None),
        ("--help", None),
        ("--issue MIN-1 --help -- agent", None),
        ("--isue MIN-1 -- agent", None),
        ("-i MIN-1 agent", None),
        ("", None),
    ],
)
def test_the_command_line(line: str, expected: Launch | None) -> None:
    assert parse(line.split()) == expected


@pytest.mark.parametrize(
    ("issue", "role", "spelt"),
    [
        ("MIN-1", "review", ("MIN-1", "review")),
        ("min-1", "reviewer", ("MIN-1", "review")),
        ("owner/name#45", "", ("owner/name#45", "")),
        ("https://linear.app/w/issue/min-7/t", "Explore", ("MIN-7", "research")),
        ("none:overhead", "qa", ("none:overhead", "test")),
    ],
)
def test_issue_and_role_get_their_one_spelling(
    issue: str, role: str, spelt: tuple[str, str]
) -> None:
    launch = checked(PLAIN._replace(issue=issue, role=role))
    assert (launch.issue, launch.role) == spelt


HOSTILE = [
    "../x",
    "a\0b",
    "x" * 4096,
    "MIN-1\n",
    "MIN-1\x1b[2J",
    "CON",
    "con.txt",
    "a/../b#1",
    "\u202eMIN-1",
    "none:",
    "45",
    "MIN-1;rm",
    "",
]


@pytest.mark.parametrize("issue", HOSTILE)
def test_no_command_is_started_for_an_issue_that_is_none(issue: str) -> None:
    with pytest.raises(UsageError):
        checked(PLAIN._replace(issue=issue))


@pytest.mark.parametrize(
    "launch",
    [
        PLAIN._replace(role="wizard"),
        PLAIN._replace(capability="a b"),
        PLAIN._replace(capability="x" * 65),
    ],
)
def test_no_command_is_started_for_words_that_are_none(launch: Launch) -> None:
    with pytest.raises(UsageError):
        checked(launch)


def test_the_environment_has_this_owner_and_none_from_before() -> None:
    before = {"PATH": "/bin", "COSTD_ROLE": "review", "COSTD_CAPABILITY": "ui"}
    launch = PLAIN._replace(capability="api")
    assert environment({**before, "COSTD_ISSUE": "OLD-1"}, launch, "t") == {
        "PATH": "/bin",
        "COSTD_ISSUE": "MIN-1",
        "COSTD_CAPABILITY": "api",
        TOKEN: "t",
    }


@pytest.mark.parametrize(
    "line",
    [
        "claude",
        "claude -p",
        "/opt/bin/claude --model opus -p",
        "claude --settings {}",
        "claude --dangerously-skip-permissions",
        "claude -p --output-format=json -- doctor",
    ],
)
def test_a_new_conversation_is_given_a_session(line: str) -> None:
    words = line.split()
    command, session = chosen(words)
    assert re.fullmatch(
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", session
    )
    assert command == [words[0], "--session-id", session, *words[1:]]
    assert chosen(words)[1] != session


def test_a_prompt_is_no_subcommand() -> None:
    assert chosen(["claude", "Fix the test"])[1]
    assert chosen(["claude", "-p", "fix"])[1]


@pytest.mark.parametrize(
    "line",
    [
        "codex exec",
        "./run-claude.sh",
        "claude mcp list",
        "claude --debug doctor",
        "claude update",
        "claude somethingnew",
        "claude --version",
        "claude -h",
        "claude -c",
        "claude --continue",
        "claude -r",
        f"claude --resume {UUID}",
        f"claude --resume={UUID} --fork-session",
        f"claude --session-id {UUID} -p",
        "claude --bg",
        "claude --no-session-persistence -p",
    ],
)
def test_every_other_command_keeps_its_arguments(line: str) -> None:
    words = line.split()
    assert chosen(words) == (words, "")


@pytest.mark.parametrize(
    ("line", "session"),
    [
        (f"claude --resume {UUID}", UUID),
        (f"claude -p --session-id={UUID}", UUID),
        (f"claude -r {UUID} -p x", UUID),
        (f"claude --resume {UUID} --fork-session", ""),
        ("claude --resume name", ""),
        ("claude --resume", ""),
        (f"other --resume {UUID}", ""),
        (f"claude {UUID}", ""),
    ],
)
def test_a_session_that_the_arguments_name(line: str, session: str) -> None:
    assert named(line.split()) == session


@pytest.fixture
def agent_home(tmp_path: Path) -> Path:
    for name in ("sessions", f"projects/{slug('/p/app')}"):
        (tmp_path / "claude" / name).mkdir(parents=True)
    return tmp_path / "claude"


def sessions_of(agent_home: Path, token: str = "t") -> Sessions:
    environ = {"CLAUDE_CONFIG_DIR": str(agent_home), "COSTD_ISSUE": "MIN-1"}
    return Sessions(token, "/p/app", environ)


def register(agent_home: Path, pid: int, session: str) -> None:
    entry = {"pid": pid, "sessionId": session, "cwd": "/p/app"}
    (agent_home / f"sessions/{pid}.json").write_text(json.dumps(entry))


def begin(
    agent_home: Path, name: str, *, cwd: str = "/p/app", session: str = ""
) -> Path:
    lines: list[dict[str, object]] = [
        {"type": "summary"},
        {"type": "user", "cwd": cwd, "sessionId": session or name},
    ]
    path = agent_home / "projects" / slug("/p/app") / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_the_registry_names_the_session_of_a_process(agent_home: Path) -> None:
    found = sessions_of(agent_home)
    assert found.running(7) == set()
    register(agent_home, 7, "a")
    register(agent_home, 8, "b")
    assert found.running(7) == {"a"}
    register(agent_home, 7, "after-clear")
    assert found.running(7) == {"after-clear"}


linux = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="Linux tells"
)


@contextmanager
def process(**environ: str) -> Iterator[int]:
    """A child with nothing but this in its environment."""
    pipe = subprocess.PIPE
    with subprocess.Popen(["cat"], stdin=pipe, stdout=pipe, env=environ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()  # before it runs, nobody sees its environment
        yield child.pid


@linux
def test_descendants_are_known_by_what_they_inherit(agent_home: Path) -> None:
    with process(**{TOKEN: "t", "COSTD_ISSUE": "MIN-1"}) as pid:
        register(agent_home, pid, "s")
        assert sessions_of(agent_home).running(1) == {"s"}
        assert sessions_of(agent_home, "other").running(1) == set()
        # Its parent is not asked: an inner costd exec has replaced what it inherited.
        assert sessions_of(agent_home, "other").running(os.getpid()) == set()


@linux
@pytest.mark.parametrize(
    ("environ", "is_ours"),
    [
        ({}, True),
        ({"PATH": "/bin"}, True),
        ({TOKEN: "t"}, True),
        ({TOKEN: "t", "COSTD_ISSUE": "OTHER-1"}, False),
        ({"COSTD_ISSUE": "MIN-1"}, False),
        ({TOKEN: "another"}, False),
    ],
)
def test_who_was_given_another_issue_is_not_ours(
    agent_home: Path, environ: dict[str, str], is_ours: bool
) -> None:
    with process(**environ) as pid:
        register(agent_home, pid, "s")
        found = sessions_of(agent_home).running(os.getpid())
        assert found == ({"s"} if is_ours else set())


@linux
def test_a_process_of_nobody_here_is_not_ours(agent_home: Path) -> None:
    with process() as other, process() as pid:
        register(agent_home, pid, "s")
        assert sessions_of(agent_home).running(other) == set()


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"pid": 7}', '{"pid": 7, "sessionId": 1}', "[" * 99_999]
)
def test_an_entry_that_is_none_names_nobody(agent_home: Path, text: str) -> None:
    (agent_home / "sessions/7.json").write_text(text)
    assert sessions_of(agent_home).running(7) == set()


def test_only_what_began_since_in_that_directory_is_the_commands(
    agent_home: Path,
) -> None:
    begin(agent_home, "old")
    found = sessions_of(agent_home)
    assert found.begun() == set()
    begin(agent_home, "new")
    begin(agent_home, "agent-1", session="parent")
    begin(agent_home, "elsewhere", cwd="/p-app")
    (begin(agent_home, "half")).write_text('{"cwd": "/p/app", "sessionId": "x"}')
    (begin(agent_home, "rubbish")).write_text('\0{\n[1]\n{"cwd": 1}\n')
    assert found.begun() == {"new", "parent"}


def test_a_log_of_somebody_elses_process_is_not_the_commands(agent_home: Path) -> None:
    found = sessions_of(agent_home)
    begin(agent_home, "theirs")
    register(agent_home, 8, "theirs")
    assert found.running(7) == set()
    assert found.begun() == set()


def test_one_alone_and_several_together(tmp_path: Path) -> None:
    folder = str(tmp_path / "exec")
    first = Alone(folder, "-p-app")
    assert first.still()
    elsewhere = Alone(folder, "-p-other")
    assert elsewhere.still()
    second = Alone(folder, "-p-app")
    assert not first.still()
    assert not second.still()
    first.leave()
    third = Alone(folder, "-p-app")
    assert not third.still()
    second.leave()
    third.leave()
    assert Alone(folder, "-p-app").still()
    assert elsewhere.still()
    elsewhere.leave()


def test_the_last_one_leaves_nothing(tmp_path: Path) -> None:
    places = [Alone(str(tmp_path), "x" * 300) for _ in range(3)]
    for place in places:
        assert len(list(tmp_path.iterdir())) == 1
        place.leave()
    assert list(tmp_path.iterdir()) == []


def spooled(state_dir: Path) -> list[dict[str, object]]:
    paths = sorted((state_dir / "spool").glob("*.json"))
    return [json.loads(path.read_text())["params"] for path in paths]


def test_each_claim_is_said_once_and_those_that_end_again(state_dir: Path) -> None:
    claims = Claims("MIN-1", "review")
    claims.say("session", "s", ends=False)
    claims.say("pid", 7)
    claims.say("pid", 7)
    claims.say("session", "s")
    claims.end()
    # Messages of one millisecond stand in any order: keys and times tell what holds.
    said = sorted(spooled(state_dir), key=lambda c: (c.get("pid") or 0, "until" in c))
    assert [(c.get("session"), c.get("pid"), "until" in c) for c in said] == [
        ("s", None, False),
        (None, 7, False),
        (None, 7, True),
    ]
    assert said[1]["key"] == said[2]["key"] != said[0]["key"]
    assert {c["from"] for c in said} == {said[0]["from"]}
    assert said[2]["until"] >= said[2]["from"]  # type: ignore[operator]  # both are text
    assert not claims.problem


def test_a_problem_is_kept_to_be_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COSTD_STATE_DIR", str(tmp_path / "file"))
    claims = Claims("MIN-1", "")
    claims.say("pid", 7)
    assert "FileExistsError" in claims.problem


@pytest.mark.parametrize("issue", ["../x", "CON", "x" * 4096])
def test_words_for_a_person_who_mistypes(
    costd: Shown, state_dir: Path, tmp_path: Path, issue: str
) -> None:
    shown = costd("exec", "--issue", issue, "--", "touch", str(tmp_path / "started"))
    assert shown.code == 2
    assert "cannot be an issue" in shown.err
    assert len(shown.err) < 400
    assert not (tmp_path / "started").exists()
    assert not (state_dir / "spool").exists()


def test_the_whole_program_answers_what_is_not_plain(costd: Shown) -> None:
    shown = costd("exec", "--issue", "MIN-1")
    assert shown.code == 2
    assert "COMMAND" in shown.err
    shown = costd("exec", "--isue", "MIN-1", "--", "true")
    assert shown.code == 2
    assert "--isue" in shown.err
