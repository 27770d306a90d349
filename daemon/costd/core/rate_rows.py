"""The rows of a rate card as they are written down, and how a model finds its own.

A table holds dated rows per model; a catalogue joins the tables of all providers with
the user's overrides and aliases. A row's rates are decimal strings in USD per million
tokens; where a row names none, its price is not known from that date on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from msgspec import Struct, field

from costd.core.models import ModelName, key_of, normalise, unmarked

USER = "user"
"""The provider of a model that is on no list but priced by the user."""


class RateSet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rates by token bucket; an empty one is not published."""

    input: str = field(default="", name="in")
    output: str = field(default="", name="out")
    cache_creation_5m: str = field(default="", name="w5")
    cache_creation_1h: str = field(default="", name="w1h")
    cache_read: str = field(default="", name="rd")

    @property
    def is_published(self) -> bool:
        """Whether a response can be priced by it."""
        return bool(self.input and self.output)


BUCKETS = ("input", "output", "cache_read", "cache_creation_5m", "cache_creation_1h")
"""The fields of a rate set, as users name them."""


class LongRates(RateSet, frozen=True, kw_only=True, omit_defaults=True):
    """Rates of the whole response when its prompt has more than ``above`` tokens."""

    above: int


class PeakRates(RateSet, frozen=True, kw_only=True, omit_defaults=True):
    """Rates within hours of the UTC day (from, until exclusive), maybe on weekdays."""

    hours: list[tuple[int, int]]
    weekdays: bool = False


class Row(RateSet, frozen=True, kw_only=True, omit_defaults=True):
    """What a model costs from a UTC date on; without one, from the beginning.

    It holds until the next row does; ``until`` only says so to who reads the file.
    """

    since: str = field(default="", name="from")
    until: str = ""
    search: str = ""
    us: str = ""
    regional: str = ""
    long: LongRates | None = None
    fast: RateSet | None = None
    fast_long: LongRates | None = None
    peak: PeakRates | None = None
    overridden: bool = False


class Table(Struct, frozen=True, omit_defaults=True):
    """One provider's list."""

    models: dict[str, list[Row]]
    aliases: dict[str, str] = field(default_factory=dict)
    as_of: str = field(default="", name="_as_of")
    web_search_per_1000: str = ""


class Model(NamedTuple):
    """A model on the card: its rows are in order of time."""

    provider: str
    name: str
    rows: tuple[Row, ...]
    search: str = ""

    @property
    def label(self) -> str:
        """The name in a price's id: Claude's and the user's own stand alone."""
        if self.provider in {"anthropic", USER}:
            return self.name
        return f"{self.provider}/{self.name}"


class Catalogue:
    """Every model that has a price, by each of its exact names.

    A bare name that two providers sell at different prices has none, because nothing
    in a log tells which of them served it; ``provider/name`` always works.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.models: dict[str, Model] = {}
        self.ambiguous: set[str] = set()
        self._aliases: dict[str, str] = {}
        for provider, table in tables.items():
            self._add(provider, table)

    def _add(self, provider: str, table: Table) -> None:
        search = table.web_search_per_1000
        for name, rows in table.models.items():
            model = Model(provider, name, tuple(rows), search)
            self._name(key_of(name), model)
        for alias, name in table.aliases.items():
            model = self.models[f"{provider}/{key_of(name)}"]
            self._name(key_of(alias), model)

    def _name(self, key: str, model: Model) -> None:
        qualified = f"{model.provider}/{key}"
        self.models[qualified] = model
        if self.models.setdefault(key, model).rows != model.rows:
            self.ambiguous.add(key)

    def replace(self, written: str, rows: Sequence[Row]) -> None:
        """Give the model of this name other rows, whatever lists it is on."""
        old = self.find(written)
        new = (old or Model(USER, written.strip(), ()))._replace(rows=tuple(rows))
        keys = {key for key, model in self.models.items() if model is old}
        for key in keys or {key_of(written), normalise(written).name}:
            self.models[key] = new
            self.ambiguous.discard(key)

    def alias(self, aliases: Mapping[str, str]) -> None:
        """Let a raw name stand for a model; an ARN is mapped this way."""
        for raw, target in aliases.items():
            self._aliases[raw.strip().lower()] = target
            self._aliases[key_of(raw)] = target

    def read(self, raw: str) -> ModelName:
        """The model that ``raw`` names, after the user's aliases."""
        name = normalise(raw)
        whole = unmarked(raw)
        for key in (raw.strip().lower(), whole, key_of(whole), name.exact, name.name):
            if key in self._aliases:
                raw = self._aliases[key]
                name = normalise(raw)
                break
        key = key_of(unmarked(raw))
        if "/" in key and key in self.models:
            return ModelName(key, exact=key)
        return name

    def find(self, raw: str) -> Model | None:
        """The model of exactly this name, or None where it has no price."""
        return self.lookup(self.read(raw))

    def lookup(self, name: ModelName) -> Model | None:
        """As ``find``, for a name that was read already."""
        for key in (name.exact, name.name):
            if key in self.ambiguous:
                return None
            if key in self.models:
                return self.models[key]
        return None

    def unique(self) -> Iterable[Model]:
        """Each model once, in the order of the tables."""
        return {id(model): model for model in self.models.values()}.values()


def shown(model: Model) -> Iterator[dict[str, object]]:
    """Each rate set of a model as one flat JSON row; an unpublished rate is null."""
    for row, following in zip_longest(model.rows, model.rows[1:]):
        variants: list[tuple[str, RateSet | None]] = [
            ("standard", row),
            ("long", row.long),
            ("fast", row.fast),
            ("fast_long", row.fast_long),
            ("peak", row.peak),
        ]
        for variant, rates in variants:
            if rates is not None and rates.is_published:
                yield {
                    "model": model.name,
                    "provider": model.provider,
                    "from": row.since or None,
                    "until": following.since if following else None,
                    "variant": variant,
                    "above": rates.above if isinstance(rates, LongRates) else None,
                    **{name: getattr(rates, name) or None for name in BUCKETS},
                    "overridden": row.overridden,
                }
