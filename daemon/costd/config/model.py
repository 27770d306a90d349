"""What the configuration holds: types, limits and defaults, nothing else.

The description of a field is what an error says was expected there.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from costd.config.webhook import WebhookSettings
from costd.paths import Paths

PathList = Annotated[
    tuple[Path, ...],
    Meta(description='a list of paths, absolute or starting with "~/"'),
]
IssueKey = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}\Z",
        description='a project key such as "MIN"',
    ),
]
RATE_NAMES = (
    "input",
    "output",
    "cache_read",
    "cache_creation_5m",
    "cache_creation_1h",
)
Name = Annotated[str, Meta(min_length=1, description="a name that is not empty")]
Rate = Annotated[
    Decimal,
    Meta(description="USD per million tokens with at most 6 decimals"),
]


def is_rate(rate: Decimal) -> bool:
    """Whether the rate card takes ``rate``; it decides, so that there is one rule."""
    from costd.core.money import (  # noqa: PLC0415 - only a file with rates pays for it
        parse_rate,
    )

    try:
        parse_rate(rate)
    except ValueError:
        return False
    return True


class PathSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[paths]``: None where the platform's own place is used."""

    state_dir: Path | None = None
    runtime_dir: Path | None = None
    output_dir: Path | None = None


class ClaudeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[sources.claude]``: ``roots`` None means Claude Code's own places."""

    enabled: bool = True
    roots: PathList | None = None
    extra_roots: PathList = ()


class CodexSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[sources.codex]``: ``roots`` None means Codex's own places."""

    enabled: bool = True
    roots: PathList | None = None
    extra_roots: PathList = ()


class DroidSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[sources.droid]``: the directories of projects that log what Droid used."""

    enabled: bool = True
    roots: PathList = ()


class SourceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[sources]``: one table per agent."""

    claude: ClaudeSettings = ClaudeSettings()
    codex: CodexSettings = CodexSettings()
    droid: DroidSettings = DroidSettings()


class EngineSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[engine]``: how often, how long, how much."""

    tick_seconds: Annotated[
        int,
        Meta(ge=1, le=3600, description="a whole number of seconds from 1 to 3600"),
    ] = 30
    live_minutes: Annotated[
        int,
        Meta(ge=1, le=1440, description="a whole number of minutes from 1 to 1440"),
    ] = 5
    sweep_seconds: Annotated[
        int,
        Meta(ge=1, le=86400, description="a whole number of seconds from 1 to 86400"),
    ] = 30
    max_line_bytes: Annotated[
        int,
        Meta(
            ge=65_536,
            le=1_073_741_824,
            description="a whole number of bytes from 65536 to 1073741824",
        ),
    ] = 16_777_216


class AttributionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[attribution]``: ``issue_keys`` None is the open world, empty matches none."""

    issue_keys: tuple[IssueKey, ...] | None = None


class PriceOverride(
    Struct, frozen=True, forbid_unknown_fields=True, rename={"valid_from": "from"}
):
    """Contract rates of one model in USD per million tokens, from a date on."""

    input: Rate | None = None
    output: Rate | None = None
    cache_read: Rate | None = None
    cache_creation_5m: Rate | None = None
    cache_creation_1h: Rate | None = None
    valid_from: (
        Annotated[date, Meta(description="a date such as 2026-10-01")] | None
    ) = None

    def __post_init__(self) -> None:
        """Refuse what is no rate; the reader turns this into an error with a line."""
        for value in (getattr(self, name) for name in RATE_NAMES):
            if value is not None and not is_rate(value):
                raise ValueError("not a rate")

    def written(self) -> dict[str, str]:
        """The keys that are set, as text."""
        values = {name: getattr(self, name) for name in RATE_NAMES}
        values["from"] = self.valid_from
        return {name: str(v) for name, v in values.items() if v is not None}


class PriceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[prices]``: the user's own rates and names."""

    overrides: dict[Name, PriceOverride | tuple[PriceOverride, ...]] = field(
        default_factory=dict
    )
    aliases: dict[Name, Name] = field(default_factory=dict)

    def override_tables(self) -> dict[str, list[dict[str, str]]]:
        """The overrides as ``core.rates.RateCard`` takes them: rates as text."""
        return {
            model: [row.written() for row in rows]
            for model, either in self.overrides.items()
            for rows in [either if isinstance(either, tuple) else (either,)]
        }


class EventSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[events]``: ``log`` None means ``events.jsonl`` in the state directory."""

    log: Path | None = None
    import_dirs: PathList = ()


class KpiSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[kpi]``: how periods are cut."""

    cycle_day: Annotated[
        int, Meta(ge=1, le=31, description="a day of the month from 1 to 31")
    ] = 1


class RunSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[runs]``: how long reports are kept; None means for ever."""

    max_age_days: (
        Annotated[
            int,
            Meta(ge=1, le=36500, description="a whole number of days from 1 to 36500"),
        ]
        | None
    ) = None


class OutputSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[output]``: where else the summary files go."""

    mirror_dirs: PathList = ()


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[http]``: the same API on loopback TCP."""

    enabled: bool = False
    host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1"
    # 2-6-7-8-3 spells COSTD on a telephone; below the ephemeral ports of Linux
    port: Annotated[
        int, Meta(ge=1, le=65_535, description="a port number from 1 to 65535")
    ] = 26_783
    badge_usd: Annotated[
        tuple[Decimal, Decimal, Decimal],
        Meta(description="three amounts in USD, each above the one before"),
    ] = (Decimal(5), Decimal(20), Decimal(50))

    def __post_init__(self) -> None:
        """Refuse limits that do not rise; the reader turns this into an error."""
        low, middle, high = self.badge_usd
        if not 0 < low < middle < high:
            raise ValueError("not rising")


class HealthSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[health]``: how the ledger is kept, and who is told of trouble."""

    snapshots: Annotated[
        int, Meta(ge=0, le=365, description="a whole number from 0 to 365")
    ] = 7
    desktop_notices: bool = False


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[log]``: what goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as it is written; a key that is absent has its default."""

    timezone: (
        Annotated[str, Meta(description='a time zone name such as "Europe/Oslo"')]
        | None
    ) = None
    paths: PathSettings = PathSettings()
    sources: SourceSettings = SourceSettings()
    engine: EngineSettings = EngineSettings()
    attribution: AttributionSettings = AttributionSettings()
    prices: PriceSettings = field(default_factory=PriceSettings)
    events: EventSettings = EventSettings()
    kpi: KpiSettings = KpiSettings()
    runs: RunSettings = RunSettings()
    webhook: WebhookSettings = field(default_factory=WebhookSettings)
    output: OutputSettings = OutputSettings()
    http: HttpSettings = HttpSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()


class Config(Struct, frozen=True, kw_only=True):
    """The configuration in effect: environment over file over default.

    ``timezone`` is an IANA name, ``paths`` the places in use. ``origins`` says for
    each key that somebody set where: the variable's name or the file's path.
    """

    timezone: str
    paths: Paths
    sources: SourceSettings
    engine: EngineSettings
    attribution: AttributionSettings
    prices: PriceSettings
    events: EventSettings
    kpi: KpiSettings
    runs: RunSettings
    webhook: WebhookSettings
    output: OutputSettings
    http: HttpSettings
    health: HealthSettings
    log: LogSettings
    origins: dict[str, str]
