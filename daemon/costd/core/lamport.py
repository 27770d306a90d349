"""The logical clock of this ledger: what was known when something was said comes first."""

from __future__ import annotations

from dataclasses import dataclass

from costd.core.events import Event


@dataclass(slots=True)
class Clock:
    """Which node this is, and how far its logical time has come."""

    node_id: str
    time: int = 0

    def stamped(self, event: Event) -> Event:
        """The event with the node and the logical time that it lacks.

        A time that came with it moves the clock on, as by Lamport's rule: what is
        stamped from now on comes after it.
        """
        if event.lamport is None:
            self.time += 1
            event = event._replace(lamport=self.time)
        elif event.lamport > self.time:
            self.time = event.lamport
        return event if event.node_id else event._replace(node_id=self.node_id)
