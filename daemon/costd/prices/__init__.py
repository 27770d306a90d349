"""Published prices as dated data, and the rate card made of them.

``anthropic.json`` is kept by hand; ``providers.json`` is written by
``scripts/generate_prices.py``. Nothing here asks the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from msgspec import Struct, json

from costd.core.rate_rows import Table
from costd.core.rates import RateCard


class _Source(Struct, frozen=True):
    """Where the other providers' rates were read from."""

    name: str
    version: str
    as_of: str


class _Providers(Struct, frozen=True):
    source: _Source
    providers: dict[str, Table]


def load_rate_card(
    overrides: Mapping[str, object] | None = None,
    aliases: Mapping[str, str] | None = None,
) -> RateCard:
    """The rate card of this version of costd, with the user's rates over it.

    Args:
        overrides: model to a table (or a list of dated tables) of contract rates:
            ``input``, ``output``, ``cache_read``, ``cache_creation_5m``,
            ``cache_creation_1h`` in USD per million tokens, optional ``from``.
        aliases: raw model name to a model on the card, or to ``provider/model``.

    Raises:
        ConfigError: an override that cannot be used.
    """
    anthropic = json.decode(_read("anthropic.json"), type=Table)
    others = json.decode(_read("providers.json"), type=_Providers)
    source = others.source
    return RateCard(
        {"anthropic": anthropic, **others.providers},
        sources=[
            {"name": "anthropic", "as_of": anthropic.as_of},
            {"name": f"{source.name} {source.version}", "as_of": source.as_of},
        ],
        overrides=overrides or {},
        aliases=aliases or {},
    )


def _read(name: str) -> bytes:
    return files(__name__).joinpath(name).read_bytes()
