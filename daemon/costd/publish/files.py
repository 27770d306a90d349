"""Files that other programs read: never torn, never half, never wider than asked.

A reader sees the old file or the new one and nothing in between: the new content
goes to a temporary file beside the target, onto the disk, and over the target by
``rename``. A full disk or a crash leaves the old file as it was.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from costd.core.errors import PublishError

MIRRORED = ("runtime-metrics.json", "session-map.json")
"""The documents which other programs look for in directories of their own."""

PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
DOCUMENT_NAME = re.compile(r"([A-Za-z0-9_-]+/)?[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}")

# Names which Windows gives to devices, whatever the extension; a directory of
# summaries may well be synchronised to one.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)

# What `safe_name` itself makes. A plain id of that form is hashed too, so that no
# id can be chosen to land on the file of another one.
_HASHED = re.compile(r".*-[0-9a-f]{16}")

_TEMPORARY = re.compile(r"\.costd-(\d{1,10})-[0-9a-f]{16}\.tmp")

_FIXES = {
    errno.ENOSPC: "Free some space; the next tick tries again, the old file is kept.",
    errno.EDQUOT: "Free some of your quota; the next tick tries again.",
    errno.EROFS: "The file system is read-only: mount it writable or set [paths].",
    errno.EACCES: "Make the directory writable for the user who runs costd.",
    errno.EPERM: "Make the directory writable for the user who runs costd.",
    errno.ENOENT: "Create the directory, or name another one in the configuration.",
    errno.EISDIR: "Move the directory of that name away.",
}


@dataclass(frozen=True, slots=True)
class Published:
    """What one round of publishing did: files rewritten, and what went wrong."""

    written: int
    problems: tuple[PublishError, ...]


def publish(
    directory: Path, documents: Mapping[str, bytes], mirrors: Iterable[Path] = ()
) -> Published:
    """Write each document that changed; one that fails does not stop the others.

    Args:
        directory: made (0700) when missing, with the directories in between.
        documents: content by name; a name may have one folder (``issues/A-1.json``).
        mirrors: directories of other programs, which must exist; they get copies of
            those ``documents`` that are in ``MIRRORED``.
    """
    written = 0
    problems: list[PublishError] = []
    changed: set[Path] = set()
    for base, name, data in _targets(directory, documents, mirrors):
        try:
            if base == directory:
                _make_directory((base / name).parent)
            if target := _write(base / name, data, 0o600):
                written += 1
                changed.add(target.parent)
        except PublishError as error:
            problems.append(error)
    for folder in changed:  # once for all of its files: each time waits for the disk
        try:
            sync_directory(folder)
        except OSError as error:
            problems.append(problem_of(folder, error))
    return Published(written, tuple(problems))


def _targets(
    directory: Path, documents: Mapping[str, bytes], mirrors: Iterable[Path]
) -> Iterable[tuple[Path, str, bytes]]:
    for name, data in documents.items():
        _check_name(name)
        yield directory, name, data
    for mirror in mirrors:
        for name in MIRRORED:
            if name in documents:
                yield mirror, name, documents[name]


def _check_name(name: str) -> None:
    if not DOCUMENT_NAME.fullmatch(name):
        raise ValueError(f"not the name of a document: {name[:80]!r}")


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise problem_of(path, error) from None


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600) -> bool:
    """Make ``path`` hold ``data``; returns whether it had to be written.

    A file that already holds ``data`` with ``mode`` is left alone. Where ``path`` is
    a symlink, the file it points to is replaced and the link stays.

    Raises:
        PublishError: it cannot be written; the old content is still there.
    """
    target = _write(path, data, mode)
    if target is not None:
        try:
            sync_directory(target.parent)
        except OSError as error:
            raise problem_of(path, error) from None
    return target is not None


def _write(path: Path, data: bytes, mode: int) -> Path | None:
    """As ``write_atomic``, but for the directory; the file that it had to replace."""
    try:
        target = Path(os.path.realpath(path))
        if _holds(target, data, mode):
            return None
        _replace(target, data, mode)
    except OSError as error:
        raise problem_of(path, error) from None
    return target


def problem_of(path: Path, error: OSError) -> PublishError:
    """What a failure of the system means for whoever reads it."""
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return PublishError(
        f"cannot write {os.fsencode(path).decode(errors='backslashreplace')}: {reason}",
        _FIXES.get(error.errno or 0, "Look at the directory and at its file system."),
    )


def _holds(path: Path, data: bytes, mode: int) -> bool:
    """Whether ``path`` is a regular file with exactly that content and mode."""
    try:
        # A FIFO by that name would block a plain open for ever.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != mode:
            return False
        if found.st_size != len(data):
            return False
        with open(fd, "rb", closefd=False) as file:
            return file.read(len(data) + 1) == data
    finally:
        os.close(fd)


def _replace(target: Path, data: bytes, mode: int) -> None:
    """Temporary file, content, disk, rename; no trace of it on any failure."""
    temporary = write_temporary(target, data, mode)
    try:
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_temporary(target: Path, data: bytes, mode: int) -> Path:
    """A new file beside ``target``, on the disk; no trace of it on any failure.

    Raises:
        OSError: it cannot be written.
    """
    temporary = target.with_name(f".costd-{os.getpid()}-{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    fd = os.open(temporary, flags, 0o600)
    try:
        try:
            _write_all(fd, data)
            os.fchmod(fd, mode)
            os.fsync(fd)
        finally:
            os.close(fd)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    return temporary


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync_directory(directory: Path) -> None:
    """Make the rename itself durable, where the file system knows how."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)


def sweep_temporaries(directory: Path) -> int:
    """Remove temporary files which a killed costd left here; returns how many.

    For the start of the daemon, before it writes: a file of another process which
    is alive is in use and stays.
    """
    removed = 0
    with suppress(OSError):
        for entry in list(directory.iterdir()):
            match = _TEMPORARY.fullmatch(entry.name)
            if match and not _is_foreign_and_alive(int(match[1])):
                with suppress(OSError):
                    entry.unlink()
                    removed += 1
    return removed


def _is_foreign_and_alive(pid: int) -> bool:
    if pid in (0, os.getpid()):
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def safe_name(issue_id: str) -> str:
    """A file name for an id that came from outside; different for different ids.

    Short plain ids (letters, digits, ``_``, ``-``) are their own name. Any other gets
    what can be read of it and 16 hex digits of its SHA-256:
    ``owner/name#45`` is ``owner-name-45-…``.
    """
    if PLAIN_NAME.fullmatch(issue_id) and not (
        _DEVICE.fullmatch(issue_id) or _HASHED.fullmatch(issue_id)
    ):
        return issue_id
    digest = hashlib.sha256(issue_id.encode("utf-8", "surrogatepass")).hexdigest()
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", issue_id[:200]).strip("-")[:48]
    return f"{readable or 'issue'}-{digest[:16]}"
