"""Settings.json: ours put in and taken out, everything else as its owner wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.cli.agents.settings import EVENTS, found, installed, removed
from costd.core.errors import ConfigError

COMMAND = "/home/u/.local/bin/costd hook"
CALL = {"type": "command", "command": COMMAND, "timeout": 10, "async": True}

PRETTY = """{
  "model": "opus",
  "env": { "A": "1",   "B": 2.50 },
  "hooks": {
    "Stop": [
      {
        "hooks": [
          { "type": "command", "command": "say done" }
        ]
      }
    ],
    "PreToolUse": [ { "matcher": "Bash", "hooks": [] } ]
  },
  "umlaut": "\\u00fc ü"
}
"""
TABS = '{\n\t"model": "opus",\n\t"hooks": {\n\t\t"Stop": []\n\t}\n}'
FILES = [
    PRETTY,
    PRETTY.replace("\n", "\r\n"),
    "\ufeff" + PRETTY,
    '{\n    "a": [1, 2e3, -0.0, "}]{["]\n}\n',
    '{"a": 1}',
    '{ "a": {"b": [ ]} }\n',
    '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}}\n',
    """{
  "hooks": {
    "Stop": [{
      "hooks": [
        {"command": "x"}
      ]
    }]
  }
}
""",
]


def calls(text: str) -> dict[str, list[dict[str, Any]]]:
    """Every hook by its event."""
    hooks = json.loads(text.removeprefix("\ufeff")).get("hooks", {})
    return {
        event: [hook for group in groups for hook in group["hooks"]]
        for event, groups in hooks.items()
    }


@pytest.mark.parametrize("text", FILES)
def test_put_in_and_taken_out_it_is_the_same_file(text: str) -> None:
    with_ours = installed(text, COMMAND)
    for event in EVENTS:
        assert calls(with_ours)[event][-1] == CALL
    assert installed(with_ours, COMMAND) == with_ours
    assert removed(with_ours) == text
    assert removed(text) == text


@pytest.mark.parametrize("text", FILES)
def test_every_byte_of_others_stays_in_its_order(text: str) -> None:
    left = iter(installed(text, COMMAND))
    assert all(byte in left for byte in text)


@pytest.mark.parametrize("text", ["", " \n", "{}", "{\n}\n"])
def test_an_empty_file_gets_a_pretty_one(text: str) -> None:
    after = installed(text, COMMAND)
    assert set(calls(after)) == set(EVENTS)
    whole = json.dumps(json.loads(after), indent=2)
    assert after.strip() == whole
    assert json.loads(removed(after)) == {}


def test_tabs_stay_tabs() -> None:
    after = installed(TABS, COMMAND)
    assert "\n  " not in after
    assert json.loads(after)["model"] == "opus"
    assert calls(after)["Stop"] == [CALL]


def test_another_place_of_the_program_is_corrected_where_it_stands() -> None:
    old = installed(PRETTY, "'/old place/costd' hook")
    new = installed(old, COMMAND)
    assert new == installed(PRETTY, COMMAND)
    assert len(found(new)) == len(EVENTS)


@pytest.mark.parametrize(
    ("command", "is_ours"),
    [
        ("costd hook", True),
        ("/a/b/costd hook", True),
        ("'/a b/costd' hook", True),
        ("/usr/bin/python3 -m costd hook", True),
        ("COSTD_STATE_DIR=/x costd hook", True),
        ("costd hook --test", False),
        ("costd status", False),
        ("mycostd hook", False),
        ("hook", False),
        ("costd 'hook", False),
        ("", False),
    ],
)
def test_ours_are_known_by_what_they_call(command: str, is_ours: bool) -> None:
    text = json.dumps({"hooks": {"Stop": [{"hooks": [{"command": command}]}]}})
    assert bool(found(text)) is is_ours
    assert (removed(text) == "{}") is is_ours


def test_ours_among_others_leave_the_others() -> None:
    other = {"type": "command", "command": "other"}
    hooks = {
        "Stop": [{"matcher": "x", "hooks": [CALL, other, CALL]}, {"hooks": [CALL]}]
    }
    assert json.loads(removed(json.dumps({"hooks": hooks}))) == {
        "hooks": {"Stop": [{"matcher": "x", "hooks": [other]}]}
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "no JSON"),
        ("// comment\n{}", "no JSON"),
        ("[]", "no JSON object"),
        ("[" * 100_000, "deeply"),
        ('{"hooks": []}', "at hooks"),
        ('{"hooks": {"Stop": {}}}', "hooks.Stop"),
        ('{"a": 1, "a": 2}', "twice"),
    ],
)
def test_a_file_that_is_not_fit_is_left_alone(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        installed(text, COMMAND)
    with pytest.raises(ConfigError, match=why):
        removed(text)


@pytest.mark.parametrize("group", ["1", "null", "[]", '{"hooks": 1}', '{"hooks": [1]}'])
def test_groups_of_another_shape_are_others(group: str) -> None:
    text = f'{{"hooks": {{"Stop": [{group}]}}}}'
    after = installed(text, COMMAND)
    assert json.loads(after)["hooks"]["Stop"][0] == json.loads(group)
    assert removed(after) == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
hook = st.fixed_dictionaries(
    {"type": st.just("command"), "command": st.text(max_size=5)}
)
group = st.fixed_dictionaries({"hooks": st.lists(hook, min_size=1, max_size=2)})
events = st.dictionaries(
    st.sampled_from([*EVENTS, "PreToolUse"]),
    st.lists(group, min_size=1, max_size=2),
    min_size=1,
)


@given(
    others=st.dictionaries(st.text(max_size=4), values, max_size=3),
    hooks=st.none() | events,
    indent=st.sampled_from([None, 0, 1, 2, 4, "\t"]),
    data=st.data(),
)
def test_whatever_is_there_comes_back(
    others: dict[str, Any], hooks: Any, indent: Any, data: st.DataObject
) -> None:
    value = {**others, **({"hooks": hooks} if hooks else {})}
    if "hooks" in value and not hooks:
        del value["hooks"]
    items = data.draw(st.permutations(list(value.items())))
    text = json.dumps(dict(items), indent=indent)
    after = installed(text, COMMAND)
    assert removed(after) == (text if value else removed(after))
    assert {k: v for k, v in json.loads(after).items() if k != "hooks"} == {
        k: v for k, v in value.items() if k != "hooks"
    }
    for event, listed in calls(text).items():
        assert calls(after)[event][: len(listed)] == listed
