"""How much of the logs has been read: of those that do not grow it is summed once."""

from __future__ import annotations

from costd.ledger import Connection
from costd.ledger.health import (
    Coverage,
    Logs,
    coverage_by_source,
    covered_together,
    last_log,
    logs_up_to,
)

_MOST = 400
"""Logs that are looked at each time; they go into one query."""


class Covering:
    """Remembers the sum over all logs in which nothing happens."""

    def __init__(self) -> None:
        self._touched: set[bytes] = set()
        self._fresh: set[bytes] = set()
        self._last = 0
        self._rest: dict[str, Coverage] | None = None

    def touch(self, path: bytes) -> None:
        """Something else is known of a log now."""
        self._touched.add(path)

    def forget(self) -> None:
        """Logs have moved or are gone."""
        self._rest = None

    def by_source(self, connection: Connection) -> dict[str, Coverage]:
        """The coverage of each source that has a log."""
        new, self._touched = self._touched - self._fresh, set()
        if len(new) > _MOST:
            self._rest = None  # much is read: until that is over there is no rest
            return coverage_by_source(connection)
        if self._rest is None:
            self._sum_rest(connection, set())
        elif new and (known := logs_up_to(connection, self._last, sorted(new))):
            self._sum_rest(connection, {*self._fresh, *known})
        found = dict(self._rest or {})
        others = Logs(self._last, sorted(self._fresh), others=True)
        for source, part in coverage_by_source(connection, others).items():
            rest = found.get(source)
            found[source] = covered_together([part] if rest is None else [rest, part])
        return found

    def _sum_rest(self, connection: Connection, fresh: set[bytes]) -> None:
        self._fresh = fresh if len(fresh) <= _MOST else set()
        self._last = last_log(connection)
        some = Logs(self._last, sorted(self._fresh), others=False)
        self._rest = coverage_by_source(connection, some)
