"""A backup in the ledger's place: laid ready for the daemon, or put there without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from costd.config import Config
from costd.engine.custody import Custody
from costd.ledger.snapshots import copy
from costd.lock import exclusive
from costd.paths import Paths
from costd.service.host import custody_of, prepare

READY = "restoring.db"


def stage(paths: Paths, source: Path) -> None:
    """Lay a copy of a backup where the daemon may read it, whatever its sandbox.

    Raises:
        LedgerError: it cannot be read, or there is no room for it.
    """
    paths.ensure()
    copy(source, paths.state_dir / READY)


def restore(config: Config) -> dict[str, Any]:
    """Put what lies ready in the ledger's place, while no daemon runs.

    Raises:
        AlreadyRunningError: somebody has the ledger after all.
        LedgerError: what lies ready cannot be used.
    """
    prepare(config.paths)
    with exclusive(config.paths.lock):
        custody: Custody = custody_of(config, config.paths)
        return custody.restore()
