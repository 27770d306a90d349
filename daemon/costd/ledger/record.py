"""Recording: what logs show becomes responses, each exactly once.

Most observations are the only sight of their response and become a row as they are.
The others go through their group: all that is known under the same response id is
put together, ``core.dedup.canonical`` says what it holds, and the difference to what
the ledger had is written. Rows, rollup and checkpoints are one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from sqlite3 import Connection
from typing import Any, NamedTuple

import msgspec

from costd.core.checkpoint import Segment
from costd.core.dedup import Canonical, Sighting, blend, canonical, merge
from costd.core.rates import RateCard
from costd.core.usage import Flag, Observation
from costd.ledger import logs
from costd.ledger.attempts import put_api_error
from costd.ledger.cells import Deltas
from costd.ledger.groups import Groups
from costd.ledger.pieces import Split
from costd.ledger.places import Places
from costd.ledger.pricing import Pricer
from costd.ledger.rows import ADD, COLUMNS, REPLACE, Row, Values, to_observation, to_row

_NEVER = 1 << 62
_AT_ONCE = 500
"""Parameters in one query; every SQLite takes as many."""

Key = tuple[int, str, str]
"""A group: its number, and the response id and scope that tell it from others."""
Place = tuple[int, str, str]
"""Within a group: log, request id, part."""
Sight = tuple[int, Observation]
"""A response as the log with that number shows it."""
Fresh = dict[Key, Sight]
Again = dict[Key, list[Sight]]
"""The others, where a group is seen more than once."""


class Recorded(NamedTuple):
    """What a batch changed."""

    new_responses: int
    changed_responses: int
    bytes: int
    earliest_at: int
    """The earliest instant at which something became different."""


class Recorder:
    """Writes segments into the ledger, inside a transaction of the caller."""

    def __init__(
        self,
        connection: Connection,
        places: Places,
        groups: Groups,
        card: RateCard,
        split: Split,
    ) -> None:
        self._connection = connection
        self._places = places
        self._groups = groups
        self._pricer = Pricer(connection, card)
        self._deltas = Deltas(split)
        self._added: list[Values] = []
        self._replaced: list[Values] = []
        self._deleted: list[int] = []
        self._was_at: list[int] = []
        self._logs: dict[int, tuple[int, bool, str]] = {}
        self._lasted: dict[int, int] = {}
        self._kept: list[tuple[int, int, str, bytes]] = []
        self._next = next_id(connection)
        self._new_responses = self._changed = 0
        self.copies: dict[tuple[int, int], int] = {}
        """Contexts of copies with those of their originals: when the last was made."""

    @property
    def contexts(self) -> set[int]:
        """The contexts in which something was counted or, as a copy, only seen."""
        return self._deltas.contexts | self._lasted.keys()

    def record(self, segments: Iterable[Segment]) -> Recorded:
        """Record what was read; the segments of one log in their order."""
        fresh: Fresh = {}
        again: Again = {}
        read = 0
        for segment in segments:
            if segment.error:
                logs.put_error(self._connection, segment)
                continue
            file_id = logs.put(self._connection, segment)
            read += segment.checkpoint.offset - segment.start
            self._take(file_id, segment, fresh, again)
        groups = self._groups.of({key[0] for key in fresh})
        known = self._known(groups)
        evidence = self._evidence({key[0] for key in known})
        for key in [
            *again,
            *(key for key in known if key in fresh and key not in again),
        ]:
            seen = [fresh.pop(key), *again.get(key, ())]
            self._regroup(key, known.get(key, []), evidence.get(key, {}), seen)
        self._new(fresh.values())
        self._write()
        earliest = min(self._moments(), default=_NEVER)
        return Recorded(self._new_responses, self._changed, read, earliest)

    def _take(
        self,
        file_id: int,
        segment: Segment,
        fresh: Fresh,
        again: Again,
    ) -> None:
        """Give observations the ledger's numbers and sort them into groups."""
        reading, source = segment.reading, segment.checkpoint.source
        at = reading.first_at
        contexts = [self._places.context(source, c, at) for c in reading.contexts]
        services = [self._places.service(s) for s in reading.services]
        lasted = self._lasted
        for seen in reading.observations:
            seen.context = contexts[seen.context]
            seen.service = services[seen.service]
            if seen.at > lasted.get(seen.context, 0):
                lasted[seen.context] = seen.at
            key = (seen.group, seen.response_id, seen.scope)
            if fresh.setdefault(key, sight := (file_id, seen)) is not sight:
                again.setdefault(key, []).append(sight)
        self._facts(source, segment)

    def _facts(self, source: str, segment: Segment) -> None:
        reading, run = segment.reading, self._connection.execute
        for link in reading.pull_requests:
            session = self._places.session(source, link.session_id)
            run(
                "INSERT INTO pr_link VALUES (?, ?, ?, ?, ?5, ?5) ON CONFLICT DO UPDATE "
                "SET first_at = min(first_at, ?5), last_at = max(last_at, ?5)",
                (session, link.url, link.number, link.repository, link.at),
            )
        for tree in reading.worktrees:
            session = self._places.session(source, tree.session_id)
            run(
                "INSERT OR REPLACE INTO worktree VALUES (?, ?, ?, ?)",
                (session, tree.path, tree.branch, tree.original_cwd),
            )
        for found in reading.prompted:
            session = self._places.session(source, found.session_id)
            run(
                "INSERT INTO prompt_issue VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
                "SET issue = excluded.issue, at = excluded.at WHERE excluded.at < at",
                (session, found.issue, found.at),
            )
        for error in reading.api_errors:
            put_api_error(self._connection, error, source)
        for reported in reading.reported:
            session = self._places.session(source, reported.session_id)
            run(
                "UPDATE session SET reported_cost = ? WHERE id = ?",
                (reported.cost, session),
            )

    def _known(self, groups: set[int]) -> dict[Key, list[Row]]:
        """The rows that the ledger has in these groups."""
        known: dict[Key, list[Row]] = {}
        for values in self._in_groups(f"SELECT {COLUMNS} FROM response", groups):
            row = Row(*values)
            known.setdefault((row.grp, row.response_id, row.scope), []).append(row)
        return known

    def _evidence(self, groups: set[int]) -> dict[Key, dict[Place, Observation]]:
        """The observations that were kept of these groups."""
        found: dict[Key, dict[Place, Observation]] = {}
        query = "SELECT grp, file_id, seen FROM observation"
        for group, file_id, packed in self._in_groups(query, groups):
            seen = msgspec.msgpack.decode(packed, type=Observation)
            kept = found.setdefault((group, seen.response_id, seen.scope), {})
            kept[file_id, seen.request_id, seen.part] = seen
        return found

    def _in_groups(self, query: str, groups: set[int]) -> Iterator[tuple[Any, ...]]:
        wanted = list(groups)
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            yield from self._connection.execute(f"{query} WHERE grp IN ({marks})", some)

    def _new(self, sights: Iterable[Sight]) -> None:
        """Responses of which nothing else is known."""
        number, responses = self._next, 0
        price, count, add = self._pricer.price, self._deltas.add_new, self._added.append
        for file_id, seen in sights:
            cost, price_id = price(seen)
            row = to_row(number, file_id, seen, cost, price_id)
            number += 1
            responses += seen.part == ""  # others are billed beside one
            add(row)
            count(row)
        self._next = number
        self._new_responses += responses

    def _regroup(
        self,
        key: Key,
        rows: list[Row],
        evidence: dict[Place, Observation],
        fresh: list[tuple[int, Observation]],
    ) -> None:
        """Put a group together anew and write what became different."""
        kept = bool(evidence)
        if not kept:
            evidence = {
                (row.file_id, row.request_id, row.part): to_observation(row)
                for row in rows
            }
        for file_id, seen in fresh:
            self._fold(evidence, file_id, seen)
        if len(evidence) == 1 and not kept:
            ((place, seen),) = evidence.items()
            self._replace(rows, [(place[0], seen)])
            return
        found = canonical(self._sightings(evidence))
        self._replace(rows, [self._settled(entry) for entry in found])
        self._note_copies(evidence, found)
        if kept or not _is_plain(evidence, found):
            self._keep(key, evidence)

    def _note_copies(
        self, evidence: dict[Place, Observation], found: list[Canonical]
    ) -> None:
        """Who copied a response tells which session was forked from which."""
        if len(found) != 1:
            return
        original = found[0].merged
        for seen in evidence.values():
            if seen.context != original.context and not seen.flags & Flag.SIDECHAIN:
                pair = (seen.context, original.context)
                self.copies[pair] = max(seen.at, self.copies.get(pair, 0))

    def _fold(
        self, evidence: dict[Place, Observation], file_id: int, seen: Observation
    ) -> None:
        place = (file_id, seen.request_id, seen.part)
        before = evidence.get(place)
        if before is None:
            evidence[place] = seen
            return
        better = merge(before, seen)
        if before.service != seen.service:
            old = self._places.service_of(before.service)
            new = self._places.service_of(seen.service)
            before.service = self._places.service(blend(old, new, better=better))

    def _sightings(self, evidence: dict[Place, Observation]) -> list[Sighting]:
        return [
            Sighting(
                file_id,
                *self._log(file_id),
                self._places.context_of(seen.context),
                self._places.service_of(seen.service),
                seen,
            )
            for (file_id, _, _), seen in evidence.items()
        ]

    def _log(self, file_id: int) -> tuple[int, bool, str]:
        found = self._logs.get(file_id)
        if found is None:
            first_at, forked, path = self._connection.execute(
                "SELECT first_at, forked, path FROM log_file WHERE id = ?", (file_id,)
            ).fetchone()
            name = path.decode("utf-8", "surrogateescape")
            found = self._logs[file_id] = (first_at, bool(forked), name)
        return found

    def _settled(self, entry: Canonical) -> tuple[int, Observation]:
        entry.merged.service = self._places.service(entry.service)
        return entry.owner.file, entry.merged

    def _replace(self, rows: list[Row], found: list[tuple[int, Observation]]) -> None:
        """Make the group's rows what was found; a row keeps its number."""
        before = {(row.request_id, row.part): row for row in rows}
        nameless = {row.part: row for row in rows if not row.request_id}
        for file_id, seen in found:
            old = before.pop((seen.request_id, seen.part), None)
            if old is None and seen.part in nameless:
                old = before.pop(("", seen.part), None)
            if old is None:
                self._new([(file_id, seen)])
                continue
            cost, price_id = self._pricer.price(seen)
            row = to_row(old.id, file_id, seen, cost, price_id)
            if row != old:
                self._was_at.append(old.at)
                self._deltas.add(old, -1)
                self._deltas.add(row)
                self._replaced.append(row)
                self._changed += 1
        for row in before.values():
            self._was_at.append(row.at)
            self._deltas.add(row, -1)
            self._deleted.append(row.id)
            self._changed += 1

    def _keep(self, key: Key, evidence: dict[Place, Observation]) -> None:
        self._kept.extend(
            (
                key[0],
                file_id,
                "\x1f".join((*key[1:], request_id, part)),
                msgspec.msgpack.encode(seen),
            )
            for (file_id, request_id, part), seen in evidence.items()
        )

    def _moments(self) -> Iterator[int]:
        """When everything was made that became different."""
        yield from (row[10] for row in self._added)
        yield from (row[10] for row in self._replaced)
        yield from self._was_at

    def _write(self) -> None:
        self._connection.executemany(
            "DELETE FROM response WHERE id = ?", ((n,) for n in self._deleted)
        )
        self._connection.executemany(ADD, self._added)
        self._connection.executemany(REPLACE, self._replaced)
        self._connection.executemany(
            "REPLACE INTO observation (grp, file_id, key, seen) VALUES (?, ?, ?, ?)",
            self._kept,
        )
        self._connection.executemany(
            "UPDATE context SET first_at = min(first_at, ?1), "
            "last_at = max(last_at, ?1) WHERE id = ?2",
            [(at, context) for context, at in self._lasted.items()],
        )
        self._deltas.write(self._connection)


def _is_plain(evidence: dict[Place, Observation], found: list[Canonical]) -> bool:
    """Whether the group's responses are simply its observations."""
    return len({file_id for file_id, _, _ in evidence}) == 1 and len(found) == len(
        evidence
    )


def next_id(connection: Connection) -> int:
    """The number of the next response; 1 where there is none."""
    (last,) = connection.execute("SELECT max(id) FROM response").fetchone()
    return (last or 0) + 1
