"""What the place of each context shows by itself, before anybody claims anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from sqlite3 import Connection
from typing import NamedTuple, TypeVar

from costd.core.attribution import (
    Attribution,
    Made,
    Number,
    attribute_place,
    role_of,
    with_commits,
)
from costd.ledger.world import World

AT_ONCE = 500
"""Parameters in one query; every SQLite takes as many."""

_T = TypeVar("_T")


class Learnt(NamedTuple):
    """What new contexts mean for others.

    Sessions whose contexts were judged, groups whose keys have changed, and directories
    that nobody has looked at.
    """

    sessions: set[int]
    groups: set[str]
    unknown: set[str]


class _Context(NamedTuple):
    id: int
    session: int
    agent_id: str
    cwd: str
    branch: str
    agent_type: str


_CONTEXTS = """
SELECT c.id, c.session, c.agent_id, c.cwd, c.branch, coalesce(a.agent_type, '')
FROM context c
LEFT JOIN agent a ON a.session = c.session AND a.agent_id = c.agent_id
"""
_PUT = (
    "INSERT OR REPLACE INTO place (context_id, worktree_branch, issue, role, rule, "
    "confidence, evidence, candidate, candidate_confidence) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def last_context(connection: Connection) -> int:
    """The number of the newest context."""
    (last,) = connection.execute("SELECT max(id) FROM context").fetchone()
    return last or 0


def judge_new(connection: Connection, world: World, after: int) -> Learnt:
    """Judge the contexts with a number past ``after``."""
    rows = connection.execute(f"{_CONTEXTS} WHERE c.id > ?", (after,))
    contexts = [_Context(*row) for row in rows]
    if not contexts:
        return Learnt(set(), set(), set())
    world.load(after)  # what is new must be seen to be new
    groups = {world.learn(context.cwd, context.branch) for context in contexts} - {""}
    _judge(connection, world, contexts)
    cwds = {context.cwd for context in contexts}
    unknown = {cwd for cwd in cwds if cwd and not world.is_looked_at(cwd)}
    return Learnt({context.session for context in contexts}, groups, unknown)


def judge_sessions(
    connection: Connection, world: World, sessions: Collection[int]
) -> set[int]:
    """Judge the contexts of sessions again; the sessions of which one changed."""
    return _again(connection, world, "c.session", sessions)


def judge_contexts(
    connection: Connection, world: World, ids: Collection[int]
) -> set[int]:
    """Judge contexts again; the sessions of those that changed."""
    return _again(connection, world, "c.id", ids)


def in_directories(connection: Connection, paths: Collection[str]) -> list[int]:
    """The contexts whose work was done in one of these directories."""
    wanted = set(paths)
    rows = connection.execute("SELECT id, cwd FROM context")
    return [number for number, cwd in rows if cwd in wanted]


def in_groups(connection: Connection, world: World, groups: set[str]) -> list[int]:
    """The contexts that share their keys in one of these groups."""
    if not groups:
        return []
    rows = connection.execute("SELECT id, cwd FROM context")
    return [number for number, cwd in rows if world.group(cwd) in groups]


def chunks(items: Iterable[_T], size: int = AT_ONCE) -> Iterator[list[_T]]:
    """So many at a time."""
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def marks(values: Sequence[object]) -> str:
    """As many question marks as there are values."""
    return ", ".join("?" * len(values))


def _again(
    connection: Connection, world: World, column: str, values: Collection[int]
) -> set[int]:
    changed: set[int] = set()
    for some in chunks(sorted(values)):
        rows = connection.execute(
            f"{_CONTEXTS} WHERE {column} IN ({marks(some)})", some
        )
        changed |= _judge(connection, world, [_Context(*row) for row in rows])
    return changed


def _judge(connection: Connection, world: World, contexts: list[_Context]) -> set[int]:
    """Write what these contexts show; the sessions of those that show otherwise now."""
    before = _kept(connection, [context.id for context in contexts])
    sessions = {context.session for context in contexts}
    trees = _worktrees(connection, sessions)
    world.load()
    links = _links(connection, sessions) if world.pulls else {}
    made = _committed(connection, sessions) if world.has_commits else {}
    places: list[tuple[object, ...]] = []
    projects: list[tuple[str, int]] = []
    changed: set[int] = set()
    for context in contexts:
        tree = _branch_of(trees.get(context.session, ()), context.cwd)
        kind = context.agent_type or _kind_by_id(context.agent_id)
        judged = world.judge(context.cwd, context.branch, tree, kind)
        own = attribute_place(
            judged.place,
            judged.keys,
            pulls=world.pulls,
            links=links.get(context.session, ()),
        )
        group = (context.session, world.root(context.cwd), tree or context.branch)
        if made and group in made:
            own = with_commits(own, made[group], judged.place, judged.keys)
        projects.append((judged.project, context.id))
        row = (context.id, tree, *as_row(own))
        if before.get(context.id) != row:
            places.append(row)
            changed.add(context.session)
    connection.executemany(_PUT, places)
    connection.executemany(
        "UPDATE context SET project = ?1 WHERE id = ?2 AND project <> ?1", projects
    )
    return changed


def as_row(own: Attribution) -> tuple[object, ...]:
    """The columns of an attribution, from the issue to the candidate's confidence."""
    return (
        own.issue,
        own.role,
        own.rule,
        own.confidence,
        own.evidence,
        own.candidate,
        own.candidate_confidence,
    )


def _kept(connection: Connection, ids: list[int]) -> dict[int, tuple[object, ...]]:
    found: dict[int, tuple[object, ...]] = {}
    for some in chunks(ids):
        for row in connection.execute(
            f"SELECT * FROM place WHERE context_id IN ({marks(some)})", some
        ):
            found[row[0]] = row
    return found


def _worktrees(
    connection: Connection, sessions: set[int]
) -> dict[int, list[tuple[str, str]]]:
    """The worktrees of each session with their branches, deepest paths first."""
    found: dict[int, list[tuple[str, str]]] = {}
    for some in chunks(sorted(sessions)):
        for session, path, branch in connection.execute(
            "SELECT session, path, branch FROM worktree WHERE branch <> '' "
            f"AND session IN ({marks(some)}) ORDER BY length(path) DESC",
            some,
        ):
            found.setdefault(session, []).append((path.rstrip("/\\"), branch))
    return found


def _committed(
    connection: Connection, sessions: set[int]
) -> dict[tuple[int, str, str], Made]:
    """What the commits of sessions say, by session, repository and branch."""
    found: dict[tuple[int, str, str], Made] = {}
    for some in chunks(sorted(sessions)):
        for session, root, branch, names, naming, others in connection.execute(
            f"SELECT * FROM committed WHERE session IN ({marks(some)})", some
        ):
            made = Made(tuple(names.split()), naming, others)
            found[session, root, branch] = made
    return found


def _links(connection: Connection, sessions: set[int]) -> dict[int, set[Number]]:
    """The pull requests that sessions say they work on."""
    found: dict[int, set[Number]] = {}
    for some in chunks(sorted(sessions)):
        for session, repository, number in connection.execute(
            "SELECT session, lower(repository), number FROM pr_link "
            f"WHERE session IN ({marks(some)})",
            some,
        ):
            found.setdefault(session, set()).add((repository, number))
    return found


def _branch_of(trees: Iterable[tuple[str, str]], cwd: str) -> str:
    """The branch of the worktree that a directory lies in, or empty."""
    for path, branch in trees:
        if cwd == path or (cwd.startswith(path) and cwd[len(path)] in "/\\"):
            return branch
    return ""


def _kind_by_id(agent_id: str) -> str:
    """What the agent's own id says of its kind: ``acompact-…`` summarises."""
    return agent_id if agent_id and role_of(agent_id) else ""
