"""Standard output and standard error: bytes that always fit, words for errors."""

from __future__ import annotations

import os
import sys

from costd.core.errors import CostdError

# For terminals that know no UTF-8.
_PLAINER = str.maketrans(
    {"≥": ">=", "·": "-", "…": "...", "✗": "x", "✓": "+", "●": "*", "█": "#", "░": "."}
)

UNHEALTHY = 4


def write(data: bytes) -> None:
    """Write bytes as they are.

    Raises:
        CostdError: there is no standard output, or it takes no more.
    """
    if sys.stdout is None:
        raise CostdError("standard output is closed", "Leave it open, or redirect it.")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(error) from None


def write_data(data: bytes) -> None:
    """Write JSON or CSV: as it is, but a terminal is not sent what moves or hides."""
    write(_shown(data) if on_terminal() else data)


def _shown(data: bytes) -> bytes:
    r"""The same with such characters as JSON escapes them: ``\u009b``."""
    import re  # noqa: PLC0415 - only a person at a terminal waits for it

    tricks = "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
    text = data.decode("utf-8", "backslashreplace")
    return re.sub(tricks, lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def say(text: str) -> None:
    """Write text for people, in the encoding of the terminal."""
    if sys.stdout is None:
        write(b"")
    write((fitting(text) + "\n").encode(encoding(), "replace"))


def encoding() -> str:
    """The encoding of standard output."""
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def fitting(text: str) -> str:
    """``text`` with plainer signs where the encoding has only those."""
    if encoding().lower().replace("-", "").startswith("utf"):
        return text
    return text.translate(_PLAINER)


def flush() -> None:
    """Make sure that everything has arrived.

    Raises:
        CostdError: it has not.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(error) from None


def unwritable(error: OSError) -> CostdError:
    """What is said when standard output takes no more."""
    abandon()
    return CostdError(
        f"cannot write the output: {error.strerror}", "Write it somewhere else."
    )


def on_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def complain(error: CostdError) -> int:
    """Say what went wrong and what to do; the exit code."""
    warn(f"costd: {error.message}", error.fix)
    return error.exit_code


def warn(*texts: str) -> None:
    """Lines for standard error, with no tricks in them; what is empty is left out."""
    from costd.core.plain import one_line  # noqa: PLC0415 - most answers need no words

    if sys.stderr is None:
        return
    lines = [line for text in texts for line in text.splitlines()]
    try:
        for line in lines:
            print(one_line(line), file=sys.stderr)
    except OSError:
        pass


def abandon() -> None:
    """What is buffered cannot go anywhere; do not let the interpreter try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
