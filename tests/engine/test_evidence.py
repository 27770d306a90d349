"""What nobody claims is found out: places, repositories, keys, parents."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from costd.ingest.repositories import MAY_LOOK
from owned import Owned, owned
from worklog import BEGAN, log_of, stamp

HOUR = 3_600_000
ONE = 0.02505
S1, S2, S3 = (f"{n}1111111-0000-4000-8000-000000000000" for n in (1, 2, 3))

looks = pytest.mark.skipif(not MAY_LOOK, reason="nothing is looked up on this platform")


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Owned]:
    with owned(memory_dir) as made:
        yield made


def repository(
    root: Path, remote: str = "git@github.com:owner/name.git", subjects: str = ""
) -> Path:
    """A repository as git leaves it, as far as anybody reads it."""
    git = root / ".git"
    (git / "refs" / "remotes" / "origin").mkdir(parents=True)
    (git / "logs").mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(
        f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {remote}\n'
    )
    (git / "refs/remotes/origin/HEAD").write_text("ref: refs/remotes/origin/next-gen\n")
    lines = [f"0 1 N <e> 1 +0000\tcommit: {s}\n" for s in subjects.splitlines()]
    (git / "logs" / "HEAD").write_text("".join(lines))
    return root


# Splits.


def test_a_session_that_changes_its_branch_is_split_at_that_line(book: Owned) -> None:
    first = book.work.respond(S1, 0, branch="feature/MIN-1")
    second = book.work.respond(S1, 1000, branch="feature/MIN-2")
    third = book.work.respond(S1, 2000, branch="feature/MIN-1")
    book.sync()
    owners = [book.owner(m)["issue"] for m in (first, second, third)]
    assert owners == ["MIN-1", "MIN-2", "MIN-1"]
    assert book.costs() == {"MIN-1": 2 * ONE, "MIN-2": ONE}
    session = book.ask("issue", id="MIN-2")["by_session"]
    assert [(row["session_id"], row["responses"]) for row in session] == [(S1, 1)]


def test_a_directory_change_splits_too(book: Owned) -> None:
    book.work.respond(S1, 0, cwd="/src/app/workspaces/feature-MIN-5", branch="HEAD")
    book.work.respond(S1, 1, cwd="/src/app", branch="main")
    book.sync()
    assert book.costs() == {"MIN-5": ONE, "none:default-branch": ONE}


# Keys.


def test_a_key_that_branches_prove_moves_what_was_found_before(book: Owned) -> None:
    for number in (1, 2):
        book.work.respond(S1, number, branch=f"feature/zed-{number}")
    book.sync()
    assert book.costs() == {"none:no-match": 2 * ONE}
    suggested = book.ask("suggest")["rows"]
    assert [row["issue"] for row in suggested] == ["ZED-1", "ZED-2"]
    book.work.respond(S2, 3, branch="feature/zed-30")
    book.sync()
    assert book.costs() == {"ZED-1": ONE, "ZED-2": ONE, "ZED-30": ONE}
    assert book.ask("suggest")["rows"] == []


def test_keys_of_one_project_prove_nothing_in_another(book: Owned) -> None:
    for number in (1, 2, 30):
        book.work.respond(S1, number, branch=f"zed-{number}", cwd="/src/one")
    book.work.respond(S2, 4, branch="zed-4", cwd="/src/two")
    book.sync()
    assert book.costs()["none:no-match"] == ONE


def test_proven_keys_are_known_after_a_restart(memory_dir: Path) -> None:
    with owned(memory_dir) as book:
        for number in (1, 2, 30):
            book.work.respond(S1, number, branch=f"zed-{number}")
        book.sync()
    with owned(memory_dir) as book:
        book.work.respond(S2, 4, branch="zed-4")
        book.sync()
        assert book.costs()["ZED-4"] == ONE
        answer = book.ask("explain", branch="zed-5", cwd="/src/app")
        assert (answer["issue"], answer["rule"]) == ("ZED-5", "branch")


# Repositories on disk.


@looks
def test_a_number_belongs_to_the_repository_of_its_directory(
    book: Owned, tmp_path: Path
) -> None:
    root = repository(tmp_path / "app")
    (root / "deep").mkdir()
    message = book.work.respond(S1, 0, cwd=str(root / "deep"), branch="45-title")
    nowhere = book.work.respond(S1, 1, cwd="/src/app", branch="45-title")
    book.sync()
    assert book.owner(message)["issue"] == "owner/name#45"
    assert book.owner(nowhere)["issue"] == "none:no-match"
    answer = book.ask("explain", branch="46-x", cwd=str(root / "deep"))
    assert answer["issue"] == "owner/name#46"
    (row,) = book.ask("report", by=["project"], filters={"issue": ["owner/name#45"]})[
        "rows"
    ]
    assert row["project"] == "app"


@looks
def test_a_place_is_explained_before_any_work_was_done_there(
    book: Owned, tmp_path: Path
) -> None:
    root = repository(tmp_path / "app")
    answer = book.ask("explain", branch="fix/46-title", cwd=str(root))
    assert answer["issue"] == "owner/name#46"
    book.link("MIN-1", cwd=str(root))
    answer = book.ask("explain", branch="fix/46-title", cwd=str(root))
    assert (answer["issue"], answer["rule"]) == ("MIN-1", "claim")
    message = book.work.respond(S1, 0, cwd=str(root), branch="fix/46-title")
    book.sync()
    assert book.owner(message)["issue"] == "MIN-1"
    other = book.ask("explain", branch="46-x", cwd="/src/app", repo="them/theirs")
    assert other["issue"] == "them/theirs#46"


@looks
def test_what_was_found_stays_when_the_directory_goes(memory_dir: Path) -> None:
    root = repository(memory_dir / "app")
    with owned(memory_dir) as book:
        book.work.respond(S1, 0, cwd=str(root), branch="45-title")
        book.sync()
    shutil.rmtree(root)
    with owned(memory_dir) as book:
        book.work.respond(S2, 1, cwd=str(root), branch="46-title")
        book.sync()
        assert book.costs() == {"owner/name#45": ONE, "owner/name#46": ONE}


@looks
def test_a_worktree_belongs_to_its_repository(book: Owned, tmp_path: Path) -> None:
    root = repository(tmp_path / "app")
    inside = root / ".git" / "worktrees" / "t"
    inside.mkdir(parents=True)
    (inside / "commondir").write_text("../..\n")
    tree = tmp_path / "elsewhere"
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {inside}\n")
    message = book.work.respond(S1, 0, cwd=str(tree), branch="issue-7")
    book.sync()
    assert book.owner(message)["issue"] == "owner/name#7"
    (row,) = book.ask("report", by=["project"])["rows"]
    assert row["project"] == "app"


@looks
def test_default_branch_history_and_no_repository(book: Owned, tmp_path: Path) -> None:
    root = repository(tmp_path / "app", subjects="ABC-1 one\nABC-2 two\nFix ABC-2\n")
    default = book.work.respond(S1, 0, cwd=str(root), branch="next-gen")
    known = book.work.respond(S1, 1, cwd=str(root), branch="fix/abc-17")
    plain = tmp_path / "plain"
    plain.mkdir()
    outside = book.work.respond(S1, 2, cwd=str(plain), branch="HEAD")
    gone = book.work.respond(S1, 3, cwd=str(tmp_path / "gone"), branch="topic")
    book.sync()
    assert [book.owner(m)["issue"] for m in (default, known, outside, gone)] == [
        "none:default-branch",
        "ABC-17",
        "none:no-repo",
        "none:no-match",
    ]


@looks
def test_beads_of_a_repository_are_known(book: Owned, tmp_path: Path) -> None:
    root = repository(tmp_path / "app")
    (root / ".beads").mkdir()
    (root / ".beads/config.yaml").write_text('# x\nissue-prefix: "gt"\n')
    message = book.work.respond(S1, 0, cwd=str(root), branch="work/gt-a1b2")
    book.sync()
    assert book.owner(message)["issue"] == "gt-a1b2"


# Parents.


def worktree(book: Owned, session: str, path: str, branch: str) -> None:
    tree = {"worktreePath": path, "worktreeBranch": branch, "originalCwd": "/src/app"}
    line = {"type": "worktree-state", "sessionId": session, "worktreeSession": tree}
    book.work.write(log_of(session), line)


def test_the_real_branch_of_a_worktree_decides(book: Owned) -> None:
    worktree(book, S1, "/src/app/.claude/worktrees/wood", "feature/MIN-8")
    cwd = "/src/app/.claude/worktrees/wood/deep"
    message = book.work.respond(S1, 0, cwd=cwd, branch="main")
    book.sync()
    assert book.owner(message)["issue"] == "MIN-8"


def test_a_subagent_inherits_what_its_session_works_on_at_that_time(
    book: Owned,
) -> None:
    book.work.respond(S1, 0, branch="MIN-1")
    early = book.work.respond(S1, 1, branch="worktree-agent-a1b2c3", agent="a1")
    book.work.respond(S1, 2, branch="MIN-2")
    late = book.work.respond(S1, 3, branch="worktree-agent-a1b2c3", agent="a1")
    book.sync()
    owners = [book.owner(m) for m in (early, late)]
    assert [o["issue"] for o in owners] == ["MIN-1", "MIN-2"]
    assert {o["rule"] for o in owners} == {"inherit"}
    assert owners[0]["confidence"] < 0.95


def test_it_does_not_matter_which_log_is_read_first(book: Owned) -> None:
    message = book.work.respond(S1, 5, branch="worktree-agent-a1b2c3", agent="a1")
    book.sync()
    assert book.owner(message)["issue"] == "none:no-match"
    book.work.respond(S1, 0, branch="MIN-1")
    book.sync()
    assert book.owner(message)["issue"] == "MIN-1"
    book.work.respond(S1, 4, branch="MIN-2")
    book.sync()
    assert book.owner(message)["issue"] == "MIN-2"
    book.work.respond(S1, 6, branch="MIN-3")
    book.sync()
    assert book.owner(message)["issue"] == "MIN-2"


def test_a_session_that_goes_back_takes_its_subagents_along(book: Owned) -> None:
    branch = "worktree-agent-a1b2c3"
    book.work.respond(S1, 0, branch="MIN-1")
    book.work.respond(S1, 1, branch="MIN-2")
    message = book.work.respond(S1, 9, branch=branch, agent="a1")
    book.sync()
    assert book.owner(message)["issue"] == "MIN-2"
    book.work.respond(S1, 5, branch="MIN-1")  # a place that is known already
    book.sync()
    assert book.owner(message)["issue"] == "MIN-1"


def test_a_claim_about_a_branch_reaches_the_subagents_of_its_sessions(
    book: Owned,
) -> None:
    book.work.respond(S1, 0, branch="topic")
    message = book.work.respond(S1, 1, branch="worktree-agent-a1b2c3", agent="a1")
    book.sync()
    assert book.link("MIN-1", branch="topic")["responses"] == 2
    assert book.owner(message)["issue"] == "MIN-1"


def note(book: Owned, session: str, agent: str, **fields: str) -> None:
    path = book.work.root / log_of(session, agent).replace(".jsonl", ".meta.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields))


def test_a_subagent_of_a_subagent_inherits_from_that(book: Owned) -> None:
    branch = "worktree-agent-a1b2c3"
    note(book, S1, "a2", agentType="Explore", parentAgentId="a1")
    book.work.respond(S1, 0, branch="MIN-1")
    book.work.respond(S1, 1, branch="MIN-9", agent="a1")
    message = book.work.respond(S1, 2, branch=branch, agent="a2")
    book.sync()
    assert book.owner(message)["issue"] == "MIN-9"
    assert book.owner(message)["role"] == "research"


def test_agents_that_started_each_other_belong_to_the_session(book: Owned) -> None:
    note(book, S1, "a1", parentAgentId="a2")
    note(book, S1, "a2", parentAgentId="a1")
    book.work.respond(S1, 0, branch="MIN-1")
    for agent in ("a1", "a2"):
        book.work.respond(S1, 1, branch="worktree-agent-a1b2c3", agent=agent)
    book.sync()
    assert book.costs() == {"MIN-1": round(3 * ONE, 9)}


def test_the_kind_of_a_subagent_names_its_role(book: Owned) -> None:
    note(book, S1, "a1", agentType="pr-review-toolkit:code-reviewer")
    book.work.respond(S1, 0, branch="MIN-1")
    book.work.respond(S1, 1, branch="MIN-1", agent="a1")
    book.work.respond(S1, 2, branch="MIN-1", agent="acompact-77")
    book.sync()
    answer = book.ask("issue", id="MIN-1")
    assert {row["role"] for row in answer["by_role"]} == {None, "review", "maintenance"}
    (reviewer,) = [s for s in answer["subagents"] if s["agent_id"] == "a1"]
    assert reviewer["agent_type"] == "pr-review-toolkit:code-reviewer"
    by_agent = book.ask("session", id=S1)["by_agent"]
    types = {row["agent_id"]: row["agent_type"] for row in by_agent}
    assert types == {"": None, "a1": reviewer["agent_type"], "acompact-77": None}


def test_a_note_that_comes_later_counts_with_the_next_lines(book: Owned) -> None:
    book.work.respond(S1, 1, branch="MIN-1", agent="a1")
    book.sync()
    note(book, S1, "a1", agentType="code-reviewer")
    book.work.respond(S1, 2, branch="MIN-1", agent="a1")
    book.sync()
    (role,) = book.ask("issue", id="MIN-1")["by_role"]
    assert (role["role"], role["responses"]) == ("review", 2)


def test_a_fork_inherits_from_the_session_that_it_was_copied_from(book: Owned) -> None:
    message = book.work.respond(S1, 0, branch="topic")
    book.sync()
    # The copy has the fork's session id, as Claude Code writes it.
    book.work.respond(S2, 0, branch="topic", message=message)
    own = book.work.respond(S2, 60_000, branch="topic")
    book.sync()
    assert book.link("MIN-1", session=S1)["responses"] == 2
    owner = book.owner(own)
    assert (owner["issue"], owner["rule"]) == ("MIN-1", "inherit")
    book.work.respond(S2, 120_000, branch="topic")
    book.sync()
    assert book.costs() == {"MIN-1": round(3 * ONE, 9)}
    book.ask("unlink", session=S1)
    assert book.costs() == {"none:no-match": round(3 * ONE, 9)}


def test_a_fork_that_is_read_before_its_parent_inherits_too(book: Owned) -> None:
    copied = book.work.respond(S2, 0, branch="topic")
    own = book.work.respond(S2, 60_000, branch="topic")
    book.link("MIN-1", session=S1)
    book.sync()
    assert book.owner(own)["issue"] == "none:no-match"
    # The parent's log is older by its first line.
    book.work.respond(S1, -60_000, branch="topic")
    book.work.respond(S1, 0, branch="topic", message=copied)
    book.sync()
    assert book.ask("explain", response=copied)["session_id"] == S1
    assert book.owner(own)["issue"] == "MIN-1"


def test_of_two_sessions_that_were_copied_the_nearer_one_is_the_parent(
    book: Owned,
) -> None:
    book.work.respond(S2, -60_000, branch="topic")
    oldest = book.work.respond(S2, 0, branch="topic")
    book.work.respond(S1, -30_000, branch="topic")
    book.sync()
    book.work.respond(S1, 0, branch="topic", message=oldest)
    newer = book.work.respond(S1, 60_000, branch="topic")
    book.sync()
    book.work.respond(S3, 0, branch="topic", message=oldest)
    book.work.respond(S3, 60_000, branch="topic", message=newer)
    own = book.work.respond(S3, 120_000, branch="topic")
    book.sync()
    book.link("MIN-1", session=S1)
    assert book.owner(own)["issue"] == "MIN-1"


def test_branches_of_no_project_prove_nothing_together(book: Owned) -> None:
    for number in (1, 2, 30):
        book.work.respond(S1, number, branch=f"zed-{number}", cwd="")
    book.sync()
    assert "ZED-1" not in book.costs()


# Pull requests.


def pull(book: Owned, session: str, number: int, at: int) -> None:
    line = {
        "type": "pr-link",
        "sessionId": session,
        "prNumber": number,
        "prUrl": f"https://github.com/owner/name/pull/{number}",
        "prRepository": "owner/name",
        "timestamp": stamp(BEGAN + at),
    }
    book.work.write(log_of(session), line)


def test_pull_requests_have_the_time_of_their_first_link(book: Owned) -> None:
    book.work.respond(S1, 0, branch="MIN-1")
    pull(book, S1, 7, HOUR)
    pull(book, S1, 7, 3 * HOUR)
    book.sync()
    (request,) = book.ask("issue", id="MIN-1")["prs"]
    assert request == {
        "url": "https://github.com/owner/name/pull/7",
        "number": 7,
        "repository": "owner/name",
        "linked_at": stamp(BEGAN + HOUR).replace(".000", ""),
        "last_at": stamp(BEGAN + 3 * HOUR).replace(".000", ""),
        "sessions": [S1],
    }


def test_work_goes_into_the_pull_request_that_it_leads_to(book: Owned) -> None:
    for hour in (0, 1, 2, 4, 8):
        book.work.respond(S1, hour * HOUR)
    pull(book, S1, 1, 3 * HOUR)
    pull(book, S1, 2, 6 * HOUR)
    book.work.respond(S2, 0)
    book.sync()
    rows = book.ask("report", by=["pr"])["rows"]
    counts = {row["pr"].rpartition("/")[2]: row["responses"] for row in rows}
    assert counts == {"": 1, "1": 3, "2": 2}


# Suggestions.


def test_what_could_be_linked_can_be_linked_at_once(book: Owned) -> None:
    book.work.respond(S1, 0, branch="feature/zed-7", output=3000)
    book.work.respond(S2, 0, branch="main")
    book.work.respond(S2, 1, branch="MIN-4")
    book.work.respond("several", 0, branch="main")
    book.work.respond("several", 1, branch="MIN-5")
    book.work.respond("several", 2, branch="MIN-6")
    book.work.respond(S3, 0, branch="main", output=2000)
    pull(book, S3, 9, HOUR)
    book.sync()
    answer = book.ask("suggest")
    assert [
        (row["selector"], row["issue"], row["reason"]) for row in answer["rows"]
    ] == [
        ("branch", "ZED-7", "candidate"),
        ("session", "owner/name!9", "pull-request"),
        ("session", "MIN-4", "same-session"),
    ]
    assert (
        answer["rows"][0]["command"]
        == "costd link --branch feature/zed-7 --issue ZED-7"
    )
    assert answer["apply_command"] == "costd suggest --apply"
    # All of time is read from days, a span of it by quarters of an hour.
    assert book.ask("suggest", since="2020-01-01")["rows"] == answer["rows"]
    before = book.costs()
    done = book.ask("link_suggested")
    assert len(done["claims"]) == answer["applicable"]
    after = book.costs()
    assert after["ZED-7"] == answer["rows"][0]["cost_usd"]
    assert round(sum(before.values()), 9) == round(sum(after.values()), 9)
    assert book.ask("link_suggested")["claims"] == []


def test_what_has_no_price_costs_not_nothing(book: Owned) -> None:
    book.work.respond(S1, 0, branch="feature/zed-7", model="nobody-knows")
    book.work.respond(S2, 0, branch="feature/zed-8")
    book.work.respond(S2, 1, branch="feature/zed-8", model="nobody-knows")
    book.sync()
    answer = book.ask("suggest")
    assert book.ask("suggest", until="2100-01-01")["rows"] == answer["rows"]
    dear, unknown = answer["rows"]
    assert (unknown["cost_usd"], unknown["unpriced_responses"]) == (None, 1)
    assert (dear["cost_usd"], dear["unpriced_responses"]) == (0.02505, 1)
    assert answer["applicable_unpriced_responses"] == 2
    moved = book.ask("link_suggested")["moved"]
    assert (moved["cost_usd"], moved["unpriced_responses"]) == (0.02505, 2)
    costs = {row["to"]: row["cost_usd"] for row in moved["rows"]}
    assert costs == {"ZED-7": None, "ZED-8": 0.02505}


def test_what_an_owner_has_in_a_session_is_a_bound_or_unknown(book: Owned) -> None:
    for session, branch in ((S1, "min-1"), (S1, "min-2"), (S2, "min-3")):
        book.work.respond(session, 0, branch=branch)
    book.work.respond(S1, 1, branch="min-1", model="nobody-knows")
    book.work.respond(S2, 1, branch="min-4", model="nobody-knows")
    book.sync()
    found = [
        (each["branch"], each["responses"], each["cost_usd"], each["lower_bound"])
        for session in (S1, S2)
        for each in book.ask("explain", session=session)["owners"]
    ]
    assert sorted(found) == [
        ("min-1", 2, 0.02505, True),
        ("min-2", 1, 0.02505, False),
        ("min-3", 1, 0.02505, False),
        ("min-4", 1, None, True),
    ]


def prompt(book: Owned, session: str, text: object, **fields: object) -> None:
    """A line that a person, or the agent for itself, wrote."""
    line = {
        "type": "user",
        "sessionId": session,
        "timestamp": stamp(BEGAN),
        "message": {"role": "user", "content": text},
    }
    book.work.write(log_of(session, str(fields.get("agentId", ""))), {**line, **fields})


URL = "https://linear.app/team/issue/zed-7/secret-title"
OTHER_URL = "https://github.com/owner/name/issues/8"


def suggested(book: Owned) -> list[tuple[str, str]]:
    book.sync()
    rows = book.ask("suggest")["rows"]
    return [(row["reason"], row["issue"]) for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        f"Work on {URL}, please",
        [{"type": "text", "text": f"Work on {URL}"}, {"type": "image", "source": {}}],
        f"<command-name>/fix</command-name><command-args>{URL}</command-args>",
        f"Do it: {URL}<system-reminder>{OTHER_URL}</system-reminder>",
        [{"type": "text", "text": f"<ide_opened_file>{OTHER_URL}"},
         {"type": "text", "text": URL}],
    ],
)  # fmt: skip
def test_the_address_in_the_first_prompt_is_suggested(
    book: Owned, text: object
) -> None:
    prompt(
        book, S1, "<local-command-stdout>https://x/browse/NO-1</local-command-stdout>"
    )
    prompt(book, S1, "<command-name>/clear</command-name>")
    prompt(book, S1, f"{OTHER_URL} of a skill", isMeta=True)
    prompt(book, S1, [{"type": "tool_result", "content": OTHER_URL}])
    prompt(book, S1, text)
    prompt(book, S1, f"And {OTHER_URL}")
    message = book.work.respond(S1, 0)
    assert suggested(book) == [("prompt-url", "ZED-7")]
    assert book.costs() == {"none:default-branch": ONE}
    (row,) = book.ask("suggest")["rows"]
    assert (row["selector"], row["value"], row["confidence"]) == ("session", S1, 0.5)
    book.ask("link_suggested")
    assert book.owner(message)["issue"] == "ZED-7"
    assert suggested(book) == []


@pytest.mark.parametrize(
    "text", ["Nothing", f"{URL} or {OTHER_URL}", "ZED-7", [{"type": "image"}]]
)
def test_the_first_prompt_alone_is_looked_at(book: Owned, text: object) -> None:
    prompt(book, S1, text)
    book.sync()
    prompt(book, S1, URL)
    book.work.respond(S1, 0)
    assert suggested(book) == []


def test_a_prompt_to_a_subagent_says_nothing(book: Owned) -> None:
    prompt(book, S1, URL, agentId="a1", isSidechain=True)
    prompt(book, S1, URL, isSidechain=True)
    book.work.respond(S1, 0)
    book.work.respond(S1, 0, agent="a1")
    assert suggested(book) == []


def test_what_has_an_owner_needs_no_prompt(book: Owned) -> None:
    prompt(book, S1, URL)
    book.work.respond(S1, 0, branch="MIN-1")
    book.work.respond(S1, 1, branch="main")
    book.work.respond(S1, 2, branch="MIN-2")
    assert suggested(book) == []


def test_of_a_prompt_only_the_issue_is_kept(book: Owned) -> None:
    prompt(book, S1, f"secret words {URL}")
    book.work.respond(S1, 0)
    book.sync()
    kept = b"".join(
        f.read_bytes() for f in (book.top / "state").rglob("*") if f.is_file()
    )
    assert b"ZED-7" in kept
    assert b"secret" not in kept


def test_two_issues_in_one_name_are_left_to_people(book: Owned) -> None:
    for number in (1, 2, 30):
        book.work.respond(S1, number, branch=f"min-{number}")
        book.work.respond(S1, number + 50, branch=f"pan-{number}")
    book.work.respond(S2, 99, branch="min-5-pan-6")
    book.sync()
    (row,) = book.ask("suggest")["rows"]
    assert (row["reason"], row["bucket"]) == ("ambiguous", "none:ambiguous")
    done = book.ask("link_suggested")
    assert (done["claims"], done["skipped"]) == ([], 1)
