"""What is in no log: processes and their environment, orchestrators, session maps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from costd.publish.files import DOCUMENT_NAME
from owned import Owned, owned, until
from worklog import BEGAN, stamp

HOUR = 3_600_000
ONE = 0.02505
S1, S2, S3 = (f"{n}1111111-0000-4000-8000-000000000000" for n in (1, 2, 3))

has_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="the platform shows no environment"
)


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Owned]:
    with owned(memory_dir, publishes=True) as made:
        yield made


# Processes.


@contextmanager
def process(book: Owned, session: str, **environ: str) -> Iterator[int]:
    """A process that the agent's registry says runs a session."""
    code = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()  # before that it has its parent's environment
        register(book, child.pid, session)
        yield child.pid
        assert child.stdin is not None
        child.stdin.close()


def register(book: Owned, pid: int, session: str) -> None:
    folder = book.top / "claude" / "sessions"
    folder.mkdir(exist_ok=True)
    (folder / f"{pid}.json").write_text(json.dumps({"pid": pid, "sessionId": session}))


def now_after(book: Owned) -> int:
    """Milliseconds after ``BEGAN`` that are now, by the ledger's clock."""
    at = book.ask("status")["generated_at"]
    from costd.core.instants import parse_instant  # noqa: PLC0415 - only here

    return (parse_instant(at) or 0) - BEGAN


@has_proc
def test_the_environment_of_a_live_process_names_the_issue(book: Owned) -> None:
    with process(book, S1, OVERDECK_ISSUE_ID="min-7", OVERDECK_SESSION_TYPE="review"):
        before = book.work.respond(S1, 0)
        message = book.work.respond(S1, now_after(book))
        book.sync()
        owner = book.owner(message)
        assert (owner["issue"], owner["rule"], owner["role"]) == (
            "MIN-7",
            "env",
            "review",
        )
        assert owner["confidence"] == 0.98
        assert book.owner(before)["issue"] == "none:default-branch"
    book.sync()
    (claim,) = book.ask("claims")["rows"]
    assert claim["until"], "it ends with its process"
    later = book.work.respond(S1, now_after(book) + 60_000)
    book.sync()
    assert book.owner(later)["issue"] == "none:default-branch"


@has_proc
def test_the_environment_is_asked_once_and_not_shown(book: Owned) -> None:
    with process(book, S1, COSTD_ISSUE="MIN-7", SECRET_TOKEN="hunter2"):
        book.sync()
        book.sync()
        claims = book.ask("claims", all=True)
        assert claims["count"] == 1
        assert "hunter2" not in json.dumps(claims)


def test_a_process_that_is_linked_first_brings_its_session_along(book: Owned) -> None:
    with process(book, S1) as pid:
        os.unlink(book.top / "claude" / "sessions" / f"{pid}.json")  # noqa: PTH108 - it is short
        assert book.link("MIN-1", pid=pid)["responses"] == 0
        register(book, pid, S1)
        message = book.work.respond(S1, now_after(book))
        book.sync()
        assert book.owner(message)["issue"] == "MIN-1"
    book.sync()
    (claim,) = book.ask("claims")["rows"]
    assert claim["selector"] == "pid"
    assert claim["until"]


def test_a_number_that_was_another_processs_says_nothing_of_that(book: Owned) -> None:
    book.work.respond(S1, 0)
    with process(book, S1) as pid:
        book.sync()
        os.unlink(book.top / "claude" / "sessions" / f"{pid}.json")  # noqa: PTH108 - it is short
        book.sync()
        assert book.link("MIN-1", pid=pid)["responses"] == 0


def test_a_process_that_runs_already_is_its_session(book: Owned) -> None:
    message = book.work.respond(S1, 0)
    with process(book, S1) as pid:
        book.sync()
        answer = book.ask("link", pid=pid, issue="MIN-1")
        assert (answer["claim"]["selector"], answer["claim"]["value"]) == (
            "session",
            S1,
        )
    assert book.owner(message)["issue"] == "MIN-1"


# Orchestrators.


def agent(home: Path, orchestrator: str, name: str, **files: Any) -> None:
    folder = home / orchestrator / "agents" / name
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / f"{file}.json").write_text(json.dumps(content))


def test_orchestrators_records_are_matched_by_session(
    memory_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = memory_dir / "home"
    monkeypatch.setenv("HOME", str(home))
    agent(
        home,
        ".overdeck",
        "agent-min-3-review",
        state={"issueId": "min-3", "role": "review", "workspace": "/src/app"},
        sessions=[S1],
    )
    agent(home, ".panopticon", "x", state={"issueId": "../x"}, sessions=[S2])
    (home / ".gt").mkdir()
    record = {"session_id": S3, "role": "polecat", "work_item": "gt-a1b2"}
    (home / ".gt/costs.jsonl").write_text(f"rubbish\n{json.dumps(record)}\n")
    with owned(memory_dir) as book:
        for session in (S1, S2, S3):
            book.work.respond(session, 0)
        book.sync()
        assert book.costs() == {
            "MIN-3": ONE,
            "none:default-branch": ONE,
            "gt-a1b2": ONE,
        }
        row = book.ask("explain", session=S1)
        assert (row["rule"], row["confidence"], row["role"]) == (
            "orchestrator",
            0.95,
            "review",
        )
        agent(home, ".overdeck", "y", state={"issueId": "PAN-1"}, sessions=[{"id": S2}])
        book.sync()
        assert book.costs()["PAN-1"] == ONE


# Session maps.


def entry(session: str, **fields: Any) -> dict[str, Any]:
    return {"id": session, "startedAt": None, "endedAt": None, **fields}


def write_map(path: Path, content: Any) -> None:
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def map_of(book: Owned) -> Path:
    return book.top / "out" / "session-map.json"


def published(book: Owned) -> Any:
    return json.loads(map_of(book).read_text())


def costs_in(path: Path) -> dict[str, float]:
    """Cost by issue, as a session map says."""
    found = json.loads(path.read_text()) if path.exists() else {}
    return {issue: value.get("totalCost") for issue, value in found.items()}


def test_the_map_has_every_session_of_every_issue(book: Owned) -> None:
    book.work.respond(S1, 0, branch="MIN-1")
    book.work.respond(S1, HOUR, branch="MIN-1")
    book.work.respond(S2, 0, branch="main")
    book.sync()
    until(lambda: costs_in(map_of(book)) == {"MIN-1": 2 * ONE})
    assert published(book) == {
        "MIN-1": {
            "sessions": [
                {
                    "id": S1,
                    "startedAt": stamp(BEGAN).replace(".000", ""),
                    "endedAt": stamp(BEGAN + HOUR).replace(".000", ""),
                    "type": "other",
                    "model": "claude-opus-5",
                    "runtime": "claude",
                    "cost": 2 * ONE,
                    "tokenCount": 2020,
                    "role": None,
                    "source": "costd",
                }
            ],
            "totalCost": 2 * ONE,
            "totalTokens": 2020,
        }
    }
    assert book.ask("claims", all=True)["count"] == 0, "its own words are no claims"


def test_an_entry_of_others_is_a_claim_and_stays_as_it_is(book: Owned) -> None:
    message = book.work.respond(S1, HOUR)
    outside = book.work.respond(S1, 3 * HOUR)
    book.sync()
    until(map_of(book).exists)
    times = {"startedAt": stamp(BEGAN), "endedAt": stamp(BEGAN + 2 * HOUR)}
    theirs = entry(S1, type="planning", agentId="x", **times)
    write_map(map_of(book), {"MIN-1": {"sessions": [theirs], "note": "mine"}})
    book.tick()
    owner = book.owner(message)
    assert (owner["issue"], owner["rule"], owner["role"]) == (
        "MIN-1",
        "orchestrator",
        "planning",
    )
    assert book.owner(outside)["issue"] == "none:default-branch"
    until(lambda: published(book)["MIN-1"].get("totalCost") == ONE)
    issue = published(book)["MIN-1"]
    assert issue["note"] == "mine"
    (found,) = issue["sessions"]
    assert found.items() >= theirs.items()
    assert (found["cost"], found["model"]) == (ONE, "claude-opus-5")
    assert "source" not in found
    for _ in range(2):
        book.tick()
    assert book.ask("claims", all=True)["count"] == 1


def test_an_entry_that_changes_replaces_what_it_said(book: Owned) -> None:
    for hour in range(3):
        book.work.respond(S1, hour * HOUR)
    book.sync()
    until(map_of(book).exists)
    for end, owned_hours in ((1, 1), (2, 2), (1, 1)):
        theirs = entry(S1, endedAt=stamp(BEGAN + end * HOUR), startedAt=stamp(BEGAN))
        write_map(map_of(book), {"MIN-1": {"sessions": [theirs]}})
        book.tick()
        assert book.costs()["MIN-1"] == owned_hours * ONE
    book.link("MIN-9", session=S1, within="/nowhere")
    for hour in range(3, 5):
        book.work.respond(S1, hour * HOUR, branch="MIN-1")
        book.tick()
    assert book.ask("claims", all=True)["count"] == 4
    assert book.ask("claims")["count"] == 2


def test_a_session_that_is_not_there_yet_may_be_mapped(book: Owned) -> None:
    until(map_of(book).exists)
    write_map(map_of(book), {"MIN-1": {"sessions": [entry(S1)]}})
    book.tick()
    book.work.respond(S1, 0)
    book.sync()
    assert book.costs() == {"MIN-1": ONE}


@pytest.mark.parametrize(
    "broken",
    ["", "{", "[]", "nul", '{"MIN-1": {"sessions": {}}}', '{"MIN-1": {"sessions"'],
)
def test_a_broken_map_is_reported_and_its_last_good_words_stand(
    book: Owned, broken: str
) -> None:
    book.work.respond(S1, 0)
    book.sync()
    until(map_of(book).exists)
    write_map(map_of(book), {"MIN-1": {"sessions": [entry(S1)]}})
    book.tick()
    assert book.costs() == {"MIN-1": ONE}
    write_map(map_of(book), broken)
    book.work.respond(S1, 1)
    book.tick()
    assert book.costs() == {"MIN-1": 2 * ONE}
    codes = {problem["code"] for problem in book.ask("status")["health"]}
    if broken:
        assert "session_map" in codes
        assert map_of(book).read_text() == broken
        write_map(map_of(book), {})
        book.tick()
    codes = {problem["code"] for problem in book.ask("status")["health"]}
    assert "session_map" not in codes


def test_entries_that_cannot_be_used_are_counted_and_kept(book: Owned) -> None:
    until(map_of(book).exists)
    content = {
        "../x": {"sessions": [entry(S1)]},
        "MIN-1": {"sessions": [entry(S2), entry("a\0b"), 7, entry(S3, endedAt="soon")]},
    }
    write_map(map_of(book), content)
    for session in (S1, S2, S3):
        book.work.respond(session, 0)
    book.tick()
    assert book.costs() == {"MIN-1": ONE, "none:default-branch": 2 * ONE}
    (problem,) = [p for p in book.ask("status")["health"] if p["code"] == "session_map"]
    assert problem["message"].startswith("4 entries")
    until(lambda: published(book)["MIN-1"].get("totalCost") == ONE)
    assert published(book)["../x"]["sessions"] == [entry(S1)]
    assert len(published(book)["MIN-1"]["sessions"]) == 4


def test_what_is_unlinked_does_not_come_back(book: Owned) -> None:
    book.work.respond(S1, 0)
    book.sync()
    until(map_of(book).exists)
    write_map(map_of(book), {"MIN-1": {"sessions": [entry(S1)]}})
    book.tick()
    book.ask("unlink", session=S1)
    book.work.respond(S2, 0, branch="PAN-1")
    for _ in range(2):
        book.tick()
    assert book.costs() == {"none:default-branch": ONE, "PAN-1": ONE}
    until(lambda: "PAN-1" in published(book))
    assert "MIN-1" not in published(book)


def test_an_orchestrator_that_forgets_whose_entries_are_whose(book: Owned) -> None:
    book.work.respond(S1, 0, branch="MIN-1")
    book.sync()
    until(lambda: map_of(book).exists() and published(book))
    copied = published(book)
    del copied["MIN-1"]["sessions"][0]["source"]
    copied["MIN-2"] = {"sessions": [entry(S2)]}
    write_map(map_of(book), copied)
    book.tick()
    assert [row["value"] for row in book.ask("claims")["rows"]] == [S2]


def test_other_maps_get_the_same_in_their_own_form(memory_dir: Path) -> None:
    mirror = memory_dir / "mirror"
    mirror.mkdir()
    theirs = {"version": 1, "issues": {"MIN-9": {"sessions": [entry(S2)]}}}
    write_map(mirror / "session-map.json", theirs)
    config = f'[output]\nmirror_dirs = ["{mirror}"]\n'
    with owned(memory_dir, config=config, publishes=True) as book:
        book.work.respond(S1, 0, branch="MIN-1")
        book.work.respond(S2, 0)
        book.sync()

        def mirrored() -> Any:
            return json.loads((mirror / "session-map.json").read_text())

        until(lambda: mirrored()["issues"].keys() == {"MIN-1", "MIN-9"})
        assert mirrored()["version"] == 1
        until(lambda: published(book).keys() == {"MIN-1", "MIN-9"})


def test_only_issues_that_changed_are_published(book: Owned) -> None:
    book.work.respond(S1, 0, branch="MIN-1")
    book.work.respond(S2, 0, branch="owner/MIN-2")
    book.sync()
    until(lambda: "issues/MIN-2.json" in book.published)
    file = book.published["issues/MIN-2.json"]
    assert (file["issueId"], file["totalCost"]) == ("MIN-2", ONE)
    assert file["byModel"] == {"claude-opus-5": ONE}
    assert book.ask("issue", id="MIN-2").items() >= file.items()
    by_issue = book.published["costs-by-issue.json"]
    asked = book.ask("costs_by_issue")
    assert by_issue["issues"] == asked["issues"]
    assert by_issue["buckets"] == asked["buckets"]
    published = book.published
    assert isinstance(published, dict)
    published.clear()
    book.work.respond(S1, 1, branch="MIN-1")
    book.sync()
    until(lambda: "issues/MIN-1.json" in published)
    assert "issues/MIN-2.json" not in published
    book.link("none:overhead", session=S1)
    until(lambda: published["issues/MIN-1.json"]["totalCost"] == 0)
    until(lambda: published["costs-by-issue.json"]["buckets"])
    (bucket,) = published["costs-by-issue.json"]["buckets"]
    assert (bucket["issueId"], bucket["totalCost"]) == ("none:overhead", 2 * ONE)
    assert bucket["sessionCount"] == 1


def test_many_issues_are_published_in_parts_and_all_of_them(book: Owned) -> None:
    many = {f"MIN-{number}" for number in range(1, 241)}
    for number, issue in enumerate(sorted(many)):
        book.work.respond(S1, number, branch=issue)
    book.sync()
    files = {f"issues/{issue}.json" for issue in many}
    until(lambda: listed(book) == many)
    assert files <= book.published.keys(), "what is about all came before all of it"
    book.link("PAN-1", session=S1)
    until(lambda: listed(book) == {"PAN-1"})
    assert all(book.published[file]["totalCost"] == 0 for file in files)


def listed(book: Owned) -> set[str]:
    issues = book.published.get("costs-by-issue.json", {}).get("issues", [])
    return {entry["issueId"] for entry in issues}


@pytest.mark.parametrize(
    "issue",
    [
        "owner/name#45",
        "owner/name!45",
        "a.b@c:d+e",
        "x" * 128,
        "AUX-1",
        "a-" + "0" * 16,
    ],
)
def test_the_file_of_an_issue_stays_in_its_directory(book: Owned, issue: str) -> None:
    book.work.respond(S1, 0)
    book.sync()
    book.link(issue, session=S1)
    until(lambda: any(name.startswith("issues/") for name in book.published))
    (name,) = [name for name in book.published if name.startswith("issues/")]
    assert DOCUMENT_NAME.fullmatch(name)
    assert book.published[name]["issueId"] == issue


def test_a_map_of_ours_alone_is_read_again_once_somebody_writes_into_it(
    book: Owned,
) -> None:
    book.work.respond(S1, 0)
    book.link("MIN-1", session=S1)
    book.sync()
    path = map_of(book)
    until(lambda: path.exists() and S1 in path.read_text())
    book.work.respond(S2, 0)
    book.link("MIN-2", session=S2)
    book.sync()
    until(lambda: S2 in path.read_text())
    theirs = json.loads(path.read_text())
    theirs["MIN-3"] = {"sessions": [{"id": S3, "type": "review"}], "note": "kept"}
    path.write_text(json.dumps(theirs))
    message = book.work.respond(S3, 0)
    book.sync()
    assert book.owner(message)["issue"] == "MIN-3"
    book.work.respond(S1, 60_000)
    book.sync()
    until(lambda: json.loads(path.read_text())["MIN-3"].get("totalCost") == ONE)
    assert json.loads(path.read_text())["MIN-3"]["note"] == "kept"
