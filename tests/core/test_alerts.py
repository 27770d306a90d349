"""When an alert is told, and what is said in it: worked out by hand, beat for beat."""

from __future__ import annotations

import json
from typing import Any

import pytest

from costd.config.webhook import WebhookSettings, chosen
from costd.core import posts
from costd.core.alerts import EVENTS, Change, Standing, alerted, step

Beats = list[str]
Told = list[tuple[int, str, str]]


def told(name: str, beats: Beats) -> Told:
    """The changes by the beat (from 0) at which they are told; a letter is a subject."""
    standing, found, before = Standing(), [], frozenset[str]()
    for number, letters in enumerate(beats):
        present = frozenset(letters)
        if number:
            standing, change = step(name, standing, before, present, number)
            if change is not None:
                found.append((number, change.event, "".join(change.subjects)))
        before = present
    return found


@pytest.mark.parametrize(
    ("name", "beats", "expected"),
    [
        ("data_stopped", ["", "", ""], []),
        ("data_stopped", ["", "a", "", "a", ""], []),  # what comes and goes
        ("data_stopped", ["a", "b", "c"], []),  # never the same one twice
        ("data_stopped", ["", "a", "a", "a"], [(2, "data_stopped", "a")]),
        # Another error makes no other alert, and it is over when there is none.
        (
            "data_stopped",
            ["ab", "ab", "bc", "c", "", "c", "", ""],
            [(1, "data_stopped", "ab"), (7, "data_flows", "")],
        ),
        (
            "disk_low",
            ["x", "x", "", "", "x", "x"],
            [(1, "disk_low", "x"), (3, "disk_low", ""), (5, "disk_low", "x")],
        ),
        # A list is told again for what is new in it, and for that alone.
        (
            "unpriced_models",
            ["a", "a", "ab", "ab", "ab", "b", "b", "", ""],
            [
                (1, "unpriced_models", "a"),
                (3, "unpriced_models", "b"),
                (8, "unpriced_models", ""),
            ],
        ),
        # One that comes again is not new as long as there are others.
        (
            "unpriced_models",
            ["ab", "ab", "b", "b", "ab", "ab"],
            [(1, "unpriced_models", "ab")],
        ),
        ("ledger_recovered", ["r", "r", "", ""], [(1, "ledger_recovered", "r")]),
    ],
)
def test_what_is_told_and_when(name: str, beats: Beats, expected: Told) -> None:
    assert [change for change in told(name, beats) if change[1]] == expected


def test_what_leaves_the_machine() -> None:
    change = Change(
        "data_stopped", "data_flows", "over", 4, 120_000, 60_000, subjects=[]
    )
    assert alerted(change, node_id="node-1a2b3c4d", version="1.2") == {
        "schema_version": 1,
        "event": "data_flows",
        "alert": {
            "name": "data_stopped",
            "state": "over",
            "number": 4,
            "at": "1970-01-01T00:02:00Z",
            "began_at": "1970-01-01T00:01:00Z",
            "subjects": [],
            "count": 0,
        },
        "message": "Data flows again: numbers are complete again.",
        "node_id": "node-1a2b3c4d",
        "costd_version": "1.2",
    }


def test_names_from_logs_are_made_fit_for_others() -> None:
    names = ["", "evil\x1b[2Jmodel\n", "sk-ant-api03-abcdefghijklmnop", "m" * 500]
    names += [f"model-{number:02d}" for number in range(40)]
    change = Change("unpriced_models", "unpriced_models", "began", 1, 0, None, names)
    body = alerted(change, node_id=None, version="1")
    text = json.dumps(body)
    assert body["alert"]["count"] == 44
    assert len(body["alert"]["subjects"]) == 20
    assert body["alert"]["subjects"][:2] == ["(no name)", "evil\\x1b[2Jmodel\\x0a"]
    assert "abcdefghijklmnop" not in text
    assert "m" * 129 not in text
    assert body["message"].endswith(", ….")


def test_every_event_can_be_chosen_and_every_choice_is_an_event() -> None:
    assert WebhookSettings().events == (*posts.EVENTS, *EVENTS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), set()),
        (("failed", "data_stopped"), {"failed", "data_stopped"}),
        (("run_report",), set(posts.EVENTS)),
        (("alert", "failed"), {"failed", *EVENTS}),
    ],
)
def test_a_word_may_stand_for_all_of_its_kind(
    words: tuple[Any, ...], expected: set[str]
) -> None:
    assert chosen(WebhookSettings(events=words)) == expected
