"""Whether a ledger's file is whole: its pages, its marks, its rows and its sums.

SQLite's own check calls an empty file whole, and does not see a byte that turned within
a cell. So the marks of the file, the number of rows against the last snapshot, and the
sums of the rollup against the responses are looked at too. All of it on a connection of
its own that cannot write: it may take seconds, and nobody waits for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.errors import DamagedLedgerError, LedgerError, NewerLedgerError
from costd.ledger.cells import OF_RESPONSES
from costd.ledger.database import APPLICATION_ID, latest_version, translated
from costd.ledger.stints import SUMS

LASTING = ("log_file", "session", "context", "service", "price", "claim")
"""Tables that never lose a row."""
_LEAST_SHARE = 0.9
"""Responses may become fewer when copies are found, but not many at once."""
_CACHE_KIB = 4 * 1024
_STEPS = 200_000
"""So many steps of SQLite between two looks whether to give up."""


class Vitals(NamedTuple):
    """What a ledger's file says of itself.

    ``lineage`` is the same for a ledger and its snapshots; a ledger that was restored
    from a backup begins a new one. ``rows`` are counted by table.
    """

    application_id: int
    version: int
    lineage: str
    rows: dict[str, int]


class Examined(NamedTuple):
    """What an examination found; ``problem`` is empty where all is well."""

    problem: str
    vitals: Vitals | None

    @property
    def ok(self) -> bool:
        """Whether the ledger is whole."""
        return not self.problem


@contextmanager
def read_only(path: Path) -> Iterator[Connection]:
    """A connection that cannot write, with little memory.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        timeout=5,
        check_same_thread=False,
    )
    with closing(connection):
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        yield connection


def examine(
    path: Path,
    before: Vitals | None = None,
    *,
    thorough: bool = False,
    give_up: Callable[[], bool] = lambda: False,
) -> Examined:
    """Look at the whole file.

    Args:
        path: the ledger, which may be in use.
        before: what its last snapshot held; of another lineage it says nothing.
        thorough: compare the indexes with their tables too, which takes longer.
        give_up: asked now and then; then the examination ends with an error.

    Raises:
        LedgerError: it was given up, or the file is locked.
    """
    try:
        with translated(path), read_only(path) as connection:
            connection.set_progress_handler(lambda: int(give_up()), _STEPS)
            return _examine(connection, before, thorough=thorough)
    except DamagedLedgerError:
        return Examined("SQLite cannot read its pages", None)


class Contents(NamedTuple):
    """What a ledger holds; money in nano-USD, times in milliseconds."""

    responses: int
    cost: int
    first_at: int | None
    last_at: int | None


def inspect(path: Path) -> Contents:
    """Look at a file that somebody says is a ledger, thoroughly.

    Raises:
        LedgerError: it is damaged, no ledger, or of a newer costd.
    """
    fix = "Name a file that `costd backup` wrote, or a snapshot."
    if not path.is_file():
        raise LedgerError(f"There is no file {path}.", fix)
    try:
        with translated(path), read_only(path) as connection:
            application, version = marks(connection)
    except DamagedLedgerError:
        raise LedgerError(
            f"{path} is not a ledger, or its head is damaged.", fix
        ) from None
    if application != APPLICATION_ID:
        raise LedgerError(f"{path} is not a ledger.", fix)
    if version > latest_version():
        raise NewerLedgerError(
            f"{path} is of version {version}; this costd knows {latest_version()}.",
            "Update costd; nothing was changed.",
        )
    found = examine(path, thorough=True)
    if not found.ok:
        raise DamagedLedgerError(f"{path} is damaged: {found.problem}.", fix)
    with translated(path), read_only(path) as connection:
        row = connection.execute(
            "SELECT coalesce(sum(part = ''), 0), coalesce(sum(cost), 0), min(at), max(at) "
            "FROM response"
        ).fetchone()
    return Contents(*row)


def _examine(
    connection: Connection, before: Vitals | None, *, thorough: bool
) -> Examined:
    connection.execute("BEGIN")  # all of it about one state of the ledger
    application, version = marks(connection)
    if application != APPLICATION_ID or version < 1:
        return Examined("it has lost its marks, or is empty", None)
    pragma = "integrity_check" if thorough else "quick_check"
    (said,) = connection.execute(f"PRAGMA {pragma}(1)").fetchone()
    if said != "ok":
        return Examined(f"SQLite's {pragma} finds its pages damaged", None)
    found = vitals(connection)
    return Examined(_fewer(found, before) or _sums_differ(connection), found)


def marks(connection: Connection) -> tuple[int, int]:
    """The application's number and the version of the schema."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def vitals(connection: Connection) -> Vitals:
    """What a ledger's file says of itself.

    Raises:
        sqlite3.Error: it is no ledger, or damaged.
    """
    rows = {}
    for table in (*LASTING, "response"):
        (rows[table],) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return Vitals(*marks(connection), lineage(connection), rows)


def vitals_of_file(path: Path) -> Vitals | None:
    """The same of a ledger that is not open; None where it cannot be read."""
    try:
        with read_only(path) as connection:
            return vitals(connection)
    except sqlite3.Error:
        return None


def lineage(connection: Connection) -> str:
    """The name that a ledger shares with its snapshots; empty where it has none."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'lineage'").fetchone()
    return str(row[0]) if row else ""


def _fewer(now: Vitals, before: Vitals | None) -> str:
    """Whether rows have gone that never go."""
    if before is None or before.lineage != now.lineage:
        return ""
    for table in LASTING:
        if now.rows[table] < before.rows[table]:
            had, has = before.rows[table], now.rows[table]
            return f"{had - has} of {had} rows of {table} are gone since its snapshot"
    had, has = before.rows["response"], now.rows["response"]
    if has < _LEAST_SHARE * had:
        return f"{had - has} of {had} responses are gone since its snapshot"
    return ""


_OF_CELLS = f"SELECT {', '.join(f'coalesce(sum({n}), 0)' for n in SUMS)} FROM cell"


def _sums_differ(connection: Connection) -> str:
    """Whether the rollup says something else than the responses it was made of."""
    responses = connection.execute(f"SELECT {OF_RESPONSES} FROM response").fetchone()
    cells = connection.execute(_OF_CELLS).fetchone()
    for name, one, other in zip(SUMS, responses, cells, strict=True):
        if (one or 0) != other:
            return f"its sums of {name} do not agree with its responses"
    return ""
