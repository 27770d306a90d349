"""How a browser gets in: a ticket that works once, and the cookie it is given for it.

A token in an address would stay in the history of the browser. So ``costd open`` gets a
ticket through the Unix socket, where the kernel says who asks; the first request that
brings it back within a minute gets a cookie, which is signed with the token. The cookie
is no secret of its own: a new token makes it worthless.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie

TICKET_SECONDS = 60.0
COOKIE_SECONDS = 30 * 86_400
_MOST_TICKETS = 16


class Tickets:
    """Tickets that were given out and not used yet; all of them end by themselves.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def issue(self) -> str:
        """A new one; the oldest ends when there are too many."""
        self._forget()
        while len(self._until) >= _MOST_TICKETS:
            del self._until[next(iter(self._until))]
        ticket = secrets.token_urlsafe(24)
        self._until[ticket] = self._clock() + TICKET_SECONDS
        return ticket

    def redeem(self, ticket: str) -> bool:
        """Whether it is good; it never is again."""
        self._forget()
        given = ticket.encode("utf-8", "replace")
        for known in list(self._until):
            if hmac.compare_digest(known.encode("ascii"), given):
                del self._until[known]
                return True
        return False

    def _forget(self) -> None:
        now = self._clock()
        for ticket in [t for t, until in self._until.items() if until <= now]:
            del self._until[ticket]


class Cookies:
    """Makes cookies and knows its own again.

    Args:
        token: what they are signed with.
        port: a part of their name: cookies do not know ports.
        now: milliseconds since the epoch.
    """

    def __init__(self, token: str, port: int, now: Callable[[], int]) -> None:
        self._token = token.encode("ascii")
        self._name = f"costd-{port}"
        self._now = now

    def header(self) -> str:
        """A value for ``Set-Cookie``."""
        until = str(self._now() + COOKIE_SECONDS * 1000)
        return (
            f"{self._name}={until}.{self._signed(until)}; Max-Age={COOKIE_SECONDS}; "
            "Path=/; HttpOnly; SameSite=Strict"
        )

    def is_good(self, header: str) -> bool:
        """Whether the header ``Cookie`` of a request has one that still holds."""
        try:
            found = SimpleCookie(header).get(self._name)
        except CookieError:
            return False
        until, _, signature = (found.value if found else "").partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 20):  # noqa: PLR2004 - digits of 64 bits
            return False
        given = signature.encode("utf-8", "replace")
        is_own = hmac.compare_digest(given, self._signed(until).encode("ascii"))
        return is_own and int(until) > self._now()

    def _signed(self, until: str) -> str:
        return hmac.new(
            self._token, f"page {until}".encode("ascii"), "sha256"
        ).hexdigest()
