from __future__ import annotations

from pathlib import Path

import pytest

from costd.config.zone import system_zone


@pytest.mark.parametrize(
    ("name", "link", "written", "zone"),
    [
        ("America/New_York", None, None, "America/New_York"),
        (":Europe/Oslo", "usr/share/zoneinfo/Asia/Tokyo", None, "Europe/Oslo"),
        ("/usr/share/zoneinfo/Europe/Oslo", None, None, "Europe/Oslo"),
        (":/etc/localtime", "usr/share/zoneinfo/Asia/Tokyo", None, "Asia/Tokyo"),
        ("CET-1CEST", "usr/share/zoneinfo/posix/Asia/Tokyo", None, "Asia/Tokyo"),
        (None, "var/db/timezone/zoneinfo/Asia/Tokyo", "Europe/Oslo", "Asia/Tokyo"),
        (None, "usr/share/zoneinfo/Europe", "Europe/Oslo\n", "Europe/Oslo"),
        (None, "usr/share/zoneinfo/Gone/Zone", "Europe/Oslo\n", "Europe/Oslo"),
        (None, "usr/share/copy", None, "Asia/Tokyo"),
        (None, None, "Not/AZone\n", "UTC"),
        ("", "usr/share/zoneinfo/Asia/Tokyo", None, "UTC"),
        (None, None, None, "UTC"),
    ],
)
def test_the_zone_of_the_system(
    tmp_path: Path, name: str | None, link: str | None, written: str | None, zone: str
) -> None:
    localtime, timezone = tmp_path / "localtime", tmp_path / "timezone"
    zones = tmp_path / "usr" / "share" / "zoneinfo"
    for place in (
        "Asia",
        "posix/Asia",
        "Europe",
        "../../../var/db/timezone/zoneinfo/Asia",
    ):
        (zones / place).mkdir(parents=True)
        (zones / place / "Tokyo").touch()
    (zones.parent / "copy").symlink_to(zones / "Asia" / "Tokyo")
    if link:
        localtime.symlink_to(link)
    if written:
        timezone.write_text(written)
    environ = {} if name is None else {"TZ": name}
    found = system_zone(environ, localtime=localtime, timezone_file=timezone)
    assert found == zone
