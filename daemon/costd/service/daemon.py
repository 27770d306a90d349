"""The daemon: lock, ledger, socket, READY, engine, beat; and the way back."""

from __future__ import annotations

import faulthandler
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from queue import SimpleQueue
from typing import Any, NamedTuple

import orjson

from costd import __version__
from costd.config import Config
from costd.core.errors import AlreadyRunningError, ConfigError, CostdError
from costd.core.instants import format_instant
from costd.ingest.watch import Watch
from costd.lock import exclusive
from costd.log import configure, get_logger
from costd.paths import Paths
from costd.publish import desktop
from costd.publish.api import build_app
from costd.publish.files import write_atomic
from costd.publish.live import Live
from costd.publish.loopback import Loopback
from costd.publish.notify import notify, watchdog_seconds
from costd.publish.server import Server
from costd.publish.sockets import inherited, is_live
from costd.publish.web.readying import readying
from costd.schedule import Beat
from costd.service import footprint
from costd.service.courier import Courier
from costd.service.engines import Engines, Work
from costd.service.failures import Failures
from costd.service.heart import Heart
from costd.service.host import compose, now, prepare, roots_of
from costd.service.logfile import LogFile
from costd.service.press import Press
from costd.service.reload import change
from costd.service.signals import force_exit, heard

_KEPT = "the old configuration stays in effect."

log = get_logger("service")


class Stop(NamedTuple):
    """End, with this exit status."""

    code: int


class Reload(NamedTuple):
    """Look at the configuration again; ``answer`` gets what came of it."""

    answer: Future[object] | None


Order = Stop | Reload
"""What other threads have the main one do."""


def run(config: Config, paths: Paths, load: Callable[[], Config]) -> int:
    """The daemon in the foreground, until SIGTERM or SIGINT; its exit status.

    Args:
        config: the configuration in effect.
        paths: its places.
        load: reads the configuration again.

    Raises:
        AlreadyRunningError: another one runs.
        CostdError: it cannot start; nothing was begun.
    """
    configure(config.log.level, config.log.format)
    with suppress(ValueError, OSError):  # no standard error to write to
        # A crash, or the watchdog's SIGABRT: which functions, and no values.
        faulthandler.enable()
    footprint.keep_little()
    prepare(paths)
    os.chdir("/")
    orders: SimpleQueue[Order] = SimpleQueue()
    with heard(
        stop=lambda: orders.put(Stop(0)), reload=lambda: orders.put(Reload(None))
    ):
        return _Daemon(config, load, orders).run()


class _Daemon:
    """Everything that runs, from lock to lock."""

    def __init__(
        self, config: Config, load: Callable[[], Config], orders: SimpleQueue[Order]
    ) -> None:
        self._config = config
        self._paths = config.paths
        self._load = load
        self._orders = orders
        self._started_at = now()
        self._live = Live()
        self._engines = Engines(crashed=lambda: orders.put(Stop(1)))
        self._courier = Courier(self._engines.ask, self._engines.note, now, os.environ)
        self._log_file = LogFile(os.environ)
        self._press = Press(self._paths.output_dir)
        self._refused = 0
        self._trouble = ""
        self._has_lost_lock = False

    def run(self) -> int:
        """Start everything in its order, obey orders, end everything."""
        with ExitStack() as stack:
            self._lock = stack.enter_context(exclusive(self._paths.lock))
            listener = inherited(os.environ)
            _refuse_living(self._paths, listener.getsockname() if listener else "")
            notify("STATUS=opening the ledger")
            work = self._compose(self._config)
            # From here on everything that began is ended, whatever happens.
            stack.callback(self._press.close)
            stack.callback(self._end)
            self._server = _server(self._config, self._ask, self._live, listener)
            self._server.start()
            stack.callback(self._server.stop)
            _announce(self._paths, self._server, self._started_at)
            stack.callback(self._paths.daemon_file.unlink, missing_ok=True)
            notify("READY=1", "STATUS=looking at the logs")
            self._engines.start(work)
            stack.callback(self._courier.stop)
            self._courier.use(self._config.webhook)
            self._heart = self._make_heart()
            self._beat = self._begin_beat()
            stack.callback(self._end_beat)
            self._heart.start()
            stack.callback(self._heart.stop)
            log.info("daemon_started", version=__version__, pid=os.getpid())
            code = self._obey()
            notify("STOPPING=1", "STATUS=stopping")
            log.info("daemon_stopping")
        return 1 if self._engines.has_crashed else code

    def _obey(self) -> int:
        while isinstance(order := self._orders.get(), Reload):
            self._reload(order.answer)
        return order.code

    def _end(self) -> None:
        if not self._engines.end():
            force_exit()  # before the lock is free: it may still write

    def _ask(self, name: str, params: Mapping[str, object]) -> Future[object]:
        """For the server: a reload is the main thread's, the rest the engine's."""
        if name != "reload":
            return self._engines.ask(name, params)
        answer: Future[object] = Future()
        self._orders.put(Reload(answer))
        return answer

    # The engine.

    def _compose(self, config: Config) -> Work:
        self._press.mirrors = config.output.mirror_dirs
        engine = compose(
            config,
            self._paths,
            publish_to=self._press.put,
            on_mending=_ask_for_time,
        )
        engine.report = _report
        engine.say = engine.alarm.say = log.warning
        if engine.is_recovering:
            log.warning("ledger_mended")
        if config.health.desktop_notices:
            engine.alarm.notice = desktop.show
        engine.relax = footprint.give_back
        engine.on_change = self._changed
        engine.started_at = self._started_at
        return Work(engine, _watch(config, self._paths, self._engines))

    def _changed(self) -> None:
        """Something was published, and there may be something to send."""
        self._live.changed()
        self._courier.wake()

    def _make_heart(self) -> Heart:
        heart = Heart(
            self._engines.ask,
            self._server.touch,
            sweep_seconds=self._config.engine.sweep_seconds,
            watchdog_seconds=watchdog_seconds(),
        )
        heart.tick_seconds = self._config.engine.tick_seconds
        return heart

    # The beat.

    def _begin_beat(self) -> Beat:
        beat = Beat(self._config.engine.tick_seconds, self._tick)
        beat.start()
        return beat

    def _end_beat(self) -> None:
        self._beat.stop()

    def _tick(self) -> None:
        """Look after what nobody else looks after."""
        self._engines.tick()
        try:
            self._keep_lock()
            self._server.ensure_socket()
            trouble = ""
        except AlreadyRunningError as error:
            trouble = error.message
            log.warning("daemon_displaced", reason=error.message)
            self._orders.put(Stop(error.exit_code))
        except ConfigError as error:
            trouble = error.message
        if trouble != self._trouble:
            self._trouble = trouble
            self._engines.note("socket", trouble or None)
        self._log_file.keep_small()
        self._tell_of_strangers()
        self._heart.ticked()

    def _keep_lock(self) -> None:
        """Hold the lock, also after its file was removed.

        One that starts meanwhile holds the new file until it has seen that a daemon
        answers. Who holds it with the next beat too does not mean to leave.

        Raises:
            AlreadyRunningError: somebody else has it.
        """
        try:
            if self._lock.keep():
                log.warning("lock_restored", reason="its file was removed")
            self._has_lost_lock = False
        except AlreadyRunningError:
            if self._has_lost_lock:
                raise
            self._has_lost_lock = True
            log.warning("lock_lost", reason="its file was removed, another holds it")

    def _tell_of_strangers(self) -> None:
        census = self._server.census
        if census is not None and census.refused > self._refused:
            log.warning("clients_refused", count=census.refused - self._refused)
            self._refused = census.refused

    # The configuration.

    def _reload(self, answer: Future[object] | None) -> None:
        notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            said = self._reloaded()
        except CostdError as error:
            log.warning("config_refused", message=error.message, fix=error.fix)
            self._engines.note("config", f"{error.message.splitlines()[0]}; {_KEPT}")
            if answer is not None:
                fix = f"{error.fix.rstrip('.')}. Until then {_KEPT}"
                answer.set_exception(ConfigError(error.message, fix))
        else:
            if answer is not None:
                answer.set_result(said)
        finally:
            notify("READY=1")
            self._heart.look()

    def _reloaded(self) -> dict[str, Any]:
        new = self._load()
        found = change(self._config, new)
        if found.applied:
            self._replace(found.config)
            self._config = found.config
        self._engines.note("config", None)
        log.info("config_reloaded", setting=found.applied, waiting=len(found.waiting))
        return {
            "schema_version": 1,
            "path": str(new.paths.config_file),
            "applied": found.applied,
            "needs_restart": found.waiting,
        }

    def _replace(self, config: Config) -> None:
        """Another engine, with another configuration; the old one if that fails."""
        if not self._engines.pause():
            force_exit()  # it hangs: a supervisor starts the next one
        try:
            work = self._compose(config)
        except CostdError:
            try:
                self._engines.start(self._compose(self._config))
            except CostdError:
                self._orders.put(Stop(1))
            raise
        self._engines.start(work)
        self._courier.use(config.webhook)
        configure(config.log.level, config.log.format)
        self._heart.sweep_seconds = config.engine.sweep_seconds
        if config.engine.tick_seconds != self._config.engine.tick_seconds:
            self._config = config
            self._heart.tick_seconds = config.engine.tick_seconds
            self._beat.stop()
            self._beat = self._begin_beat()


def _refuse_living(paths: Paths, own_listener: str) -> None:
    """A daemon whose lock file was removed is one all the same.

    Raises:
        AlreadyRunningError: one answers.
    """
    told = ""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = str(orjson.loads(paths.daemon_file.read_bytes())["socket"])
    for path in {told, str(paths.socket)} - {"", own_listener}:
        if is_live(path):
            raise AlreadyRunningError(
                f"another costd answers on {path}",
                "Ask it with `costd status`, or stop it first.",
            )


def _server(
    config: Config,
    ask: Callable[[str, dict[str, object]], Future[object]],
    live: Live,
    listener: Any,
) -> Server:
    loopback = _loopback(config, config.paths)
    limits = tuple(map(float, config.http.badge_usd))
    return Server(
        build_app(ask, live, on_error=_report, badge_usd=limits),
        config.paths.socket,
        loopback=loopback,
        listener=listener,
        on_stop=live.close,
        on_error=_report,
        work=None if loopback is None else readying(ask, limits),
    )


def _watch(config: Config, paths: Paths, engines: Engines) -> Watch:
    return Watch(
        _directories(config),
        notify=engines.hint,
        rescan=engines.rescan,
        canary_dir=str(paths.state_dir / "canary"),
        slow_sweep_seconds=config.engine.sweep_seconds,
    )


def _directories(config: Config) -> list[str]:
    return [root for roots in roots_of(config).values() for root in roots]


def _loopback(config: Config, paths: Paths) -> Loopback | None:
    if not config.http.enabled:
        return None
    host = "127.0.0.1" if config.http.host == "localhost" else config.http.host
    return Loopback(config.http.port, paths.state_dir / "http.token", now, host)


def _announce(paths: Paths, server: Server, started_at: int) -> None:
    """Say in the state directory where the socket is: every shell finds that."""
    about = {
        "schema_version": 1,
        "socket": str(server.socket_path),
        "pid": os.getpid(),
        "version": __version__,
        "started_at": format_instant(started_at),
        "port": server.port,
    }
    write_atomic(paths.daemon_file, orjson.dumps(about) + b"\n")


def _ask_for_time() -> None:
    """A ledger is mended before anything else can begin: the manager shall wait."""
    notify("EXTEND_TIMEOUT_USEC=120000000", "STATUS=mending the ledger")


_report = Failures(now)
