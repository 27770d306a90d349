"""The engine put together, and hosted in a command while no daemon runs.

The only reader of the wall clock. What only a daemon needs is not imported here: a
command that hosts the engine must begin at once.
"""

from __future__ import annotations

import gc
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from costd.config import Config, claude_roots, codex_roots
from costd.config.webhook import chosen
from costd.core.alerts import EVENTS
from costd.core.attribution import Keys
from costd.core.errors import ConfigError
from costd.core.instants import MINUTE, SECOND
from costd.engine.answers.work import remove_recounts
from costd.engine.custody import Custody
from costd.engine.loop import Engine
from costd.engine.outlet import Publish
from costd.engine.runs import Posted
from costd.engine.session_maps import SessionMaps
from costd.engine.sources import CLAUDE, CODEX, DROID, Roots
from costd.ingest import kernel
from costd.ingest.orchestrators import Orchestrators
from costd.lock import exclusive
from costd.paths import Paths
from costd.prices import load_rate_card

Ask = Callable[[str, Mapping[str, object]], "Future[object]"]


def now() -> int:
    """The time, milliseconds since the epoch."""
    return time.time_ns() // 1_000_000  # noqa: TID251 - this module is the clock's reader


@contextmanager
def hosted(config: Config, paths: Paths) -> Iterator[Ask]:
    """The engine in this process, for one command, while no daemon runs.

    It has caught up with the logs when the first question is answered that needs it
    to: ask ``sync`` first.

    Raises:
        AlreadyRunningError: a daemon holds the ledger; ask that one.
        CostdError: the state directory or the ledger cannot be used.
    """
    prepare(paths)
    with exclusive(paths.lock):
        engine = compose(config, paths, publish_to=None)
        thread = threading.Thread(target=engine.run, name="costd-engine")
        thread.start()
        try:
            yield engine.ask
        finally:
            engine.stop()
            thread.join()


def prepare(paths: Paths) -> None:
    """Make costd's own places, and this process fit for millions of values."""
    os.umask(0o077)
    # The memory of this process holds lines of conversations: no core file of it.
    # Where a sandbox forbids to say so it has said so itself.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    paths.ensure()
    refuse_elsewhere(str(paths.state_dir), kernel.read_mountinfo())
    (paths.state_dir / "canary").mkdir(mode=0o700, exist_ok=True)
    # Millions of values, none of which refers to itself: collecting costs, and finds
    # nothing.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def refuse_elsewhere(place: str, mountinfo: str) -> None:
    """Keep the ledger off file systems on which SQLite's log can be torn.

    Args:
        place: the state directory.
        mountinfo: the text of ``/proc/self/mountinfo``.

    Raises:
        ConfigError: it lies on a network or FUSE file system.
    """
    real = os.path.realpath(place)
    if kind := kernel.file_system_of(mountinfo, real):
        raise ConfigError(
            f"the state directory {place} lies on a network or FUSE file system ({kind}),"
            " where a database can be torn",
            "Put it on a local disk: set COSTD_STATE_DIR or [paths] state_dir.",
        )


def compose(
    config: Config,
    paths: Paths,
    publish_to: Publish | None,
    on_mending: Callable[[], None] = lambda: None,
) -> Engine:
    """The engine with everything it needs; with an outlet it is the daemon's.

    The caller holds the lock. ``on_mending`` is called now and then while a damaged
    ledger is mended, which takes its time.
    """
    remove_recounts(paths.state_dir)
    orchestrators = Orchestrators(Path.home(), os.environ)
    maps = [paths.output_dir, *config.output.mirror_dirs]
    roots = roots_of(config)
    custody = custody_of(config, paths)
    custody.on_progress = on_mending
    engine = Engine(
        ledger=custody.open(),
        roots=roots,
        zone=ZoneInfo(config.timezone),
        clock=now,
        tick_ms=config.engine.tick_seconds * SECOND,
        quiet_ms=config.engine.live_minutes * MINUTE,
        max_line_bytes=config.engine.max_line_bytes,
        spool=str(paths.spool),
        orchestrators=orchestrators,
        session_maps=SessionMaps(maps, orchestrators.session_maps),
        reports=paths.output_dir / "reports",
        publish=publish_to,
        custody=custody,
        snapshots=config.health.snapshots,
        is_daemon=publish_to is not None,
    )
    engine.runs.max_age_days = config.runs.max_age_days
    if config.webhook.url is not None:
        events = chosen(config.webhook)
        engine.runs.posted = Posted(events, config.webhook.include_iterations)
        engine.alarm.alerts.events = events & frozenset(EVENTS)
    engine.telling.cycle_day = config.kpi.cycle_day
    engine.telling.read_logs(
        [str(config.events.log or paths.state_dir / "events.jsonl")],
        map(str, config.events.import_dirs),
    )
    return engine


def custody_of(config: Config, paths: Paths) -> Custody:
    """Who looks after the ledger's file; whoever uses it holds the lock."""
    keys = config.attribution.issue_keys
    card = load_rate_card(config.prices.override_tables(), config.prices.aliases)
    known = Keys(None if keys is None else frozenset(k.upper() for k in keys))
    places = [root for some in roots_of(config).values() for root in some]
    return Custody(paths.ledger, card, known, places, now)


def roots_of(config: Config) -> Roots:
    """The directories with session logs by source, whether they exist or not."""
    sources, environ, home = config.sources, os.environ, Path.home()
    found = {}
    if sources.claude.enabled:
        found[CLAUDE.name] = claude_roots(sources.claude, environ, home)
    if sources.codex.enabled:
        found[CODEX.name] = codex_roots(sources.codex, environ, home)
    if sources.droid.enabled and sources.droid.roots:
        found[DROID.name] = sources.droid.roots
    return {name: list(map(str, roots)) for name, roots in found.items()}
