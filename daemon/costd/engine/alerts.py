"""Alerts on their way to a webhook: kept in the ledger, or here while that cannot be.

What was told last of each is in the ledger, written together with the message of the
change. Just when an alert matters most the ledger may not be written, since the disk is
full or its file is mended: then the change waits here, is sent from here, and is written
down once that can be. Its key comes from what the ledger holds, so that a daemon that is
killed meanwhile tells it under the same one again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from costd import __version__
from costd.core.alerts import (
    KINDS,
    Change,
    Present,
    Standing,
    alerted,
    step,
)
from costd.core.errors import CostdError, DamagedLedgerError
from costd.engine.messages import Question
from costd.ledger import Connection, Ledger, alerts, outbox
from costd.ledger.integrity import lineage

AWAY: Present = {"data_stopped": frozenset({"ledger_mending"})}
"""What is so while the engine has let go of its ledger."""


@dataclass
class _Held:
    """A change that the ledger does not hold yet."""

    key: str
    change: Change
    standing: Standing
    body: bytes
    at: int
    next_at: int
    tries: int = 0
    is_over: bool = False
    problem: str = ""


class Alerts:
    """Knows what was told, and what is to be."""

    def __init__(self) -> None:
        self.events: frozenset[str] = frozenset()
        """Which of them a webhook is told of; none: there is no webhook."""
        self._before: Present | None = None
        self._told: dict[str, Standing] | None = None
        self._ledger_name = ""
        self._node: str | None = None
        self._held: list[_Held] = []

    def beat(self, ledger: Ledger | None, present: Present, now: int) -> bool:
        """With every beat; whether there is something to send.

        Args:
            ledger: None while the engine has none.
            present: what is so now.
            now: milliseconds since the epoch.

        Raises:
            DamagedLedgerError: the ledger cannot be read; nothing is lost by it.
        """
        before, self._before = self._before, present
        if not self.events or before is None:
            return False
        try:
            if ledger is None:
                self._see(None, before, present, now)
            else:
                with ledger.database.reading() as connection:
                    self._see(connection, before, present, now)
                if self._held:
                    self._write(ledger, now)
                    return True
        except DamagedLedgerError:
            raise
        except CostdError:
            pass  # the ledger is busy, say: with the next beat, and from here till then
        return bool(self._held)

    def _see(
        self, connection: Connection | None, before: Present, present: Present, now: int
    ) -> None:
        if self._told is None:
            if connection is None:
                return  # nobody knows what was told
            self._told = alerts.standings(connection)
            self._ledger_name = lineage(connection)[:16]
            self._node = alerts.node_id(connection)
        for name, kind in KINDS.items():
            is_known = name in before and name in present
            if not is_known or not {kind.began, kind.over} & self.events:
                continue
            standing, change = step(
                name,
                self._told.get(name, Standing()),
                before[name],
                present[name],
                now,
            )
            self._told[name] = standing
            if change is not None:
                self._held.append(self._message(change, standing))

    def _message(self, change: Change, standing: Standing) -> _Held:
        key = f"alert:{self._ledger_name}:{change.name}:{change.number}"
        body = orjson.dumps(alerted(change, node_id=self._node, version=__version__))
        is_wanted = change.event in self.events
        return _Held(
            key, change, standing, body, change.at, change.at, is_over=not is_wanted
        )

    def _write(self, ledger: Ledger, now: int) -> None:
        """Keep what waits here in the ledger: from then on it waits there."""
        with ledger.database.transaction() as changing:
            for held in self._held:
                alerts.put(changing, held.change.name, held.standing)
                if held.change.event in self.events:
                    outbox.put(
                        changing,
                        key=held.key,
                        event=held.change.event,
                        subject="",
                        body=held.body,
                        now=held.at,
                    )
                    if held.is_over:
                        outbox.over(changing, held.key, now, held.problem)
        self._held.clear()

    def due(self, now: int) -> list[outbox.Message]:
        """What is to be sent from here, as the outbox has it; its id is 0."""
        return [
            outbox.Message(0, h.key, h.change.event, "", h.body, h.tries)
            for h in self._held
            if not h.is_over and h.next_at <= now
        ]

    def waiting(self) -> outbox.Waiting:
        """The rest of it."""
        left = [held for held in self._held if not held.is_over]
        next_at = min((held.next_at for held in left), default=None)
        problem = next((held.problem for held in left if held.problem), "")
        return outbox.Waiting(len(left), next_at, problem)

    def posted(self, key: str, now: int, problem: str, *, is_over: bool) -> bool:
        """What came of one of them; False where it does not wait here any more."""
        held = next((held for held in self._held if held.key == key), None)
        if held is None:
            return False
        held.tries += 1
        held.is_over, held.problem = is_over, problem
        held.next_at = now + outbox.pause_ms(held.tries)
        return True

    def answer(self, question: Question, now: int) -> bool:
        """Answer the courier while there is no ledger; False where it asks for more."""
        if question.name == "posted" and question.params.get("id") == 0:
            said = question.params
            self.posted(
                str(said.get("key")),
                now,
                str(said.get("problem") or ""),
                is_over=said.get("is_over") is True,
            )
        elif question.name != "outbox":
            return False
        due = self.due(now) if question.name == "outbox" else []
        question.answer.set_result(courier_answer(due, self.waiting(), now))
        return True


def courier_answer(
    due: list[outbox.Message], rest: outbox.Waiting, now: int
) -> dict[str, Any]:
    """What the courier hears: what may be sent now, and when there is more."""
    return {
        "due": [message._asdict() | {"body": message.body.decode()} for message in due],
        "wait_ms": None if rest.next_at is None else max(rest.next_at - now, 0),
        "waiting": rest.messages,
        "problem": rest.problem,
    }
