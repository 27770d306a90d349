"""The other answers as a person reads them."""

from __future__ import annotations

from typing import Any

from cli.canned import CARD, SESSION, SUMS, TOKENS, session_row
from costd.cli.render.checks import doctor_page, sync_page, verify_page
from costd.cli.render.explain import explain_page
from costd.cli.render.plain import plain
from costd.cli.render.prices import prices_page, reprice_page
from costd.cli.render.sessions import session_page, sessions_page

Json = dict[str, Any]


def test_sessions_are_a_list_with_whole_ids() -> None:
    rows = [session_row(live=True), session_row(issue="MIN-1", role="fix")]
    text = plain(sessions_page({"rows": rows, "count": 2, "total": SUMS}))
    head, first, second, *notes = text.splitlines()
    assert head.split()[:3] == ["session", "last", "(UTC)"]
    assert first.startswith(f"{SESSION}  2026-11-22 09:59 ●  none:default-branch  -")
    assert "claude-opus-5, claude-haiku-5  $0.03   21.5k" in first
    assert "  MIN-1                fix " in second
    assert notes == ["● live"]


def test_sessions_say_when_there_are_more() -> None:
    text = plain(sessions_page({"rows": [session_row()], "count": 2048}))
    assert "1 session of 2,048; --limit 0 shows all" in text
    assert plain(sessions_page({"rows": []})) == "No session in this span."


def test_a_session_in_full() -> None:
    part = {"cost_usd": 0.03255, "tokens": TOKENS, "responses": 12}
    session = session_row(
        by_model=[{"model": "claude-opus-5", "share": 1.0, **part}],
        by_agent=[{"agent_id": "", "agent_type": None, **part}],
        by_branch=[{"branch": "main", **part}],
        by_day=[{"day": "2026-11-22", **part}],
        files=[{"path": "/h/a.jsonl", "bytes": 2048, "vanished": True}],
        reported_cost_usd=0.05,
        lower_bound=True,
        unfinalised_responses=1,
    )
    text = plain(session_page(session))
    assert text.startswith(f"session {SESSION}\n\ncost       ≥$0.03\n")
    assert "21.5k (input 10, output 500, cache read 20.0k," in text
    assert "claude-opus-5  $0.03  100 %   21.5k         12\n" in text
    assert "\nby subagent\nsubagent  agent_type   cost  tokens  responses\n" in text
    assert "/h/a.jsonl  2.0 KiB  (gone; what it held stays counted)" in text
    assert "The agent itself reported $0.05." in text
    assert "≥ lower bound: 1 response whose log has no final count" in text


def test_prices_are_as_written() -> None:
    row = {
        "model": "claude-opus-5",
        "provider": "anthropic",
        "from": "2026-01-01",
        "until": None,
        "variant": "long",
        "above": 200_000,
        "input": "5",
        "output": "25",
        "cache_read": "0.50",
        "cache_creation_5m": "6.25",
        "cache_creation_1h": "10",
        "overridden": True,
    }
    text = plain(prices_page({"card": CARD, "rows": [row]}))
    assert "card 2026-11-22.1 of 2026-11-22" in text
    assert (
        "claude-opus-5 *  anthropic  2026-01-01  -      long      200k      5"
        "      25  0.50      6.25        10"
    ) in text
    assert "* from your configuration" in text
    assert "No price is known" in plain(prices_page({"card": CARD, "rows": []}))


def test_repricing_says_what_changed() -> None:
    answer = {
        "responses_changed": 12,
        "cost_before_usd": 1.5,
        "cost_after_usd": 1.25,
        "unpriced_before": 3,
        "unpriced_after": 0,
        "models": [
            {"model": "m", "before_usd": None, "after_usd": 0.2, "responses": 12}
        ],
    }
    text = plain(reprice_page(answer, dry_run=True))
    assert "12 responses would change: $1.50 to $1.25 (-$0.25)" in text
    assert "unpriced responses: 3 before, 0 after" in text
    assert "m           -  $0.20         12" in text
    assert "Nothing has been changed." in text
    done = plain(reprice_page({**answer, "cost_after_usd": 2}, dry_run=False))
    assert "12 responses changed: $1.50 to $2.00 (+$0.50)" in done
    assert "Nothing has been changed." not in done


def explained(**changes: Any) -> Json:
    return {
        "response_id": "msg_1",
        "request_id": None,
        "session_id": SESSION,
        "model": "claude-opus-5",
        "at": "2026-11-22T09:59:48Z",
        "issue": "MIN-1",
        "cost_usd": 0.001234567,
        "flags": ["unfinalised"],
        "file": "/h/a.jsonl",
        "offset": 4096,
        "sentence": "$0.0012 at least.",
        "price": {
            "id": "anthropic/claude-opus-5",
            "card_version": "2026-11-22.1",
            "lines": [
                {
                    "bucket": "input",
                    "tokens": 1000,
                    "rate_usd_per_mtok": "5",
                    "cost_usd": 0.005,
                }
            ],
        },
        "copies": [{"file": "/h/b.jsonl", "offset": 0, "request_id": None}],
        "parts": [],
        **changes,
    }


def test_a_response_is_explained_to_the_last_digit() -> None:
    text = plain(explain_page(explained()))
    assert text.startswith("$0.0012 at least.\n")
    assert "read from  /h/a.jsonl at byte 4,096" in text
    assert "flags      unfinalised" in text
    assert "input    1,000             5        $0.005" in text
    assert "total                         $0.001234567" in text
    assert "price anthropic/claude-opus-5 of card 2026-11-22.1" in text
    assert "a copy, not counted again: /h/b.jsonl at byte 0" in text


def test_a_response_without_a_price_costs_no_zero() -> None:
    text = plain(explain_page(explained(cost_usd=None, price={})))
    assert "no price is known for this model at that time" in text
    assert "$0.00 " not in text


def test_a_part_with_a_model_of_its_own_is_named() -> None:
    part = {"part": "advisor:1", "model": "claude-haiku-5", "cost_usd": 0.5}
    text = plain(explain_page(explained(parts=[part])))
    assert "and its part advisor:1 by claude-haiku-5: $0.5" in text


def test_an_owner_is_explained_by_its_evidence() -> None:
    answer = {
        "issue": "MIN-123",
        "role": None,
        "rule": "branch",
        "confidence": 0.9,
        "evidence": "feature/min-123",
        "sentence": "The branch names it.",
    }
    text = plain(explain_page(answer))
    assert text.splitlines()[0] == "The branch names it."
    assert "issue       MIN-123\nrole        -\nrule        branch\n" in text
    assert "confidence  0.9\nevidence    feature/min-123" in text
    assert "evidence    a; b" in plain(explain_page({**answer, "evidence": ["a", "b"]}))


def test_a_sync_says_what_it_did() -> None:
    answer = {
        "files": 12,
        "bytes": 3_500_000,
        "new_responses": 1,
        "seconds": 1.25,
        "cost_usd": 12.345,
        "skipped_lines": 2,
        "salvaged_lines": 1,
        "unreadable_files": 1,
    }
    assert plain(sync_page(answer)) == (
        "Read 3.3 MiB of 12 files in 1.2 s: 1 new response, $12.34\n"
        "! 1 unreadable\n"
        "! 2 damaged lines skipped\n"
        "1 damaged line salvaged"
    )


def test_a_ledger_that_is_right() -> None:
    answer = {
        "ok": True,
        "files_checked": 7,
        "files_vanished": 1,
        "responses_checked": 64,
        "responses_only_in_ledger": 5,
        "different": 0,
        "differences": [],
    }
    assert plain(verify_page(answer)) == (
        "✓ 64 responses in 7 logs: all the same.\n"
        "1 log gone since; the ledger keeps 5 responses"
    )


def test_a_ledger_that_is_wrong() -> None:
    found = {"response_id": "msg_1", "field": "cost", "ledger": 5, "logs": None}
    answer = {
        "ok": False,
        "files_checked": 7,
        "responses_checked": 64,
        "different": 60,
        "differences": [found] * 60,
    }
    text = plain(verify_page(answer))
    assert "✗ 60 differences between the ledger and 64 responses in 7 logs." in text
    assert "msg_1     cost        5     -\n" in text
    assert text.endswith("10 more: --json has them all")


def test_a_doctor_puts_what_is_wrong_last() -> None:
    checks = [
        {"code": "stale", "ok": False, "message": "The beat.", "fix": "Restart."},
        {"code": "daemon", "ok": True, "message": "None runs.", "fix": "costd run"},
        {"code": "no_logs", "ok": True, "message": "There are logs.", "fix": ""},
    ]
    lines = [{"file": "/h/a", "offset": 5, "length": 7, "reason": "not JSON"}]
    assert plain(doctor_page({"checks": checks, "skipped_lines": lines})) == (
        "! daemon: None runs.\n"
        "  costd run\n"
        "✓ no_logs: There are logs.\n"
        "✗ stale: The beat.\n"
        "  Restart.\n"
        "\n"
        "damaged lines\n"
        "log   at byte  bytes  reason\n"
        "/h/a        5      7  not JSON\n"
        "\n"
        "1 thing to mend"
    )


def test_no_page_breaks_on_an_answer_without_its_fields() -> None:
    pages = (sessions_page, session_page, prices_page, explain_page)
    for page in (*pages, sync_page, verify_page, doctor_page):
        assert isinstance(plain(page({})), str)
    assert plain(reprice_page({}, dry_run=False))
