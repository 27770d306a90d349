"""Keys in what trackers export: the keys and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from costd.core.attribution.exports import keys_in_export
from costd.core.errors import UsageError

JIRA_CSV = (
    "Summary,Issue key,Issue id,Issue Type,Project key,Description\r\n"
    '"Fix, at last",MIN-12,10001,Bug,MIN,"As in OTHER-7,\r\nand UTF-8"\r\n'
    "x,OPS-1,10002,Task,OPS,\r\n"
)
JIRA_JSON = {
    "expand": "names",
    "issues": [
        {
            "id": "10001",
            "key": "MIN-12",
            "fields": {
                "summary": "GHOST-1",
                "status": {"name": "Done", "statusCategory": {"key": "DONE"}},
                "assignee": {"key": "JIRAUSER10000", "displayName": "x", "name": "x"},
                "project": {"key": "MIN", "name": "Minimal"},
                "issuelinks": [{"inwardIssue": {"key": "OPS-1"}}],
            },
        }
    ],
}
JIRA_PROJECTS = {"values": [{"key": "MIN", "name": "x"}, {"key": "OPS", "name": "y"}]}
LINEAR_CSV = "ID,Team,Title\nMIN-1,Minimal,MORE-2\nOPS-3,Ops,x\n"
LINEAR_JSON = {
    "data": {
        "issues": {
            "nodes": [
                {
                    "id": "0b1c2d3e-0000-4000-8000-000000000001",
                    "identifier": "MIN-1",
                    "title": "GHOST-1",
                    "team": {"key": "OPS", "name": "Ops"},
                }
            ]
        }
    }
}
LINEAR_TEAMS = {
    "data": {"teams": {"nodes": [{"key": k, "name": k} for k in ("MIN", "OPS")]}}
}
YOUTRACK_CSV = "Issue Id;Project;Summary\nMIN-1;Minimal;GHOST-4\nops-2;Ops;\n"
YOUTRACK_JSON = [
    {"id": "2-14", "idReadable": "MIN-1", "summary": "GHOST-9"},
    {"id": "2-15", "idReadable": "ops-3", "project": {"shortName": "ops", "name": "O"}},
]
YOUTRACK_PROJECTS = [{"shortName": "MIN", "id": "0-1"}, {"shortName": "ops"}]


def lines(values: list[Any]) -> str:
    return "\n".join(json.dumps(value) for value in values) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        JIRA_CSV,
        "\ufeff" + JIRA_CSV,
        JIRA_CSV.replace(",", "\t").replace("Fix\t at", "Fix at"),
        LINEAR_CSV,
        YOUTRACK_CSV,
        json.dumps(JIRA_JSON),
        json.dumps(JIRA_JSON, indent=2),
        json.dumps(JIRA_PROJECTS),
        json.dumps(JIRA_PROJECTS["values"]),
        json.dumps(LINEAR_JSON),
        json.dumps(LINEAR_TEAMS),
        json.dumps(YOUTRACK_JSON),
        json.dumps(YOUTRACK_PROJECTS),
        lines(YOUTRACK_JSON),
        lines([*JIRA_JSON["issues"]]),
    ],
)
def test_what_trackers_export_gives_their_keys(text: str) -> None:
    assert keys_in_export(text) == {"MIN", "OPS"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufeff\n",
        "Name,Age\nx,3\n",
        "Issue key\n",
        "Issue key\n12\nutf8\n-3\nMIN-0\nMIN-012\n",
        "id,name\nmin-1,x\n",
        "{",
        "[1, 2]",
        '{"key": "MIN"',
        '{"user": {"key": "MIN-USER", "displayName": "x"}}',
        '{"a": {"key": "MIN", "name": "x"}}',
        '{"id": "a-1", "title": "MIN-1"}',
        "[" * 100_000,
        '"MIN-1"',
        "\x7fELF\x02\x00\x01\r\x00x\rMIN-1",
        "Issue key\rMIN-1\x00\rx",
    ],
)
def test_what_is_no_export_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        keys_in_export(text)
    assert "MIN" not in caught.value.message


def test_a_long_description_is_read_past() -> None:
    long = "x" * 300_000
    text = f'Issue key,Description\nMIN-1,"{long}"\nOPS-2,y\n'
    assert keys_in_export(text) == {"MIN", "OPS"}


def test_a_key_that_is_too_long_is_none() -> None:
    assert keys_in_export(f"Issue key\n{'A' * 40}-1\nMIN-1\n") == {"MIN"}
