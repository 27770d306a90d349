"""The daemon: lock, ledger, engine, socket, READY, beat; and the way back."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import orjson

from costd import __version__
from costd.config import Config
from costd.core.instants import format_instant
from costd.engine.loop import Engine
from costd.ingest.watch import Watch
from costd.lock import exclusive
from costd.log import configure, get_logger
from costd.paths import Paths
from costd.publish.api import build_app
from costd.publish.encode import dump
from costd.publish.files import publish, sweep_temporaries, write_atomic
from costd.publish.live import Live
from costd.publish.loopback import Loopback
from costd.publish.notify import notify, watchdog_seconds
from costd.publish.server import Server
from costd.schedule import Beat
from costd.service.host import compose, now, prepare, roots_of

STOP_SECONDS = 9.0
"""A service manager gives ten before it kills."""

log = get_logger("service")


def run(config: Config, paths: Paths) -> int:
    """The daemon in the foreground, until SIGTERM or SIGINT; its exit status.

    Raises:
        AlreadyRunningError: another one runs.
        CostdError: it cannot start; nothing was begun.
    """
    configure(config.log.level, config.log.format)
    faulthandler.enable()  # where each thread was, and no value of anything
    prepare(paths)
    os.chdir("/")
    stopping = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(exclusive(paths.lock))
        stack.enter_context(_signals(stopping))
        engine = compose(config, paths, publish_to=_outlet(config, paths))
        engine.report = _report
        engine.relax = _give_memory_back
        server = _server(config, paths, engine)
        worker = _Worker(engine, _watch(config, paths, engine), stopping)
        # From here on everything that began is ended, whatever happens.
        stack.callback(worker.end)
        server.start()
        stack.callback(server.stop)
        worker.start()
        _announce(paths, server)
        stack.callback(paths.daemon_file.unlink, missing_ok=True)
        _keep_beating(stack, config, engine, server)
        notify("READY=1", f"STATUS=watching {len(_directories(config))} directories")
        log.info("daemon_started", version=__version__, pid=os.getpid())
        stopping.wait()
        notify("STOPPING=1")
        log.info("daemon_stopping")
    if worker.is_alive():
        _force_exit()
    return 1 if worker.has_crashed else 0


class _Worker(threading.Thread):
    """The engine's thread; the process does not live on without it."""

    def __init__(self, engine: Engine, watch: Watch, stopping: threading.Event) -> None:
        super().__init__(name="costd-engine")
        self._engine = engine
        self._watch = watch
        self._stopping_process = stopping
        self.has_crashed = False

    def run(self) -> None:
        try:
            self._engine.run(self._watch)
        except Exception:
            self.has_crashed = True
            log.exception("engine_crashed")
            self._stopping_process.set()

    def end(self) -> None:
        """Ask the engine to stop, and wait as long as a supervisor would."""
        self._engine.stop()
        if self.ident is not None:
            self.join(STOP_SECONDS)


def _server(config: Config, paths: Paths, engine: Engine) -> Server:
    live = Live()
    engine.on_change = live.changed
    return Server(
        build_app(engine.ask, live, on_error=_report),
        paths.socket,
        loopback=_loopback(config, paths),
        on_stop=live.close,
        on_error=_report,
    )


def _watch(config: Config, paths: Paths, engine: Engine) -> Watch:
    return Watch(
        _directories(config),
        notify=engine.hint,
        rescan=engine.rescan,
        canary_dir=str(paths.state_dir / "canary"),
        slow_sweep_seconds=config.engine.sweep_seconds,
    )


def _directories(config: Config) -> list[str]:
    return [root for roots in roots_of(config).values() for root in roots]


def _outlet(
    config: Config, paths: Paths
) -> Callable[[Mapping[str, Any]], dict[str, str]]:
    """Where the summary files go."""
    sweep_temporaries(paths.output_dir)

    def put(documents: Mapping[str, Any]) -> dict[str, str]:
        encoded = {name: dump(value) for name, value in documents.items()}
        done = publish(paths.output_dir, encoded, config.output.mirror_dirs)
        for problem in done.problems:
            log.warning("publish_failed", reason=problem.message)
        return {"publish": done.problems[0].message} if done.problems else {}

    return put


def _loopback(config: Config, paths: Paths) -> Loopback | None:
    if not config.http.enabled:
        return None
    host = "127.0.0.1" if config.http.host == "localhost" else config.http.host
    return Loopback(config.http.port, paths.state_dir / "http.token", now, host)


def _keep_beating(
    stack: ExitStack, config: Config, engine: Engine, server: Server
) -> None:
    def tick() -> None:
        engine.tick()
        server.ensure_socket()

    beats = [Beat(config.engine.tick_seconds, tick)]
    if (seconds := watchdog_seconds()) is not None:
        beats.append(Beat(seconds, lambda: _ping(engine)))
    for beat in beats:
        beat.start()
        stack.callback(beat.stop)


def _ping(engine: Engine) -> None:
    """Tell the manager that the engine works; a ping from elsewhere would hide a hang."""
    engine.ask("alive", {}).add_done_callback(lambda _: notify("WATCHDOG=1"))


def _announce(paths: Paths, server: Server) -> None:
    """Say in the state directory where the socket is: every shell finds that."""
    about = {
        "schema_version": 1,
        "socket": str(server.socket_path),
        "pid": os.getpid(),
        "version": __version__,
        "started_at": format_instant(now()),
        "port": server.port,
    }
    write_atomic(paths.daemon_file, orjson.dumps(about) + b"\n")


@contextmanager
def _signals(stopping: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT ask for an end; a second one ends at once."""

    def ask_to_stop(_signal: int, _frame: object) -> None:
        if stopping.is_set():
            _force_exit()
        stopping.set()

    before = {
        number: signal.signal(number, ask_to_stop)
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _force_exit() -> int:
    """A thread hangs: leave, so that the supervisor can start anew."""
    log.error("stop_forced")
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(1)


def _give_memory_back() -> None:
    """Have the C library return what it holds and does not need; glibc only."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _report(place: str, error: Exception) -> None:
    log.warning("request_failed", place=place, error=type(error).__name__)
