"""``costd``: the quick way or the whole program, and no traceback for anybody."""

from __future__ import annotations

import os
import sys

from costd.cli import output
from costd.core.errors import CostdError

DEBUG = "COSTD_DEBUG"
BESIDE_AGENTS = {
    "exec": "costd.cli.agents.launch",
    "hook": "costd.cli.agents.hook",
    "event": "costd.cli.agents.telling",
}
"""Commands that an agent waits for: their plain forms are done without the rest."""
INTERRUPTED = 130
# As a shell has it for a program that SIGPIPE ended, which is what happens to others.
BROKEN_PIPE = 141


def main() -> None:
    """Run the command line of this process, and exit."""
    code = run(sys.argv[1:])
    if sys.argv[1:] == ["hook"]:
        os._exit(code)  # an agent waits: nothing is left to tidy up
    sys.exit(code)


def run(argv: list[str]) -> int:
    """The exit code of a command line.

    Everything a person is told about an error is said here.
    """
    try:
        code = _beside_an_agent(argv)
        if code is None:
            from costd.cli import quick  # noqa: PLC0415 - no agent waits for it

            code = quick.answer(argv, dict(os.environ))
        if code is None:
            code = _whole_program(argv)
        output.flush()
    except BrokenPipeError:
        output.abandon()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:  # from click or rich, when they write
        _show_when_debugging()
        return output.complain(output.unwritable(error))
    except CostdError as error:
        _show_when_debugging()
        return output.complain(error)
    except Exception as error:  # noqa: BLE001 - the last one who can answer
        _show_when_debugging()
        return output.complain(_surprise(error))
    return code


def _beside_an_agent(argv: list[str]) -> int | None:
    """The exit code of a command that an agent waits for; None where it is none."""
    module = BESIDE_AGENTS.get(argv[0]) if argv else None
    if module is None:
        return None
    __import__(module)  # importlib would load what an agent has to wait for
    code = sys.modules[module].run(argv[1:])
    return None if code is None else int(code)


def _whole_program(argv: list[str]) -> int:
    from importlib import import_module  # noqa: PLC0415 - the quick way does without

    # By name, so that this module imports no more than what a quick answer needs.
    return int(import_module("costd.cli.app").run(argv))


def _show_when_debugging() -> None:
    if os.environ.get(DEBUG, "") not in {"", "0"}:
        import traceback  # noqa: PLC0415 - nobody else looks at one

        traceback.print_exc()


def _surprise(error: Exception) -> CostdError:
    """An error that nobody foresaw: its class alone, its text may hold anything."""
    return CostdError(
        f"internal error: {type(error).__name__}",
        f"Please report it, with what {DEBUG}=1 shows.",
    )
