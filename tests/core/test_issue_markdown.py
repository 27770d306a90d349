"""An issue's cost as Markdown: only text, whatever its names are."""

from __future__ import annotations

from typing import Any

from costd.core.issue_markdown import issue_markdown


def answer(**change: Any) -> dict[str, Any]:
    part = {
        "cost_usd": 1.5,
        "share": 0.75,
        "tokens": {"total": 120_000},
        "responses": 3,
        "lower_bound": False,
    }
    found: dict[str, Any] = {
        "issue": "MIN-123",
        "since": None,
        "until": None,
        "basis": "list-price equivalent",
        "total": {
            **part,
            "cost_usd": 2.0,
            "unfinalised_responses": 0,
            "unpriced_responses": 0,
        },
        "by_session": [
            {**part, "session_id": "11fe0000-0000", "role": "review", "models": ["m"]}
        ],
        "by_model": [{**part, "model": "claude-opus-5"}],
    }
    return {**found, **change}


def test_it_says_total_sessions_and_models() -> None:
    assert issue_markdown(answer()).splitlines() == [
        "### Cost of MIN-123: $2.00",
        "",
        "1 session · 120k tokens · 3 responses · list-price equivalent",
        "",
        "| session | role | model | cost | tokens |",
        "|---|---|---|---:|---:|",
        "| `11fe0000` | review | m | $1.50 | 120k |",
        "",
        "| model | cost | share | tokens |",
        "|---|---:|---:|---:|",
        "| claude-opus-5 | $1.50 | 75 % | 120k |",
    ]


def test_what_is_not_known_is_said() -> None:
    total = {**answer()["total"], "lower_bound": True}
    total |= {"unfinalised_responses": 2, "unpriced_responses": 1}
    models = [{**answer()["by_model"][0], "cost_usd": None}]
    text = issue_markdown(answer(total=total, by_model=models))
    assert "≥$2.00" in text
    assert "| claude-opus-5 | unpriced |" in text
    assert "lower bound: the logs of 2 responses" in text
    assert "1 response of models without a known price" in text


def test_names_are_only_text() -> None:
    tricks = "a|b`c`[x](http://e.example)<img src=x>\n# @me ![y](z) *q* ~~s~~ \u202e"
    row = {**answer()["by_session"][0], "role": tricks, "models": [tricks]}
    row["session_id"] = "`|<b>11"
    model = {**answer()["by_model"][0], "model": tricks}
    text = issue_markdown(answer(issue=tricks, by_session=[row], by_model=[model]))
    plain = text.replace("\\\\", "")
    for sign in "|`[]<>#*@!~":
        bare = plain.replace(f"\\{sign}", "")
        assert f"a{sign}b" not in bare
        assert f" {sign}me" not in bare
    assert "<img" not in plain.replace("\\<", "")
    assert "\u202e" not in text
    assert len(text.splitlines()) == len(issue_markdown(answer()).splitlines())


def test_many_sessions_are_cut_short() -> None:
    text = issue_markdown(answer(by_session=answer()["by_session"] * 25))
    assert text.count("| `11fe0000` |") == 20
    assert "and 5 sessions more" in text
