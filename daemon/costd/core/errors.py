"""Everything costd raises on purpose.

    CostdError            1  something failed; the message says what, ``fix`` what to do
    ├── UsageError        2  a command line that makes no sense
    ├── ConfigError       2  a configuration that cannot be used
    ├── NoDaemonError     3  nobody answers, and none could be hosted
    ├── UnhealthyError    4  answered, but the data is stale or unhealthy
    ├── AlreadyRunning   75  another costd holds the lock
    ├── NotFound          1  nothing here goes by that name
    ├── BusyError         1  an answer exists, but not now: ask again
    │   └── Stopping         whoever would have answered ends
    ├── PublishError      1  a file for the world cannot be written
    └── LedgerError       1  the ledger cannot be read or written
        ├── NewerLedger      written by a newer costd
        ├── DamagedLedger    its pages are not whole: it has to be mended
        └── LedgerBusy       full disk, read-only or locked: worth another try

Bad input is not an exception: a line that cannot be used is a ``SkippedLine``.
"""

from __future__ import annotations


class CostdError(Exception):
    """A failure with a next step for the person who meets it.

    Args:
        message: what happened, one sentence, never with a transcript's text.
        fix: what to do now, one sentence; empty when there is nothing to do.
    """

    exit_code = 1

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}\n{self.fix}" if self.fix else self.message


class UsageError(CostdError):
    """The command line makes no sense."""

    exit_code = 2


class ConfigError(CostdError):
    """The configuration cannot be used."""

    exit_code = 2


class NoDaemonError(CostdError):
    """Nobody answers on the socket."""

    exit_code = 3


class UnhealthyError(CostdError):
    """There is an answer, but its data is stale or unhealthy."""

    exit_code = 4


class AlreadyRunningError(CostdError):
    """Another costd holds the lock of this state directory."""

    exit_code = 75


class NotFoundError(CostdError):
    """The ledger holds nothing by the name that was asked for."""


class BusyError(CostdError):
    """There is no answer just now: starting, stopping, or too much to do."""


class StoppingError(BusyError):
    """Whoever would have answered is ending; nothing of it was done."""


class PublishError(CostdError):
    """A published file cannot be written; what was there before still is."""


class LedgerError(CostdError):
    """The ledger cannot be read or written."""


class NewerLedgerError(LedgerError):
    """The ledger was written by a newer costd."""


class DamagedLedgerError(LedgerError):
    """The ledger's pages are not whole: what is readable has to be saved."""


class LedgerBusyError(LedgerError):
    """The ledger cannot be written just now: full disk, read-only, locked.

    Args:
        message: what happened.
        fix: what to do now.
        code: which of these it is, as ``health`` names it.
    """

    def __init__(self, message: str, fix: str = "", code: str = "ledger_busy") -> None:
        super().__init__(message, fix)
        self.code = code
