"""Which service is meant, and how it and the daemon stand."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from costd import __version__
from costd.cli import finder
from costd.cli.client import connect
from costd.cli.configuration import home as own_home
from costd.cli.services.launchd import Launchd
from costd.cli.services.plan import Plan, plan_of, program_of
from costd.cli.services.seen import (
    FOREIGN,
    OUTDATED,
    Seen,
    Service,
    as_json,
    is_installed,
)
from costd.cli.services.systemd import Systemd, explain
from costd.config import Config, load_config
from costd.core.errors import ConfigError, CostdError, UsageError

_OF_A_USER = ("HOME", "XDG_")
"""Variables of the one who types ``sudo``, which say nothing of somebody else."""


class Choice(NamedTuple):
    """What the command line says of it; None is what it leaves open."""

    config: str | None = None
    manager: str | None = None
    system: bool = False
    user: str | None = None
    socket: bool | None = None
    sandbox: bool | None = None
    may_be_broken: bool = False
    """Whether it is only looked for, which a broken configuration must not prevent."""
    only_looks: bool = False
    """Whether nothing is changed, for which nobody has to be root."""


class Account(NamedTuple):
    """Whose service it is."""

    name: str
    uid: int
    gid: int
    home: Path


def choose(choice: Choice) -> Service:
    """The service that is meant.

    Raises:
        UsageError: the options contradict each other.
        ConfigError: the configuration cannot be used.
        CostdError: there is no such user, or it takes root.
    """
    manager = choice.manager or ("launchd" if sys.platform == "darwin" else "systemd")
    if choice.user and not choice.system:
        raise UsageError("--user goes with --system", "Give both, or neither.")
    if manager == "launchd":
        if choice.system or choice.socket or choice.sandbox:
            raise UsageError("launchd has no such service", "Leave the option out.")
        return Launchd(_plan(choice, _own_account(), dict(os.environ)))
    if not choice.system:
        plan = _plan(choice, _own_account(), dict(os.environ))
        return Systemd(plan, sandbox=choice.sandbox, socket=choice.socket)
    if choice.socket or choice.sandbox is False:
        raise UsageError("a unit of the whole system has no such form", "Leave it out.")
    account = _account(choice.user)
    if choice.only_looks and os.geteuid() != 0:
        nothing = choice._replace(config=os.devnull)
        return Systemd(_plan(nothing, account, {}), is_system=True)
    _require_root(account.name)
    kept = {n: v for n, v in os.environ.items() if not n.startswith(_OF_A_USER)}
    with _as_user(account):
        plan = _plan(choice, account, kept)
        _require_program(plan, account)
    return Systemd(plan, is_system=True)


class Daemon(msgspec.Struct, frozen=True):
    """A daemon that answers, as it says of itself in ``daemon.json``."""

    pid: int
    socket: str
    version: str = ""
    started_at: str = ""


def daemon_of(state_dir: str) -> Daemon | None:
    """The daemon of a state directory; None where none listens."""
    path = finder.socket_path(state_dir)
    try:
        connection = connect(path) if path else None
        if connection is None:
            return None
        connection.close()
        data = Path(state_dir, "daemon.json").read_bytes()
        return msgspec.json.decode(data, type=Daemon)
    except (CostdError, OSError, msgspec.MsgspecError):
        return None


def refuse_other_daemon(service: Service) -> None:
    """The service cannot start beside a daemon that somebody started by hand.

    Raises:
        CostdError: there is one.
    """
    daemon = daemon_of(service.kept)
    if daemon is None or daemon.pid == service.seen().pid:
        return
    raise CostdError(
        f"costd runs already, pid {daemon.pid}, and not as this service",
        f"End that one first (Ctrl-C where it runs, or: kill {daemon.pid}).",
    )


def standing(service: Service, config: str | None) -> dict[str, Any]:
    """How service and daemon stand: the answer of ``costd service status``."""
    files, seen = service.files(), service.seen()
    daemon = daemon_of(service.kept)
    lingers = service.lingers()
    answer: dict[str, Any] = {
        "schema_version": 1,
        "manager": service.manager,
        "scope": service.scope,
        "name": service.name,
        "installed": is_installed(files),
        "running": seen.active == "active",
        **seen._asdict(),
        "lingers": lingers,
        "files": as_json(files),
        "daemon": None,
    }
    if daemon is not None:
        is_service = daemon.pid == seen.pid
        answer["daemon"] = {**msgspec.structs.asdict(daemon), "is_service": is_service}
    found = _problems(service, answer, seen, config)
    answer["problems"] = [{"message": m, "fix": f} for m, f in found]
    return answer


def _problems(
    service: Service, answer: dict[str, Any], seen: Seen, config: str | None
) -> Iterator[tuple[str, str]]:
    yield from _of_service(service, answer, seen)
    daemon = answer["daemon"]
    if daemon is not None and not daemon["is_service"]:
        yield f"A costd runs that is not this service, pid {daemon['pid']}.", ""
    if daemon is not None and daemon["version"] != __version__:
        said = f"The daemon is version {daemon['version']}, this is {__version__}."
        yield said, "costd service restart"
    if service.scope != "user":
        return  # that user's configuration is that user's business
    try:
        load_config(Path(config) if config else None, os.environ, own_home())
    except ConfigError as error:
        yield error.message.splitlines()[0], error.fix


def _of_service(
    service: Service, answer: dict[str, Any], seen: Seen
) -> Iterator[tuple[str, str]]:
    install = f"costd service install{service.options}"
    if not answer["installed"]:
        yield "costd is no service here.", install
        return
    for file in answer["files"]:
        if file["state"] == OUTDATED:
            yield f"{file['path']} is not as this shell would write it now.", install
        if file["state"] == FOREIGN:
            yield f"{file['path']} was not written by costd.", ""
    if seen.active is None:
        yield f"{service.manager} does not answer here.", "Log in as this user."
    elif seen.active == "failed":
        yield f"It failed: {explain(seen)}.", f"costd service logs{service.options}"
    elif not answer["running"]:
        yield "It does not run.", f"costd service start{service.options}"
    if answer["lingers"] is False:
        yield "It ends when this user logs out everywhere.", "loginctl enable-linger"


def _plan(choice: Choice, account: Account, environ: dict[str, str]) -> Plan:
    config = _config(choice, account, environ)
    return plan_of(
        config,
        environ,
        account.home,
        user=account.name,
        program=program_of(sys.argv[0], sys.prefix, sys.executable),
        config_option=choice.config,
    )


def _config(choice: Choice, account: Account, environ: dict[str, str]) -> Config:
    file = Path(choice.config) if choice.config else None
    try:
        return load_config(file, environ, account.home)
    except ConfigError:
        if not choice.may_be_broken:
            raise
        return load_config(Path(os.devnull), environ, account.home)


def _own_account() -> Account:
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a number
        name = str(uid)
    home = own_home()
    if not home.is_absolute():  # a service file would mean another place each time
        raise ConfigError(f"HOME is {home}, no absolute path", "Set HOME to one.")
    return Account(name, uid, os.getgid(), home)


def _account(name: str | None) -> Account:
    name = name or os.environ.get("SUDO_USER")
    if not name:
        raise UsageError(
            "whose costd is it?",
            "Say it: costd service install --system --user NAME",
        )
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise UsageError(f"there is no user {name!r}", "See: getent passwd") from None
    return Account(found.pw_name, found.pw_uid, found.pw_gid, Path(found.pw_dir))


def _require_root(name: str) -> None:
    if os.geteuid() != 0:
        raise CostdError(
            "a service of the whole system takes root",
            f"sudo costd service install --system --user {name}",
        )


@contextmanager
def _as_user(account: Account) -> Iterator[None]:
    """See files as that user does: its configuration is its own, not root's."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _require_program(plan: Plan, account: Account) -> None:
    program = plan.command[0]
    if not os.access(program, os.X_OK, effective_ids=True):
        raise CostdError(
            f"{account.name} may not run {program}",
            "Install costd where everybody can read it, such as below /opt.",
        )
