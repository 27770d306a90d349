"""Runs that only events tell of, and what events say of the others."""

from __future__ import annotations

from sqlite3 import Connection
from typing import NamedTuple

from costd.core.events import EXECUTION
from costd.ledger.attempts import Said

_SAID = (
    "id, type, at, task_id, issue, session_id, run_id, agent, status, success, "
    "duration_ms, total_tokens, cost, details"
)


class EndedTask(NamedTuple):
    """A task that has ended, by its events; instants in milliseconds."""

    task_id: str
    issue: str
    start_at: int | None
    end_at: int
    status: str
    iterations: int | None
    end_event: str


def ended_task(connection: Connection, task_id: str) -> EndedTask | None:
    """The task, if it has ended."""
    row = connection.execute(
        f"SELECT {', '.join(EndedTask._fields)} FROM task "
        "WHERE task_id = ? AND end_at IS NOT NULL AND is_task",
        (task_id,),
    ).fetchone()
    return EndedTask(*row) if row else None


def tasks_of_issue(connection: Connection, issue: str, since: int) -> list[str]:
    """Tasks of an issue that ended at or after an instant."""
    rows = connection.execute(
        "SELECT DISTINCT t.task_id FROM event e JOIN task t ON t.task_id = e.task_id "
        "WHERE e.issue = ? AND t.end_at >= ?",
        (issue, since),
    )
    return [task for (task,) in rows]


def has_calls(connection: Connection, task_id: str) -> bool:
    """Whether calls of agents are known of the task: then those are its attempts."""
    row = connection.execute(
        "SELECT 1 FROM event WHERE task_id = ? AND type = ? LIMIT 1",
        (task_id, EXECUTION),
    ).fetchone()
    return row is not None


def agents_of(connection: Connection, task_id: str) -> tuple[str, str]:
    """Agent and model that the events of a task name last; empty where none does."""
    found = []
    for column in ("agent", "model"):
        row = connection.execute(
            f"SELECT {column} FROM event WHERE task_id = ? AND {column} <> '' "
            "ORDER BY lamport DESC, node_id DESC LIMIT 1",
            (task_id,),
        ).fetchone()
        found.append(row[0] if row else "")
    return found[0], found[1]


def events_of_run(connection: Connection, run_id: str) -> list[Said]:
    """Everything that was said of a run, in its order."""
    rows = connection.execute(
        f"SELECT {_SAID} FROM event WHERE run_id = ? AND run_id <> '' "
        "ORDER BY lamport, node_id, id",
        (run_id,),
    )
    return [Said(*row) for row in rows]


def runs_at(
    connection: Connection, issue: str, since: int, until: int
) -> list[tuple[int, str, int]]:
    """Reported runs of an issue in a span: number, told outcome, beginning; the latest first."""
    return connection.execute(
        "SELECT id, status, started_at FROM run WHERE issue = ? AND issue <> '' AND made_of = '' "
        "AND started_at <= ? AND ended_at >= ? ORDER BY started_at DESC, id DESC",
        (issue, until, since),
    ).fetchall()


def sessions_at(
    connection: Connection, issue: str, since: int, until: int
) -> dict[str, int]:
    """Sessions that worked on an issue in a span and are in no reported run: since when."""
    rows = connection.execute(
        "SELECT s.session_id, min(c.first_at) FROM attribution a "
        "JOIN context c ON c.id = a.context_id JOIN session s ON s.id = c.session "
        "WHERE a.issue = ?1 AND c.first_at <= ?3 AND c.last_at >= ?2 "
        "AND a.from_at <= ?3 AND a.until_at >= ?2 AND NOT EXISTS "
        "(SELECT 1 FROM run_session rs JOIN run r ON r.id = rs.run "
        "WHERE rs.session_id = s.session_id AND r.made_of = '') GROUP BY 1",
        (issue, since, until),
    )
    return dict(rows.fetchall())


def named(connection: Connection, run_id: str) -> int | None:
    """The number of the reported run that an event's ``run_id`` names or begins."""
    rows = connection.execute(
        "SELECT id FROM run WHERE made_of = '' AND run_id >= ?1 "
        "AND run_id < ?1 || char(1114111) "
        "AND substr(run_id, 1, length(?1)) = ?1 LIMIT 2",
        (run_id.lower(),),
    ).fetchall()
    return int(rows[0][0]) if len(rows) == 1 else None


def judge(connection: Connection, number: int, status: str, evidence: str) -> None:
    """Keep what an event says of a run's outcome; the report is made anew."""
    connection.execute(
        "UPDATE run SET said_status = ?2, said_evidence = ?3, settled = 0 WHERE id = ?1 "
        "AND (said_status <> ?2 OR said_evidence <> ?3) AND cleaned_at IS NULL",
        (number, status, evidence),
    )


def forget(connection: Connection, made_of: str) -> None:
    """Take away the run that was made of some events."""
    rows = connection.execute(
        "SELECT id FROM run WHERE made_of = ?", (made_of,)
    ).fetchall()
    for row in rows:
        connection.execute("DELETE FROM run_session WHERE run = ?", row)
        connection.execute("DELETE FROM run WHERE id = ?", row)
