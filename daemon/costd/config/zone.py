"""The system's time zone as an IANA name, so that it can be printed with the days."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_LOCALTIME = Path("/etc/localtime")
_TIMEZONE = Path("/etc/timezone")
_MOST_LINKS = 8
_LONGEST_NAME = 64


def system_zone(
    environ: Mapping[str, str],
    *,
    localtime: Path = _LOCALTIME,
    timezone_file: Path = _TIMEZONE,
) -> str:
    """The zone named by ``TZ``, the link ``/etc/localtime`` or ``/etc/timezone``.

    A ``TZ`` that holds a rule (``CET-1CEST``) or a file has no name and is passed
    over; an empty one means UTC, as in POSIX.
    """
    if environ.get("TZ") == "":
        return "UTC"
    named = environ.get("TZ", "").removeprefix(":")
    zone = _below_zoneinfo(named) or named
    if zone and is_zone(zone):
        return zone
    zone = _below_zoneinfo(_linked_name(localtime))
    if zone and localtime.is_file():  # the link itself proves that the zone is known
        return zone
    zone = _written_name(timezone_file)
    return zone if zone and is_zone(zone) else "UTC"


def is_zone(name: str) -> bool:
    """Whether the time zone database has ``name``; ``UTC`` needs no database."""
    if name == "UTC":
        return True
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - 5 ms that most starts save

    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a directory, a path, an unknown name
        return False
    return True


def _below_zoneinfo(path: str) -> str:
    """``Europe/Oslo`` of ``/usr/share/zoneinfo/posix/Europe/Oslo``; else empty."""
    _, found, name = path.partition("zoneinfo/")
    return name.removeprefix("posix/").removeprefix("right/") if found else ""


def _linked_name(link: Path) -> str:
    """The first target that lies in a zoneinfo directory.

    Not the last one: zones that were merged are links to each other there, and a
    user in Oslo did not choose Berlin.
    """
    try:
        for _ in range(_MOST_LINKS):
            target = link.readlink()
            if "zoneinfo/" in str(target):
                return str(target)
            link = link.parent / target
    except OSError:  # not a link, or the chain ends
        pass
    return ""


def _written_name(path: Path) -> str:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            return file.readline(_LONGEST_NAME).strip()
    except OSError:
        return ""
