"""One request for a page: what it is about, and how to ask the engine for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from costd.publish.asking import Ask, answer
from costd.publish.web.scope import Scope

SECONDS = 60.0
Json = dict[str, Any]


@dataclass(frozen=True)
class Asking:
    """Asks the engine for a page."""

    ask: Ask

    async def one(self, question: str, **params: object) -> Json:
        """An answer."""
        found = await answer(self.ask, question, params, SECONDS)
        return found if isinstance(found, dict) else {}

    async def several(self, *questions: tuple[str, dict[str, object]]) -> list[Json]:
        """Answers to several questions, in their order."""
        wanted = [self.one(name, **params) for name, params in questions]
        return list(await asyncio.gather(*wanted))


@dataclass(frozen=True)
class Visit:
    """One request for a page.

    Attributes:
        asking: how to ask the engine.
        scope: what the address says.
        status: the engine's status, which every page shows a part of.
        name: of the one thing that the page is about, if it is about one.
    """

    asking: Asking
    scope: Scope
    status: Json
    name: str = ""
