"""Owners over time: who wins when, and that there is always exactly one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.attribution import (
    Attribution,
    Claim,
    Claims,
    Keys,
    Place,
    Span,
    attribute_place,
    owner_at,
    spans,
)

KEYS = Keys(configured=frozenset({"MIN", "ENG"}))
PLAIN = Place(cwd="/p/app", branch="dark-mode", repo="o/r")
ON_MIN = Place(cwd="/p/app", branch="min-9", repo="o/r")
NUMBERED = Place(cwd="/p/app", branch="77-title", repo="o/r")
Pieces = list[tuple[int | None, int | None, str]]


def pieces(found: tuple[Span, ...]) -> Pieces:
    return [(s.from_at, s.until_at, s.attribution.issue) for s in found]


def owned(place: Place, *claims: Claim, parent: tuple[Span, ...] = ()) -> Pieces:
    return pieces(spans(place, "s1", Claims(claims), KEYS, parent=parent))


def said(
    number: int, issue: str, begin: int | None = None, end: int | None = None
) -> Claim:
    return Claim(
        number, "session", "s1", issue, from_at=begin, until_at=end, made_at=number
    )


def test_without_claims_the_place_owns_everything() -> None:
    assert owned(ON_MIN) == [(None, None, "MIN-9")]


def test_a_claim_owns_its_time_and_the_place_the_rest() -> None:
    assert owned(ON_MIN, said(1, "ENG-1", 10, 20)) == [
        (None, 10, "MIN-9"),
        (10, 20, "ENG-1"),
        (20, None, "MIN-9"),
    ]


def test_a_claim_holds_until_the_next_one() -> None:
    assert owned(PLAIN, said(1, "ENG-1", 10), said(2, "ENG-2", 20)) == [
        (None, 10, "none:no-match"),
        (10, 20, "ENG-1"),
        (20, None, "ENG-2"),
    ]


def test_a_later_claim_about_an_earlier_time_wins() -> None:
    assert owned(PLAIN, said(1, "ENG-1"), said(2, "ENG-2", 10, 20)) == [
        (None, 10, "ENG-1"),
        (10, 20, "ENG-2"),
        (20, None, "ENG-1"),
    ]
    assert owned(PLAIN, said(1, "ENG-1", 10, 20), said(2, "ENG-2")) == [
        (None, None, "ENG-2")
    ]


def test_pieces_with_the_same_owner_become_one() -> None:
    outer, inner = said(1, "ENG-1"), said(2, "ENG-2", 10, 20)
    assert len(owned(PLAIN, outer, inner)) == 3
    hidden = Claim(3, "session", "s1", "ENG-3", rule="env", from_at=5, until_at=50)
    assert owned(PLAIN, outer, hidden) == [(None, None, "ENG-1")]


def test_a_claim_may_put_work_into_a_bucket() -> None:
    assert owned(ON_MIN, said(1, "none:overhead")) == [(None, None, "none:overhead")]


def test_a_claim_keeps_rule_confidence_and_role() -> None:
    claim = Claim(7, "session", "s1", "ENG-1", role="review", rule="env", confidence=98)
    found = spans(ON_MIN, "s1", Claims([claim]), KEYS)[0].attribution
    assert found == Attribution("ENG-1", "review", "env", 98, "claim 7: session s1")


def test_a_claim_without_a_role_leaves_the_places_own() -> None:
    place = Place(branch="min-9", agent_type="Plan")
    found = spans(place, "s1", Claims([said(1, "ENG-1")]), KEYS)[0].attribution
    assert found.role == "planning"


def parent_of(*claims: Claim, place: Place = PLAIN) -> tuple[Span, ...]:
    return spans(place, "s1", Claims(claims), KEYS)


def child(
    place: Place, parent: tuple[Span, ...], *claims: Claim, agent_id: str = ""
) -> tuple[Span, ...]:
    return spans(place, "child", Claims(claims), KEYS, agent_id=agent_id, parent=parent)


def test_a_child_inherits_the_parents_owner_at_that_time() -> None:
    parent = parent_of(said(1, "ENG-1", 10), said(2, "ENG-2", 20, 30))
    found = child(PLAIN, parent)
    assert pieces(found) == [
        (None, 10, "none:no-match"),
        (10, 20, "ENG-1"),
        (20, 30, "ENG-2"),
        (30, None, "ENG-1"),
    ]
    heir = found[1].attribution
    assert (heir.rule, heir.confidence, heir.via) == ("inherit", 95, "claim")


def test_a_grandchild_inherits_with_less_confidence() -> None:
    found = child(PLAIN, child(PLAIN, parent_of(said(1, "ENG-1"))))
    heir = found[0].attribution
    assert (heir.issue, heir.confidence, heir.via) == ("ENG-1", 90, "claim")
    assert heir.is_explicit


def test_what_was_said_of_the_child_itself_wins() -> None:
    parent = parent_of(said(1, "ENG-1"))
    own = Claim(2, "agent", "a7", "ENG-7")
    assert pieces(child(PLAIN, parent, own, agent_id="a7")) == [(None, None, "ENG-7")]


@pytest.mark.parametrize(
    ("place", "parent", "issue"),
    [
        # The child's own clear evidence is as sure as what it would inherit.
        (ON_MIN, parent_of(said(1, "ENG-1")), "MIN-9"),
        # A bare number is weaker than what somebody said of the parent,
        (NUMBERED, parent_of(said(1, "ENG-1")), "ENG-1"),
        # but stronger than what the parent's place shows.
        (NUMBERED, parent_of(place=ON_MIN), "o/r#77"),
        # Where the child's place shows nothing, the parent's fills in,
        (PLAIN, parent_of(place=ON_MIN), "MIN-9"),
        # however weak, else subagents of a numbered branch would own nothing.
        (PLAIN, parent_of(place=NUMBERED), "o/r#77"),
        # A bucket is not inherited,
        (PLAIN, parent_of(place=Place(branch="main")), "none:no-match"),
        # unless somebody put the parent there.
        (PLAIN, parent_of(said(1, "none:overhead")), "none:overhead"),
    ],
)
def test_own_evidence_and_the_parents_owner(
    place: Place, parent: tuple[Span, ...], issue: str
) -> None:
    assert pieces(child(place, parent)) == [(None, None, issue)]


def test_the_role_of_a_child_is_its_own_unless_the_parents_was_said() -> None:
    explorer = Place(branch="dark-mode", agent_type="Explore")
    shown = child(explorer, parent_of(place=ON_MIN))[0].attribution
    assert (shown.issue, shown.role) == ("MIN-9", "research")
    claim = Claim(1, "session", "s1", "ENG-1", role="review")
    told = child(explorer, parent_of(claim))[0].attribution
    assert (told.issue, told.role) == ("ENG-1", "review")


def test_the_owner_at_a_moment() -> None:
    found = spans(ON_MIN, "s1", Claims([said(1, "ENG-1", 10, 20)]), KEYS)
    owners = [owner_at(found, at).issue for at in (-5, 9, 10, 19, 20, 10**15)]
    assert owners == ["MIN-9", "MIN-9", "ENG-1", "ENG-1", "MIN-9", "MIN-9"]


def test_times_beyond_all_bounds_do_no_harm() -> None:
    far = 2**80
    assert owned(ON_MIN, said(1, "ENG-1", -far, far)) == [(None, None, "ENG-1")]
    assert owned(ON_MIN, said(1, "ENG-1", far)) == [(None, None, "MIN-9")]


TIMES = st.none() | st.integers(-3, 12)
CLAIMS = st.lists(
    st.builds(
        Claim,
        id=st.integers(1, 99),
        selector=st.sampled_from(["session", "cwd", "branch", "agent", "pid"]),
        value=st.sampled_from(["s1", "/p", "/p/*", "dark-*", "min-9", "a7", "41"]),
        issue=st.sampled_from(["ENG-1", "ENG-2", "ENG-3", "none:overhead"]),
        role=st.sampled_from(["", "review"]),
        from_at=TIMES,
        until_at=TIMES,
        made_at=st.integers(0, 3),
        revoked_at=st.sampled_from([None, None, None, 4]),
        rule=st.sampled_from(["manual", "claim", "env", "orchestrator"]),
        within=st.sampled_from(["", "", "/p", "/q"]),
    ),
    max_size=8,
    unique_by=lambda claim: claim.id,
)
PLACES = st.sampled_from([PLAIN, ON_MIN, NUMBERED])


def holds(claim: Claim, at: int) -> bool:
    return (claim.from_at is None or claim.from_at <= at) and (
        claim.until_at is None or at < claim.until_at
    )


@given(place=PLACES, claims=CLAIMS, above=CLAIMS, data=st.data())
def test_every_moment_has_exactly_one_owner(
    place: Place, claims: list[Claim], above: list[Claim], data: st.DataObject
) -> None:
    parent = spans(PLAIN, "s1", Claims(above), KEYS)
    everything = Claims(claims)
    found = spans(place, "s1", everything, KEYS, agent_id="a7", parent=parent)

    assert found[0].from_at is None
    assert found[-1].until_at is None
    for one, two in pairwise(found):
        assert one.until_at is not None
        assert one.until_at == two.from_at
        assert one.from_at is None or one.from_at < one.until_at
        assert one.attribution != two.attribution

    shuffled = Claims(data.draw(st.permutations(claims)))
    assert found == spans(place, "s1", shuffled, KEYS, agent_id="a7", parent=parent)

    own = attribute_place(place, KEYS)
    for at in range(-4, 14):
        owner = owner_at(found, at)
        said_then = [
            claim
            for claim in everything.about(place, "s1", agent_id="a7")
            if holds(claim, at)
        ]
        if said_then:
            assert (owner.issue, owner.rule) == (said_then[0].issue, said_then[0].rule)
        else:
            assert owner.rule == "inherit" or owner == own
