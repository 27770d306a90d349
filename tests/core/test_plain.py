from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.plain import REDACTED, one_line, redact

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('x\n{"level":"error"}', 'x\\x0a{"level":"error"}'),
        ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;cm0gLXJm\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("a\u2066b\u2028c\u200f", "a\\u2066b\\u2028c\\u200f"),
        ("\ud83d", "\\ud83d"),
        ("Ærlig 日本語 🙂 a\\b", "Ærlig 日本語 🙂 a\\b"),
    ],
)
def test_what_moves_or_hides_is_shown(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text(alphabet=st.characters(codec=None)))
def test_a_line_is_one_line_that_can_be_encoded(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    line.encode()
    assert one_line(line) == line


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-AbC_123-x",
        "sk-proj-abc",
        "sk-abcdefghijklmnop1234",
        "ghp_" + "a1" * 18,
        "gho_" + "a1" * 18,
        "github_pat_11ABC_def",
        "glpat-abc-123",
        "xoxb-123-abc",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln-_x",
        "AKIAIOSFODNN7EXAMPLE",
        "AIza" + "a1" * 18,
        "sk_live_abc123",
        PEM,
        PEM[:50],
    ],
)
@pytest.mark.parametrize("before", ["", "key=", '"', "\\n", "https://u:"])
def test_keys_are_taken_out(secret: str, before: str) -> None:
    assert redact(f"{before}{secret}") == f"{before}{REDACTED}"
    assert redact(f"{before}{secret}") + " end" == redact(f"{before}{secret}") + " end"


@pytest.mark.parametrize(
    "text",
    [
        "feature/min-123-task-authentication-of-users",
        "claude-opus-5-20260101",
        "weighs_more, risk_live_x, eyJ, AKIA",
        "msg_01AbCdEf req_011CabcDEF 0c1a5a7e-7a3e-4e0e-9a52-2f1d9c0a4b11",
    ],
)
def test_ordinary_names_stay(text: str) -> None:
    assert redact(text) == text
