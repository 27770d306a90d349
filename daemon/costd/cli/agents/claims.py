"""What ``costd exec`` says of one command: each claim once, ended when the command is."""

from __future__ import annotations

import os
import time

from costd import client


class Claims:
    """The claims of one command.

    Args:
        issue: whose the work is.
        role: the kind of work, or empty.
    """

    def __init__(self, issue: str, role: str) -> None:
        self._claim: dict[str, object] = {"issue": issue, "from": client.moment()}
        if role:
            self._claim["role"] = role
        self._key = os.urandom(8).hex()
        self._said: dict[str, dict[str, object]] = {}
        self._deadline = 0.0
        self.sessions: list[str] = []
        """The sessions that were claimed."""
        self.problem = ""

    def allow(self, seconds: float) -> None:
        """From now on the daemon gets this much, all in all."""
        self._deadline = time.monotonic() + seconds

    def say(self, selector: str, value: str | int, *, ends: bool = True) -> None:
        """The work that this selects is the issue's, from the beginning of all this.

        Args:
            selector: ``session`` or ``pid``.
            value: the id.
            ends: whether the claim ends with the command. One for a session that was
                begun for the issue goes on until somebody says otherwise.
        """
        key = f"exec:{self._key}:{selector}:{value}"
        if key in self._said:
            return
        if selector == "session":
            self.sessions.append(str(value))
        claim = {selector: value, **self._claim, "key": key}
        self._said[key] = claim if ends else {}
        self._tell(claim)

    def end(self) -> None:
        """The command has ended."""
        until = client.moment()
        for claim in self._said.values():
            if claim:
                self._tell({**claim, "until": until})

    def _tell(self, claim: dict[str, object]) -> None:
        # Without any time left it is the spool that takes it.
        left = max(0.0, self._deadline - time.monotonic())
        outcome = client.tell("link", claim, left)
        if outcome not in ("done", "spooled"):
            self.problem = self.problem or outcome
