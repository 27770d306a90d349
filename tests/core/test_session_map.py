"""The session map as values: others' words, costd's own, and both together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.session_map import (
    Entry,
    MalformedError,
    Owned,
    decoded,
    foreign,
    merged,
    own_pairs,
    parse,
    united,
)

OWN = {"id": "s1", "startedAt": "x", "type": "other", "cost": 1.5, "source": "costd"}
THEIRS = {"id": "s2", "startedAt": None, "agentId": "a"}


def data(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_both_forms_say_the_same() -> None:
    entry = {"id": "s", "startedAt": "2026-01-01T00:00:00Z", "type": "review"}
    issues = {"min-1": {"sessions": [entry]}}
    expected = [Entry("MIN-1", "s", "review", 1_767_225_600_000, None)]
    assert parse(data(issues)).entries == expected
    wrapped = {"version": 1, "issues": issues, "lastUpdated": "x"}
    assert parse(data(wrapped)).entries == expected


def test_own_entries_are_nobodys_words() -> None:
    issues = {"MIN-1": {"sessions": [OWN, {"id": "s3"}, THEIRS]}}
    found = parse(data(issues), {("MIN-1", "s3")})
    assert [entry.session_id for entry in found.entries] == ["s2"]


def test_entries_come_in_the_order_in_which_they_begin() -> None:
    times = ["2026-01-03", "2026-01-01", None]
    entries = [{"id": str(t), "startedAt": t and f"{t}T00:00:00Z"} for t in times]
    found = parse(data({"MIN-1": {"sessions": entries}}))
    assert [e.session_id for e in found.entries] == ["None", "2026-01-01", "2026-01-03"]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000])
def test_what_is_no_map(text: bytes) -> None:
    with pytest.raises(MalformedError):
        decoded(text)


def test_costds_entries_stand_beside_others() -> None:
    found = {"MIN-1": {"sessions": [THEIRS], "note": "x"}, "other": 7}
    issues = {"MIN-1": Owned([OWN], 1.5, 10), "MIN-2": Owned([OWN], 1.5, 10)}
    assert merged(found, issues, (), ()) == {
        "MIN-1": {
            "sessions": [THEIRS, OWN],
            "note": "x",
            "totalCost": 1.5,
            "totalTokens": 10,
        },
        "other": 7,
        "MIN-2": {"sessions": [OWN], "totalCost": 1.5, "totalTokens": 10},
    }


def test_an_entry_of_others_gets_figures_and_keeps_its_words() -> None:
    theirs = {"id": "s1", "startedAt": "then", "type": "review", "agentId": "a"}
    result = merged(
        {"min-1": {"sessions": [theirs]}}, {"MIN-1": Owned([OWN], 1.5, 1)}, (), ()
    )
    assert result["min-1"]["sessions"] == [{**theirs, "cost": 1.5}]


def test_what_costd_says_no_more_goes_and_what_is_taken_back() -> None:
    found = {"MIN-1": {"sessions": [OWN]}, "MIN-2": {"sessions": [THEIRS]}}
    assert merged(found, {}, (), {("MIN-2", "s2")}) == {}
    stripped = {"MIN-1": {"sessions": [{"id": "s1"}]}}
    assert merged(stripped, {}, {("MIN-1", "s1")}, ()) == {}


def test_a_name_that_is_used_for_something_else_is_left_alone() -> None:
    issues = {"MIN-1": Owned([OWN], 1.5, 1)}
    assert merged({"MIN-1": "x"}, issues, (), ()) == {"MIN-1": "x"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["sessions", "issues", "id", "x"]), inner)
    ),
    max_leaves=8,
)
others = st.fixed_dictionaries(
    {"id": st.sampled_from(["s1", "s2", "s3"])}, optional={"note": json_values}
)
maps = st.dictionaries(
    st.sampled_from(["MIN-1", "min-2", "o/r#3", "../x"]),
    st.fixed_dictionaries({"sessions": st.lists(others, max_size=3)}),
)


@given(maps, maps, st.booleans())
def test_nothing_of_others_is_ever_lost(one: Any, two: Any, is_wrapped: bool) -> None:
    first, second = ({"issues": m, "v": 1} if is_wrapped else m for m in (one, two))
    issues = {"MIN-1": Owned([OWN], 1.5, 1)}
    result = merged(united([first, second]), issues, (), ())
    inner = result["issues"] if is_wrapped else result
    for issue, value in [*one.items(), *two.items()]:
        ids = (
            [raw["id"] for raw in inner[issue]["sessions"]] if value["sessions"] else []
        )
        assert {raw["id"] for raw in value["sessions"]} <= set(ids)
    for issue, value in one.items():
        for raw, kept in zip(
            value["sessions"],
            inner.get(issue, {"sessions": []})["sessions"],
            strict=False,
        ):
            assert kept.items() >= raw.items()
    again = merged(result, issues, set(own_pairs(result)), ())
    assert again == result, "written twice it is the same"


@given(json_values)
def test_whatever_is_there_is_read_or_refused(value: Any) -> None:
    try:
        parse(data(value))
        merged(value, {"MIN-1": Owned([OWN], 1.5, 1)}, (), ())
    except MalformedError:
        return


ours = st.dictionaries(
    st.sampled_from(["MIN-1", "MIN-3", "min-2", "../x"]),
    st.fixed_dictionaries(
        {"sessions": st.lists(others | st.just(OWN), max_size=3)},
        optional={"totalCost": st.just(1), "note": json_values},
    ),
)


@given(ours, st.booleans())
def test_what_is_costds_alone_need_not_be_read(found: Any, is_wrapped: bool) -> None:
    value = {"issues": found, "v": 1} if is_wrapped else {**found, "v": 1}
    issues = {"MIN-1": Owned([OWN], 1.5, 1)}
    published = {("MIN-3", "s2")}
    lean = foreign(data(value))
    assert merged(lean, issues, published, ()) == merged(value, issues, published, ())


@given(json_values)
def test_whatever_is_there_is_refused_alike(value: Any) -> None:
    """Nothing of it is costd's own: all of it is read."""
    if isinstance(value, dict):
        kept = foreign(data(value))
        assert kept == {n: v for n, v in value.items() if n in kept}
        assert all(value[n].get("sessions") == [] for n in value.keys() - kept.keys())
    else:
        with pytest.raises(MalformedError):
            foreign(data(value))


def test_a_map_of_costd_alone_has_nothing_of_others() -> None:
    alone = {"MIN-1": {"sessions": [OWN], "totalCost": 1.5, "totalTokens": 1}}
    assert foreign(data(alone)) == {}
    assert foreign(data({"MIN-1": {**alone["MIN-1"], "note": "x"}})) != {}
