"""Whatever comes, valid JSON goes out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.publish.encode import compact, dump, keyed, listed, part

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.text(st.characters(categories=["Cs"]))
    | st.binary()
    | st.decimals(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters()) | st.integers(), inner)
        | st.tuples(inner)
    ),
)


def test_a_file_is_indented_and_ends_with_a_newline() -> None:
    assert dump({"b": 1, "a": [0.1]}) == b'{\n  "b": 1,\n  "a": [\n    0.1\n  ]\n}\n'
    assert compact({"b": 1, "a": [0.1]}) == b'{"b":1,"a":[0.1]}\n'


@given(ANYTHING)
def test_it_never_raises_and_always_parses(value: object) -> None:
    for encoded in (dump(value), compact(value)):
        orjson.loads(encoded)
        json.loads(encoded)


def test_names_that_are_not_utf_8_stay_apart() -> None:
    names = {b"\xff".decode(errors="surrogateescape"): 1}
    names[b"\xfe".decode(errors="surrogateescape")] = 2
    assert json.loads(dump({"by": names})) == {"by": {r"\udcff": 1, r"\udcfe": 2}}
    assert json.loads(dump(Path("\udcff"))) == r"\udcff"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), None),
        (2**64 - 1, 2**64 - 1),
        (2**64, str(2**64)),
        pytest.param(10**5000, "<int>", id="more digits than Python prints"),
        (Decimal("0.1"), "0.1"),
        ({3}, [3]),
        ({1: 2, None: 3, False: 4}, {"1": 2, "null": 3, "false": 4}),
        (Path("/a/b"), "/a/b"),
        (datetime(2026, 11, 20, tzinfo=UTC), "2026-11-20T00:00:00+00:00"),
        (object(), "<object>"),
        (b"text", "<bytes>"),
    ],
)
def test_what_json_has_no_word_for(value: object, shown: object) -> None:
    assert json.loads(dump(value)) == shown
    # The same by the long way, which a lone surrogate anywhere makes necessary.
    assert json.loads(dump([value, "\ud800"])) == [shown, r"\ud800"]


def test_a_loop_ends() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert "…" in dump(loop).decode()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_is_put_together_is_as_if_it_had_been_whole(count: int) -> None:
    values = {f"n{i}": {"a": [i], "b": {}} for i in range(count)}
    parts = {name: part(value, 1) for name, value in values.items()}
    assert keyed(parts.items(), 0, b"\n") == dump(values)
    inside = {"list": list(values.values())}
    whole = keyed([("list", listed((part(v, 2) for v in values.values()), 1))], 0)
    assert whole + b"\n" == dump(inside)
