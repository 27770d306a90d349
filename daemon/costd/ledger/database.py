"""Opening the ledger's file, migrating it, and saying what went wrong in words.

There is one read-write connection in the whole system, and the engine's thread owns
it. Migrations are numbered SQL files; each runs in a transaction of its own together
with the note that it ran, after a copy of what was there before.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from costd.core.errors import (
    DamagedLedgerError,
    LedgerBusyError,
    LedgerError,
    NewerLedgerError,
)

APPLICATION_ID = 0x636F7374  # "cost"
_PAGE_CACHE_KIB, _ROOMY_KIB = 2 * 1024, 8 * 1024
"""Each table that SQLite makes for a query may take as much; the system caches too."""
_STATEMENTS = 128
"""So many queries sqlite3 keeps prepared: the last ones."""
_PATIENCE_MS, _IMPATIENCE_MS = 5_000, 100

_DONE = object()


class Database:
    """The one connection.

    Args:
        path: the ledger's file; it is made when it is not there, mode 0600.

    Raises:
        LedgerError: not a ledger, newer than this costd, damaged, or not to be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_closed = False
        self._is_patient = True
        self._is_roomy = False
        old = os.umask(0o077)
        try:
            with translated(path):
                self.connection = self._open()
                self.identity = self._identities()
        finally:
            os.umask(old)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            isolation_level=None,
            check_same_thread=False,
            timeout=5,
            cached_statements=_STATEMENTS,
        )
        try:
            _configure(connection)
            _check(connection, self.path)
            _migrate(connection, self.path)
            _name(connection)  # the first access makes the write-ahead log's file too
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def changes(self) -> int:
        """How many rows were ever changed; it differs after whatever changed one."""
        return 0 if self.is_closed else self.connection.total_changes

    @contextmanager
    def transaction(self, *, told: bool = False) -> Iterator[sqlite3.Connection]:
        """All or nothing.

        Args:
            told: whether it holds what no log says again. Then it is on the disk when
                this ends, and a power cut does not take it; what was read from logs
                is read from them again.

        Raises:
            LedgerBusyError: nothing was written, and it is worth another try.
            LedgerError: nothing was written.
        """
        run = self.connection.execute
        with translated(self.path):
            if told:
                run("PRAGMA synchronous = FULL")
            run("BEGIN IMMEDIATE")
            try:
                yield self.connection
                run("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    run("ROLLBACK")
                raise
            finally:
                if told:
                    run("PRAGMA synchronous = NORMAL")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Queries that see one state of the ledger."""
        with translated(self.path):
            yield self.connection

    def stepping(self, steps: Iterator[None]) -> Iterator[None]:
        """Steps that query, each as within ``reading``."""
        while True:
            with self.reading():
                if next(steps, _DONE) is _DONE:
                    return
            yield

    def is_replaced(self) -> bool:
        """Whether the path, or that of its log, no longer names what is open.

        What is written then goes into a file that has no name: it is lost at the end.
        """
        return self._identities() != self.identity

    def is_gone(self) -> bool:
        """Whether nothing is at the path any more."""
        return identity(self.path) == NOTHING

    def is_moved(self) -> bool:
        """Whether the path names nothing, or another file than is open."""
        return identity(self.path) != self.identity[0]

    def leftovers(self) -> list[Path]:
        """What SQLite leaves beside a file that was moved away while it was open."""
        log = beside(self.path, "-wal")
        if identity(log) not in (NOTHING, self.identity[1]):
            return []
        return [log, beside(self.path, "-shm")]

    def _identities(self) -> tuple[Identity, Identity]:
        return identity(self.path), identity(beside(self.path, "-wal"))

    def copy_to(self, target: Path) -> None:
        """A whole copy of what is open, also of what has no name any more.

        Raises:
            LedgerError: it cannot be read, or the copy not be written.
        """
        with translated(self.path):
            self.connection.execute("VACUUM INTO ?", (str(target),))
        target.chmod(0o600)

    def checkpoint(self) -> None:
        """Write the log of changes into the file and make it short again."""
        with translated(self.path):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def shrink_memory(self) -> None:
        """Give back the page cache; the next query fills it again."""
        with translated(self.path):
            self.connection.execute("PRAGMA shrink_memory").fetchall()

    def forget_statements(self) -> None:
        """Let go of prepared queries: after an import they are large, and seldom wanted.

        Those of the fewest bytes take their places until others are wanted.
        """
        with translated(self.path):
            for number in range(_STATEMENTS):
                self.connection.execute(f"SELECT {number}").fetchall()

    def be_roomy(self, *, is_roomy: bool) -> None:
        """Much is about to be written, in no order; or it was."""
        if is_roomy == self._is_roomy or self.is_closed:
            return
        self._is_roomy = is_roomy
        kib = _ROOMY_KIB if is_roomy else _PAGE_CACHE_KIB
        with translated(self.path):
            self.connection.execute(f"PRAGMA cache_size = -{kib}")

    def be_patient(self, *, is_usual: bool) -> None:
        """How long to wait for a lock: who waits in vain lets others wait for answers."""
        if is_usual != self._is_patient:
            self._is_patient = is_usual
            wait = _PATIENCE_MS if is_usual else _IMPATIENCE_MS
            self.connection.execute(f"PRAGMA busy_timeout = {wait}")

    def close(self) -> None:
        """Close; whatever was committed is there."""
        self.is_closed = True
        self.connection.close()


def _configure(connection: sqlite3.Connection) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise LedgerError(
            "The ledger's file system cannot keep a write-ahead log.",
            "Put the state on a local disk: set COSTD_STATE_DIR or [paths] state_dir.",
        )
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
    connection.execute(f"PRAGMA cache_size = -{_PAGE_CACHE_KIB}")
    connection.execute("PRAGMA wal_autocheckpoint = 16000")
    connection.execute("PRAGMA journal_size_limit = 33554432")
    # macOS flushes the drive's own cache only when asked to.
    connection.execute("PRAGMA fullfsync = 1")
    connection.execute("PRAGMA checkpoint_fullfsync = 1")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if found not in (0, APPLICATION_ID) or (found == 0 and tables):
        raise LedgerError(
            f"{path} is another program's database, not a ledger.",
            "Move it away, or set COSTD_STATE_DIR or [paths] state_dir to another place.",
        )


def _name(connection: sqlite3.Connection) -> None:
    """Give a ledger the name that it shares with its snapshots, if it has none."""
    found = connection.execute("SELECT 1 FROM meta WHERE key = 'lineage'").fetchone()
    if found is None:
        begin_lineage(connection)


def begin_lineage(connection: sqlite3.Connection) -> None:
    """Give a ledger a name of its own: what was saved before does not continue it."""
    connection.execute(
        "INSERT OR REPLACE INTO meta VALUES ('lineage', ?)", (secrets.token_hex(16),)
    )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    scripts = _scripts()
    if version > len(scripts):
        raise NewerLedgerError(
            f"The ledger is of version {version}; this costd knows {len(scripts)}.",
            "Update costd; nothing was changed.",
        )
    if 0 < version < len(scripts):
        _back_up(connection, path, version)
    for number, script in enumerate(scripts[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\n"
            f"PRAGMA application_id = {APPLICATION_ID};\n"
            f"PRAGMA user_version = {number};\nCOMMIT;"
        )


def latest_version() -> int:
    """The version of the schema that this costd makes."""
    return len(_scripts())


def _scripts() -> list[str]:
    folder = resources.files("costd.ledger") / "migrations"
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return [(folder / name).read_text("utf-8") for name in names]


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    target = path.with_name(f"{path.name}.before-{version + 1}")
    target.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(target),))


Identity = tuple[int, int]
NOTHING: Identity = (0, 0)


def identity(path: Path) -> Identity:
    """Which file is at a path; ``NOTHING`` where there is none."""
    try:
        status = path.stat()
    except OSError:
        return NOTHING
    return status.st_dev, status.st_ino


def beside(path: Path, suffix: str) -> Path:
    """SQLite's own file beside a database: ``-wal`` or ``-shm``."""
    return path.with_name(path.name + suffix)


_RETRY = {
    sqlite3.SQLITE_FULL: (
        "The disk is full; the ledger cannot be written.",
        "See `df -h {place}` and free some space there; costd goes on by itself.",
        "disk_full",
    ),
    sqlite3.SQLITE_READONLY: (
        "The ledger cannot be written: its file or disk is read-only.",
        "Make {place} writable: `chmod u+w {path}`; costd goes on by itself.",
        "ledger_readonly",
    ),
    sqlite3.SQLITE_BUSY: (
        "Another program holds the ledger locked.",
        "Find it with `fuser -v {path}` and end it; costd goes on by itself.",
        "ledger_busy",
    ),
    sqlite3.SQLITE_IOERR: (
        "The disk refuses to read or write the ledger.",
        "See `df -h {place}` and the disk's health; costd goes on by itself.",
        "ledger_io",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "The ledger cannot be opened.",
        "See `ls -la {place}`: it must belong to you and be writable.",
        "ledger_io",
    ),
}


_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors in words that say what to do; nothing of the data in them."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _RETRY:
            message, fix, name = _RETRY[code]
            where = fix.format(place=path.parent, path=path)
            raise LedgerBusyError(message, where, name) from error
        if code in _DAMAGE:
            raise DamagedLedgerError(
                f"The ledger {path} is damaged.",
                "Start costd again: it saves what can be read, keeps the damaged file "
                "beside it, and reads the logs again.",
            ) from error
        raise LedgerError(
            f"The ledger failed: {error.__class__.__name__} {code}.",
            "Run `costd doctor`.",
        ) from error


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the ledger's pages are not whole."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, DamagedLedgerError) or code in _DAMAGE


def sqlite_version() -> str:
    """The version of SQLite at work."""
    return sqlite3.sqlite_version
