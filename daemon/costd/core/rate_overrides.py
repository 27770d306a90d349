"""The user's own rates: contract prices over the published lists."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from costd.core.errors import ConfigError
from costd.core.money import parse_rate
from costd.core.rate_rows import BUCKETS, Catalogue, Row


def override(catalogue: Catalogue, overrides: Mapping[str, object]) -> None:
    """Put the user's rates over the lists'.

    Args:
        catalogue: what they are put over.
        overrides: model to a table of rates (USD per million tokens, optional ``from``),
            or to a list of such tables.

    Raises:
        ConfigError: an override that cannot be used, with its key path.
    """
    for written, value in overrides.items():
        model = catalogue.find(written)
        rows: Sequence[Row] = model.rows if model else ()
        read = [_read(written, settings) for settings in _tables(written, value)]
        for row in sorted(read, key=lambda row: row.since):
            rows = _overlay(rows, row, written)
        catalogue.replace(written, rows)


def _tables(model: str, value: object) -> Sequence[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    for table in value if isinstance(value, list) else [value]:
        if not isinstance(table, Mapping):
            raise ConfigError(
                f'prices.overrides."{model}" is not a table of rates',
                "Write it as input, output, cache_read, … in USD per million tokens.",
            )
        found.append(table)
    return found


def _read(model: str, settings: Mapping[str, object]) -> Row:
    rates: dict[str, str] = {}
    since = ""
    for key, value in settings.items():
        path = f'prices.overrides."{model}".{key}'
        if key == "from":
            since = _date(path, value)
        elif key in BUCKETS:
            rates[key] = _rate(path, value)
        else:
            known = ", ".join([*BUCKETS, "from"])
            raise ConfigError(f"{path} is no setting", f"Known are {known}.")
    return replace(Row(since=since, overridden=True), **rates)


def _rate(path: str, value: object) -> str:
    try:
        parse_rate(str(value))
    except ValueError as error:
        raise ConfigError(
            f"{path}: {error}",
            'Give USD per million tokens, such as "6.25", with at most six decimals.',
        ) from None
    return str(value)


def _date(path: str, value: object) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ConfigError(
            f"{path} is not a date", "Write the UTC date as 2026-11-22."
        ) from None


def _overlay(rows: Sequence[Row], override: Row, model: str) -> tuple[Row, ...]:
    """``rows`` until the override's date, then the override over what lies below.

    A contract's rates are the whole price: no long tier, fast or US surcharge is left.
    A bucket that the override does not name keeps its list rate.
    """
    if not rows and not (override.input and override.output):
        raise ConfigError(
            f'prices.overrides."{model}" needs input and output: the model is on no list',
            "Add both rates in USD per million tokens.",
        )
    if not rows and override.since:
        rows = [Row()]
    starts = ["", *(row.since for row in rows[1:])]
    kept = rows[: bisect_left(starts, override.since)]
    cuts = [override.since, *(start for start in starts if start > override.since)]
    laid: list[Row] = []
    for cut in cuts:
        below = rows[: bisect_right(starts, cut)]
        row = _laid(below[-1] if below else Row(), override, cut)
        if not laid or replace(row, since=laid[-1].since) != laid[-1]:
            laid.append(row)
    return (*kept, *laid)


def _laid(below: Row, override: Row, since: str) -> Row:
    bare = Row(since=since, search=below.search, overridden=True)
    rates = {name: getattr(override, name) or getattr(below, name) for name in BUCKETS}
    return replace(bare, **rates)
