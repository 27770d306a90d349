"""Whatever is read first, a group of sightings holds the same responses."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from costd.core.dedup import (
    Sighting,
    blend,
    canonical,
    group_of,
    is_provider_id,
    merge,
)
from costd.core.usage import Context, Flag, Observation, Service

ID = "msg_01AAAAAAAAAAAAAAAAAAAAAA"


def seen(request: str = "req_1", out: int = 10, **changes: object) -> Observation:
    plain = Observation(
        response_id=ID,
        request_id=request,
        scope="",
        part="",
        group=0,
        context=0,
        service=0,
        offset=0,
        at=1_000,
        flags=Flag.FINAL,
        input_tokens=5,
        output_tokens=out,
        cache_read_tokens=0,
        cache_creation_5m_tokens=0,
        cache_creation_1h_tokens=0,
        reasoning_tokens=0,
        web_searches=0,
    )
    return replace(plain, **changes)


def sighting(
    file: int, what: Observation, *, session: str = "s", agent: str = "", first: int = 0
) -> Sighting:
    context = Context(session, agent)
    return Sighting(file, first, False, f"/{file}", context, Service("m"), what)


def test_ids_of_the_provider_are_told_from_a_gateways() -> None:
    assert is_provider_id(ID)
    assert is_provider_id("msg_bdrk_01AAAAAAAAAAAAAAAA")
    assert not is_provider_id("msg_short")
    assert not is_provider_id("resp_0123456789abcdef0123")
    assert group_of("ocgo", "a 1") != group_of("ocgo", "a 2")


def test_a_replay_in_another_log_is_dropped_and_a_call_in_the_same_is_not() -> None:
    main = sighting(1, seen("req_1", 100))
    replay = sighting(2, seen("req_2", 90, flags=Flag.SIDECHAIN | Flag.FINAL))
    same_log = sighting(1, seen("req_3", 80, flags=Flag.SIDECHAIN | Flag.FINAL))
    for order in permutations([main, replay, same_log]):
        assert sorted(c.merged.output_tokens for c in canonical(order)) == [80, 100]


def test_of_replays_alone_the_earliest_stays() -> None:
    side = Flag.SIDECHAIN | Flag.FINAL
    first = sighting(1, seen("req_1", 1, flags=side, at=10))
    later = sighting(2, seen("req_2", 2, flags=side, at=20))
    for order in permutations([first, later]):
        assert [c.merged.output_tokens for c in canonical(order)] == [1]


def test_a_constant_id_of_a_gateway_makes_no_replays() -> None:
    main = sighting(1, seen("req_1", 1, response_id="ocgo"))
    agent = sighting(
        2, seen("req_2", 2, response_id="ocgo", flags=Flag.SIDECHAIN | Flag.FINAL)
    )
    assert len(canonical([main, agent])) == 2


def test_one_without_a_request_id_is_the_same_response() -> None:
    found = canonical([sighting(1, seen("", 7)), sighting(2, seen("req_1", 3))])
    assert [(c.merged.request_id, c.merged.output_tokens) for c in found] == [
        ("req_1", 7)
    ]


def test_the_original_owns_and_its_subagent_made_the_call() -> None:
    copy = sighting(1, seen(flags=Flag.FORKED | Flag.FINAL), session="fork")
    parent = sighting(2, seen(), session="s", first=5)
    agent = sighting(3, seen(flags=Flag.SIDECHAIN | Flag.FINAL), agent="a", first=6)
    for order in permutations([copy, parent, agent]):
        (found,) = canonical(order)
        assert found.owner.context == Context("s", "a")


def test_searches_of_a_tool_count_unless_the_response_reports_its_own() -> None:
    tool = seen(part="search:toolu_1", web_searches=3)
    assert len(canonical([sighting(1, seen()), sighting(1, tool)])) == 2
    reporting = seen(web_searches=1)
    assert len(canonical([sighting(1, reporting), sighting(1, tool)])) == 1


counts = st.integers(0, 50)
observations = st.builds(
    lambda out, short, hour, flags, at: seen(
        out=out,
        cache_creation_5m_tokens=short,
        cache_creation_1h_tokens=hour,
        flags=flags,
        at=at,
    ),
    counts,
    counts,
    counts,
    st.sampled_from([0, Flag.FINAL, Flag.SIDECHAIN, Flag.SIDECHAIN | Flag.FINAL]),
    st.integers(1, 9),
)


@given(st.lists(observations, min_size=1, max_size=5), st.randoms())
def test_tokens_do_not_depend_on_the_order_of_logs(
    found: list[Observation], rng: object
) -> None:
    sightings = [sighting(n, what) for n, what in enumerate(found)]
    shuffled = list(sightings)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives a Random
    assert canonical(sightings) == canonical(shuffled)


@given(observations, observations)
def test_merging_again_changes_nothing(a: Observation, b: Observation) -> None:
    merge(a, b)
    once = replace(a)
    merge(a, b)
    assert a == once
    assert a.output_tokens >= b.output_tokens


def test_what_served_is_filled_up_from_the_other_line() -> None:
    old, new = Service("m", "", "us"), Service("m", "fast", "")
    assert blend(old, new, better=True) == Service("m", "fast", "us")
    assert blend(Service("a"), Service("b"), better=False) == Service("a")
