"""Failures that events tell of and something else tells of too: they are one failure.

A task's end that says ``failed`` says what became of the calls and runs in it; the end of
a run, what became of its calls. Whatever of them failed is counted as itself.
"""

from __future__ import annotations

from sqlite3 import Connection
from typing import NamedTuple

from costd.core.capabilities import runtime_of
from costd.core.events import ACTIVITY, EXECUTION, RUN_REPORT, TASK_END
from costd.core.failures import kind_of
from costd.ledger import attempts

_CALLS = f"type IN ('{EXECUTION}', '{ACTIVITY}')"
# A task that is tried again ends again: what lies since the end before is meant.
_REPEATS = f"""
WITH ended AS MATERIALIZED (
    SELECT at, type, coalesce(nullif(task_id, ''), issue) AS task, issue, run_id,
           details, agent
    FROM event WHERE at >= ? AND at < ? AND success = 0 AND id <= ?
    AND type IN ('{TASK_END}', '{RUN_REPORT}')
)
SELECT at, json_extract(details, '$.error'), json_extract(details, '$.exit_code'), agent
FROM ended e
WHERE (run_id <> '' AND EXISTS (
    SELECT 1 FROM event c WHERE c.run_id = e.run_id AND c.run_id <> ''
    AND c.{_CALLS} AND c.success = 0))
OR (type = '{TASK_END}' AND task <> '' AND (
    EXISTS (
        SELECT 1 FROM event c WHERE c.task_id = e.task AND c.success = 0
        AND (c.{_CALLS} OR c.type = '{RUN_REPORT}') AND c.at <= e.at
        AND NOT EXISTS (
            SELECT 1 FROM event b WHERE b.task_id = e.task AND b.type = '{TASK_END}'
            AND b.at >= c.at AND b.at < e.at))
    OR (issue <> '' AND EXISTS (
        SELECT 1 FROM run r WHERE r.issue = e.issue AND r.issue <> ''
        AND r.status = 'failed' AND r.made_of = '' AND r.said_status = ''
        AND r.cleaned_at IS NULL AND r.started_at <= e.at
        AND NOT EXISTS (
            SELECT 1 FROM event b WHERE b.task_id = e.task AND b.type = '{TASK_END}'
            AND b.at >= r.ended_at AND b.at < e.at)))))
"""


class Repeat(NamedTuple):
    """A failure that is counted twice: that of an event, its kind, and whose it is."""

    at: int
    kind: str
    agent: str


def repeats(connection: Connection, since: int, until: int) -> list[Repeat]:
    """Those of a span that are counted, by the time of the event that only repeats."""
    span = (since, until, attempts.followed(connection))
    return [
        Repeat(at, kind_of(str(error or ""), exit_code=code), runtime_of(agent))
        for at, error, code, agent in connection.execute(_REPEATS, span)
    ]
