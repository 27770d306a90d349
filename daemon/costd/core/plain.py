"""Text from elsewhere made fit for a terminal or a log: one line, no tricks, no keys.

Branch names, model names and errors of libraries come from programs and people that
costd does not know. A line feed in one forges a line of the log, an escape sequence
rewrites the terminal, a bidirectional mark shows another text than there is.
"""

from __future__ import annotations

import re

REDACTED = "[redacted]"

# C0, DEL, C1; Arabic letter mark; left-to-right and right-to-left marks; line and
# paragraph separators, embeddings and overrides; isolates; byte order mark; lone
# surrogates, which no encoder takes.
_TRICKS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)

# Common words end like a prefix of a key (task-…, task_test_…), so these keys start a
# word; an escaped line feed, as JSON has it, may stand before them.
_START = r"(?:(?<![A-Za-z])|(?<=\\[nrt]))"
_SECRETS = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)"
    r"|sk-(?:ant|or|proj)-[\w-]+|" + _START + r"sk-[\w-]{16,}"  # model providers
    r"|" + _START + r"[srp]k_(?:live|test)_\w+"  # Stripe
    r"|gh[opsur]_\w{16,}|github_pat_\w+|glpat-[\w-]+"  # GitHub, GitLab
    r"|xox[a-z]-[\w-]+|xapp-[\w-]+"  # Slack
    r"|eyJ[\w-]+\.eyJ[\w-]+(?:\.[\w-]*)?"  # JSON web token
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"  # Amazon
    r"|AIza[\w-]{30,}",  # Google
    re.DOTALL | re.ASCII,
)
_ONE_BYTE = 0xFF


def one_line(text: str) -> str:
    r"""``text`` with every character that moves, hides or reorders as its escape.

    A line feed becomes ``\x0a``; what is printable stays, whatever its language.
    """
    return _TRICKS.sub(_escaped, text)


def redact(text: str) -> str:
    """``text`` without what has the form of a key or a token."""
    return _SECRETS.sub(REDACTED, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= _ONE_BYTE else f"\\u{code:04x}"
