"""Whoever says whose the work is: before it, during it, after it; and takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costd.core.errors import NotFoundError, UsageError
from owned import Owned, owned
from worklog import BEGAN, stamp

HOUR = 3_600_000
ONE = 0.02505
"""What one response of the work log costs, USD."""
S1, S2 = (f"{n}1111111-0000-4000-8000-000000000000" for n in (1, 2))


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Owned]:
    with owned(memory_dir) as made:
        yield made


def test_a_claim_moves_what_was_spent_before_it(book: Owned) -> None:
    book.work.respond(S1, 0)
    book.work.respond(S2, 0)
    book.sync()
    assert book.costs() == {"none:default-branch": 2 * ONE}
    assert book.link("MIN-1", session=S1, role="reviewer") == {
        "responses": 1,
        "cost_usd": ONE,
        "unpriced_responses": 0,
        "from": [
            {
                "owner": "none:default-branch",
                "responses": 1,
                "cost_usd": ONE,
                "unpriced_responses": 0,
            }
        ],
        "rows": [
            {
                "from": "none:default-branch",
                "to": "MIN-1",
                "responses": 1,
                "cost_usd": ONE,
                "unpriced_responses": 0,
            }
        ],
    }
    assert book.costs() == {"none:default-branch": ONE, "MIN-1": ONE}
    report = book.ask("report", by=["issue", "role"])
    assert [(row["issue"], row["role"]) for row in report["rows"]] == [
        ("MIN-1", "review"),
        ("none:default-branch", ""),
    ]


def test_a_claim_holds_for_a_session_that_does_not_exist_yet(book: Owned) -> None:
    assert book.link("MIN-1", session=S1)["responses"] == 0
    message = book.work.respond(S1, 0)
    book.sync()
    owner = book.owner(message)
    assert (owner["issue"], owner["rule"], owner["confidence"]) == ("MIN-1", "claim", 1)


def test_a_dry_run_says_what_would_move_and_moves_nothing(book: Owned) -> None:
    book.work.respond(S1, 0)
    book.sync()
    answer = book.ask("link", session=S1, issue="MIN-1", dry_run=True)
    assert answer["moved"]["cost_usd"] == ONE
    assert answer["claim"]["id"] is None
    assert book.costs() == {"none:default-branch": ONE}
    assert book.ask("claims", all=True)["rows"] == []
    made = book.ask("link", session=S1, issue="MIN-1")
    assert made["moved"] == answer["moved"]
    gone = book.ask("unlink", id=made["claim"]["id"], dry_run=True)
    assert gone["moved"]["rows"][0]["to"] == "none:default-branch"
    assert book.costs() == {"MIN-1": ONE}


def test_a_claim_with_times_splits_a_session_to_the_millisecond(book: Owned) -> None:
    before = book.work.respond(S1, 60_000)
    first = book.work.respond(S1, 60_001)
    last = book.work.respond(S1, 120_000)
    after = book.work.respond(S1, 120_001)
    book.sync()
    times = {"from": stamp(BEGAN + 60_001), "until": stamp(BEGAN + 120_001)}
    assert book.link("MIN-1", session=S1, **times)["responses"] == 2
    assert [
        book.owner(message)["issue"] for message in (before, first, last, after)
    ] == ["none:default-branch", "MIN-1", "MIN-1", "none:default-branch"]
    owners = book.ask("explain", session=S1)["owners"]
    assert [(o["issue"], o["responses"]) for o in owners] == [
        ("MIN-1", 2),
        ("none:default-branch", 1),
        ("none:default-branch", 1),
    ]
    assert owners[0]["from"] == times["from"]
    assert book.costs()["MIN-1"] == 2 * ONE


def test_later_claims_take_over_from_their_time_on(book: Owned) -> None:
    for hour in range(4):
        book.work.respond(S1, hour * HOUR)
    book.sync()
    book.link("MIN-1", session=S1)
    assert book.link("MIN-2", session=S1, **{"from": stamp(BEGAN + 2 * HOUR)}) == {
        "responses": 2,
        "cost_usd": 2 * ONE,
        "unpriced_responses": 0,
        "from": [
            {
                "owner": "MIN-1",
                "responses": 2,
                "cost_usd": 2 * ONE,
                "unpriced_responses": 0,
            }
        ],
        "rows": [
            {
                "from": "MIN-1",
                "to": "MIN-2",
                "responses": 2,
                "cost_usd": 2 * ONE,
                "unpriced_responses": 0,
            }
        ],
    }
    book.work.respond(S1, 5 * HOUR)
    book.sync()
    assert book.costs() == {"MIN-1": 2 * ONE, "MIN-2": round(3 * ONE, 9)}


def test_the_same_key_is_the_same_claim(book: Owned) -> None:
    said = {"session": S1, "issue": "MIN-1", "key": "exec:1:session"}
    first, again = book.ask("link", **said), book.ask("link", **said)
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert first["claim"]["id"] == again["claim"]["id"]
    assert first["claim"]["source"] == "exec"
    ended = book.ask("link", **said, until=stamp(BEGAN + HOUR))
    assert ended["duplicate"]
    assert ended["claim"]["until"] == stamp(BEGAN + HOUR).replace(".000", "")
    book.work.respond(S1, 0)
    book.work.respond(S1, HOUR)
    book.sync()
    assert book.costs() == {"MIN-1": ONE, "none:default-branch": ONE}


def test_said_twice_it_is_said_once_but_said_again_it_holds(book: Owned) -> None:
    book.work.respond(S1, 0)
    book.sync()
    book.link("MIN-1", session=S1)
    assert book.ask("link", session=S1, issue="MIN-1")["duplicate"]
    book.link("MIN-2", session=S1)
    assert book.link("MIN-1", session=S1)["responses"] == 1
    assert book.costs() == {"MIN-1": ONE}
    assert book.ask("claims")["count"] == 3


def test_what_is_taken_back_never_held_and_stays_in_the_list(book: Owned) -> None:
    book.work.respond(S1, 0)
    book.sync()
    book.link("MIN-1", session=S1, who="somebody", note="by hand")
    answer = book.ask("unlink", session=S1, who="another")
    assert answer["moved"]["rows"][0]["from"] == "MIN-1"
    assert book.costs() == {"none:default-branch": ONE}
    assert book.ask("claims")["rows"] == []
    (row,) = book.ask("claims", all=True)["rows"]
    assert row["made_by"] == "api somebody"
    assert (row["revoked_by"], row["note"]) == ("another", "by hand")
    assert row["revoked_at"]
    with pytest.raises(NotFoundError):
        book.ask("unlink", id=row["id"])


@pytest.mark.parametrize(
    ("selector", "moved"),
    [
        ({"branch": "feature/*"}, 2),
        ({"branch": "feature/a"}, 1),
        ({"cwd": "/src/app"}, 4),
        ({"cwd": "/src/*/sub"}, 1),
        ({"branch": "feature/*", "cwd": "/src/app/sub"}, 1),
        ({"branch": "feature/*", "within": "/src/app/sub"}, 1),
        ({"agent": "a1"}, 1),
        ({"session": S1[:8]}, 2),
        ({"selector": "session", "value": S2}, 2),
        ({"pid": 1}, 0),
    ],
)
def test_what_a_claim_selects(book: Owned, selector: Any, moved: int) -> None:
    book.work.respond(S1, 0, branch="feature/a")
    book.work.respond(S1, 1, branch="feature/b", cwd="/src/app/sub")
    book.work.respond(S2, 2)
    book.work.respond(S2, 3, agent="a1")
    book.sync()
    assert book.link("MIN-1", **selector)["responses"] == moved


@pytest.mark.parametrize(
    "issue",
    [
        "../x",
        "a/../../b",
        "MIN-1\0",
        "x" * 4096,
        "MIN-1\x1b[31m",
        "CON",
        "con.txt",
        "",
        " ",
        "unknown",
        "45",
        "none:",
        "/etc/passwd",
        "a\nb",
    ],
)
def test_hostile_ids_are_refused(book: Owned, issue: str) -> None:
    with pytest.raises(UsageError):
        book.ask("link", session=S1, issue=issue)
    assert book.ask("claims", all=True)["count"] == 0


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"session": S1, "branch": "x"},
        {"session": "a\0b"},
        {"session": "x" * 2000},
        {"cwd": "relative"},
        {"pid": -1},
        {"pid": "many"},
        {"selector": "house", "value": "x"},
        {"session": S1, "role": "juggling"},
        {"session": S1, "from": "yesterday-ish"},
        {"session": S1, "from": "2026-01-02", "until": "2026-01-01T00:00:00Z"},
        {"session": S1, "key": "x" * 201},
        {"session": S1, "rule": "guess"},
        {"session": S1, "who": "a\x07b"},
        {"session": 7.5},
        {"session": ["x"]},
    ],
)
def test_what_makes_no_sense_is_refused(book: Owned, params: Any) -> None:
    with pytest.raises(UsageError) as refused:
        book.ask("link", issue="MIN-1", **params)
    assert refused.value.fix
    assert book.ask("claims", all=True)["count"] == 0


def test_a_bucket_can_be_claimed_and_is_no_issue(book: Owned) -> None:
    book.work.respond(S1, 0, branch="MIN-7")
    book.sync()
    assert book.costs() == {"MIN-7": ONE}
    book.link("none:overhead", session=S1)
    answer = book.ask("issues")
    assert answer["rows"] == []
    (bucket,) = answer["buckets"]
    assert bucket["bucket"] == "none:overhead"
    assert "your own" in bucket["reason"]


def test_claims_and_owners_outlive_a_restart(memory_dir: Path) -> None:
    with owned(memory_dir) as book:
        book.work.respond(S1, 0)
        book.work.respond(S1, HOUR)
        book.sync()
        book.link("MIN-1", session=S1, **{"from": stamp(BEGAN + 1)})
    with owned(memory_dir) as book:
        book.work.respond(S1, 2 * HOUR)
        book.work.respond(S1, 2)
        book.sync()
        assert book.costs() == {"none:default-branch": ONE, "MIN-1": round(3 * ONE, 9)}


def test_claims_over_many_sessions_are_answered_when_all_are_done(book: Owned) -> None:
    for number in range(250):
        book.work.respond(f"{number:08d}-0000-4000-8000-000000000000", number)
    book.sync()
    linking = book.engine.ask("link", {"branch": "main", "issue": "MIN-1"})
    between = book.engine.ask("status", {})
    between.result(60)
    assert not linking.done(), "others are answered meanwhile"
    moved = linking.result(60)
    assert isinstance(moved, dict)
    assert moved["moved"]["responses"] == 250
    assert book.costs() == {"MIN-1": round(250 * ONE, 9)}


def test_what_was_not_finished_is_finished_after_a_restart(memory_dir: Path) -> None:
    with owned(memory_dir) as book:
        for number in range(250):
            book.work.respond(f"{number:08d}-0000-4000-8000-000000000000", number)
        book.sync()
        book.engine.ask("link", {"branch": "main", "issue": "MIN-1"})
    with owned(memory_dir) as book:
        book.sync()
        assert book.costs() == {"MIN-1": round(250 * ONE, 9)}


def test_configured_keys_decide_anew_at_the_next_start(memory_dir: Path) -> None:
    with owned(memory_dir) as book:
        book.work.respond(S1, 0, branch="feature/zed-7")
        book.work.respond(S2, 0, branch="QRS-8")
        book.sync()
        assert book.costs() == {"none:no-match": ONE, "QRS-8": ONE}
    keys = '[attribution]\nissue_keys = ["ZED"]\n'
    with owned(memory_dir, config=keys) as book:
        book.sync()
        assert book.costs() == {"ZED-7": ONE, "none:no-match": ONE}


def test_only_claims_of_an_issue_or_time_are_listed(book: Owned) -> None:
    book.link("MIN-1", session=S1)
    book.link("MIN-2", session=S2)
    assert [r["issue"] for r in book.ask("claims")["rows"]] == ["MIN-2", "MIN-1"]
    assert [r["value"] for r in book.ask("claims", issue="min-1")["rows"]] == [S1]
    assert book.ask("claims", until="2020-01-01")["rows"] == []
    shown = book.ask("claims", limit=1)
    assert (len(shown["rows"]), shown["count"]) == (1, 2)
    assert [r["issue"] for r in book.ask("claims", session=S1)["rows"]] == ["MIN-1"]
