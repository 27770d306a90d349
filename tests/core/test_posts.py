"""What a webhook is told: figures and names, and not a word of anybody."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from costd.core.posts import posted, signature
from costd.runs import MetricsCollector


def full() -> dict[str, object]:
    run = MetricsCollector(issue="MIN-1", environ={}, model="m")
    run.record_token_usage(1, 10, 20)
    run.record_iteration()
    run.record_validation("pytest /home/dev/MARK", passed=False)
    run.record_scope_violation(["/home/dev/MARK"])
    run.record_file_change("MARK.py", "created")
    run.record_error("MARK in an error")
    run.record_outcome("failed", "because of MARK")
    report = run.to_report()
    report["run"] |= {"cwd": "/home/dev/MARK", "command": "MARK", "pid": 7}
    report["MARK"] = "MARK"
    return report


@pytest.mark.parametrize("include", [False, True])
def test_what_leaves_the_machine(include: bool) -> None:
    found = posted(full(), include_iterations=include)
    assert "MARK" not in json.dumps(found)
    assert found["event"] == "failed"
    assert found["run"]["issue"] == "MIN-1"
    assert found["tokens"]["total"] == 30
    assert found["files"] == {"modified": 0, "created": 1, "deleted": 0, "count": 1}
    assert found["validation"] == {"total_runs": 1, "failures": 1}
    assert found["scope"] == {"mode": None, "violations": 1}
    assert ("per_iteration" in found["tokens"]) is include
    assert ("per_iteration" in found["timing"]) is include


@pytest.mark.parametrize("damaged", [{}, {"run": 7, "files": {"created": "x"}}])
def test_a_damaged_report_is_told_as_unknowns(damaged: dict[str, object]) -> None:
    found = posted(damaged, include_iterations=True)
    assert (found["event"], found["files"]["created"]) == ("unknown", None)


def test_the_signature_is_what_the_page_says() -> None:
    expected = hmac.new(b"s3cret", b'1795003200.{"a":1}', hashlib.sha256).hexdigest()
    assert signature(b"s3cret", 1795003200, b'{"a":1}') == f"t=1795003200,v1={expected}"
