"""A report as a person, a spreadsheet and an issue tracker read it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from cli.canned import SUMS, TOKENS, report
from costd.cli.render.markdown import markdown
from costd.cli.render.plain import plain
from costd.cli.render.report import report_page
from costd.cli.render.sheet import as_csv

Json = dict[str, Any]


def shown(**changes: Any) -> str:
    return plain(report_page(report(**changes)))


def row(**changes: Any) -> Json:
    return {"day": "2026-11-21", "model": "claude-opus-5", **SUMS, **changes}


def test_rows_their_sum_and_who_owns_it() -> None:
    assert (
        shown()
        == """\
2026-11-01 to now · Europe/Oslo · list-price equivalent · prices of 2026-11-22

day         model           cost  tokens  input  output  cache read  cache write  responses  sessions
2026-11-21  claude-opus-5  $0.03   21.5k     10     500       20.0k         1.0k         12         2
total                      $0.03   21.5k     10     500       20.0k         1.0k         12         2

issues $0.03 + buckets $0.00255 = total $0.03255"""
    )


@pytest.mark.parametrize(
    ("issues", "buckets", "total", "said"),
    [
        (62.5, 74.25, 136.75, "issues $62.50 + buckets $74.25 = total $136.75"),
        (1.004, 1.004, 2.008, "issues $1.004 + buckets $1.004 = total $2.008"),
        (1200.0, 0, 1200.0, "issues $1,200.00 + buckets $0.00 = total $1,200.00"),
    ],
)
def test_the_footer_adds_up_for_the_eye_too(
    issues: float, buckets: float, total: float, said: str
) -> None:
    ownership = {"issues_usd": issues, "buckets_usd": buckets, "total_usd": total}
    assert shown(ownership=ownership).endswith(said)


def test_without_a_key_there_is_only_the_total() -> None:
    text = shown(by=[], rows=[], since=None)
    assert text.startswith("all of the ledger · ")
    assert "\n$0.03   21.5k " in text


def test_an_empty_span() -> None:
    nothing = {**SUMS, "cost_usd": 0, "responses": 0}
    text = shown(rows=[], total=nothing)
    assert "Nothing was used in this span." in text


def test_a_lower_bound_is_marked_in_row_total_and_footer() -> None:
    bound = {"lower_bound": True, "unfinalised_responses": 3}
    text = shown(rows=[row(**bound)], total={**SUMS, **bound})
    assert text.count("≥$0.03") == 3
    assert "≥ lower bound: 3 responses whose log has no final count" in text


def test_unpriced_is_loud_and_never_zero() -> None:
    unpriced = {
        "cost_usd": None,
        "unpriced_responses": 12,
        "unpriced_tokens": 21510,
        "lower_bound": True,
    }
    text = shown(rows=[row(**unpriced), row()], total={**SUMS, **unpriced})
    assert "claude-opus-5  unpriced" in text
    assert "$0.00 " not in text
    assert "unpriced  12 responses with 21.5k tokens are in no cost" in text
    assert "costd reprice" in text
    assert "unpriced" not in shown()


def test_an_issue_that_is_none_has_the_name_of_its_bucket() -> None:
    rows = [{"issue": "none:default-branch", **SUMS}, {"issue": "MIN-1", **SUMS}]
    text = shown(by=["issue"], rows=rows)
    assert "\nnone:default-branch  $0.03" in text
    assert "\nMIN-1                $0.03" in text


def test_a_name_that_is_empty_is_shown_as_such() -> None:
    text = shown(by=["branch"], rows=[{"branch": "", **SUMS}])
    assert "\n-       $0.03" in text


def test_a_sum_that_is_not_exact_would_be_said() -> None:
    ownership = {**report()["ownership"], "exact": False}
    assert "please report it" in shown(ownership=ownership)
    assert "please report it" not in shown()


def cells(answer: Json) -> list[list[str]]:
    text = as_csv(answer)
    assert text.endswith('"\r\n')
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_has_a_name_for_every_figure() -> None:
    names, values = cells(report(rows=[row(cost_usd=0.000000033)]))
    found = dict(zip(names, values, strict=True))
    assert found["day"] == "2026-11-21"
    assert found["cost_usd"] == "0.000000033"
    assert found["tokens_cache_creation_1h"] == str(TOKENS["cache_creation_1h"])
    assert found["lower_bound"] == "false"
    assert found["responses"] == "12"


def test_csv_quotes_everything() -> None:
    for text in as_csv(report()).split("\r\n")[:-1]:
        assert text.startswith('"')
        assert text.endswith('"')


def test_csv_of_the_total_alone() -> None:
    names, values = cells(report(by=[], rows=[]))
    assert dict(zip(names, values, strict=True))["cost_usd"] == "0.03255"


def test_csv_without_rows_has_its_head() -> None:
    assert cells(report(by=["day"], rows=[])) == [["day"]]


def test_csv_leaves_empty_what_is_not_known() -> None:
    names, values = cells(report(rows=[row(cost_usd=None, model=None)]))
    found = dict(zip(names, values, strict=True))
    assert (found["cost_usd"], found["model"]) == ("", "")


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＠x"],  # noqa: RUF001 - wide signs are taken for the narrow ones
)
def test_csv_is_never_a_formula(name: str) -> None:
    names, values = cells(report(rows=[row(model=name)]))
    assert dict(zip(names, values, strict=True))["model"] == f"'{name}"


@pytest.mark.parametrize("name", ["plain", 'with "quotes"', "a,b", "a\nb", "a=b", "ø"])
def test_csv_keeps_other_text_as_it_is(name: str) -> None:
    names, values = cells(report(rows=[row(model=name)]))
    assert dict(zip(names, values, strict=True))["model"] == name


def test_csv_leaves_numbers_alone_and_drops_nul() -> None:
    names, values = cells(report(rows=[row(sessions=-5, model="a\0b")]))
    found = dict(zip(names, values, strict=True))
    assert (found["sessions"], found["model"]) == ("-5", "ab")


def test_markdown_is_a_table_and_nothing_more() -> None:
    text = markdown(report_page(report(rows=[row(model="a|b<script>*x*`\n[y](z)")])))
    lines = text.splitlines()
    assert lines[2].startswith("| day | model | cost |")
    assert lines[3].startswith("| --- | --- | ---: |")
    assert r"a\|b\<script\>\*x\*\`\\x0a\[y\](z)" in lines[4]
    assert lines[5].startswith("| total |  | $0.03 |")
    assert {line.count("|") - line.count(r"\|") for line in lines[2:6]} == {11}
