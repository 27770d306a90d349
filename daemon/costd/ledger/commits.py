"""Commits that name issues, and what those say that a session made on a branch.

A commit is a session's if it was made on a branch in which the session was at work, not
before its first response there and not after it has left. Where two sessions were, nobody
can tell whose it is: it proves something only if one issue is all that was named on that
branch in the time of either. Forks of one session are one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from sqlite3 import Connection

from costd.core.attribution import Made
from costd.core.commits import Commit, Commits, Position, Wanted
from costd.ledger.cells import BUCKET_MS
from costd.ledger.evidence import chunks, marks
from costd.ledger.stays import LINGERS_MS, Here, families, stay
from costd.ledger.world import World

_SECOND = 1000
_MARGIN_MS = 10 * 60 * 1000
"""Lines are read a little later than they are written."""
_MOST_NAMES = 16
_FEW = 100

Group = tuple[str, str]
"""A repository's root and a branch of it."""


def wanted(
    connection: Connection, world: World, contexts: Collection[int] | None
) -> list[Wanted]:
    """The repositories of contexts that nothing better owns.

    Args:
        connection: the ledger's.
        world: knows where directories lie.
        contexts: those that are asked about; None for all.
    """
    rows: list[tuple[str, str]] = []
    for some in [None] if contexts is None else chunks(sorted(contexts)):
        only = "" if some is None else f"c.id IN ({marks(some)}) AND"
        rows += connection.execute(f"{_UNOWNED} WHERE {only} {_OPEN}", some or ())
    found: defaultdict[str, set[str]] = defaultdict(set)
    for cwd, branch in rows:
        if (root := world.root(cwd)) and branch not in ("", "HEAD"):
            found[root].add(branch)
    positions = _positions(connection, found)
    return [
        Wanted(root, world.beads_of(root), frozenset(names), positions[root])
        for root, names in sorted(found.items())
    ]


def looked(connection: Connection, now: int) -> None:
    """Note when the commits of recent work were last asked for."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('commits', ?)", (now,))


def unlooked(connection: Connection) -> set[int] | None:
    """At a start: contexts that have gone on since then; None for all."""
    query = "SELECT value FROM meta WHERE key = 'commits'"
    row = connection.execute(query).fetchone()
    if row is None or not row[0].isdecimal():
        return None
    since = int(row[0]) - _MARGIN_MS
    rows = connection.execute("SELECT id FROM context WHERE last_at >= ?", (since,))
    return {number for (number,) in rows}


def touched(
    connection: Connection, world: World, contexts: Collection[int] | None
) -> set[Group]:
    """The branches on which sessions went on, around commits that name issues.

    Args:
        connection: the ledger's.
        world: knows the commits that name issues, and where directories lie.
        contexts: in which something was recorded; None for all there are.
    """
    world.load()
    if contexts is None or not world.named:
        world.stays.clear()
        return set(world.named)
    bounds: dict[tuple[int, Group], tuple[int, int]] = {}
    for some in chunks(sorted(contexts)):
        for session, cwd, branch, first, last in connection.execute(
            "SELECT c.session, c.cwd, coalesce(nullif(p.worktree_branch, ''), c.branch), "
            "min(d.first), max(d.last) FROM context c "
            "JOIN place p ON p.context_id = c.id JOIN stint d ON d.context_id = c.id "
            "WHERE c.session IN (SELECT session FROM context "
            f"WHERE id IN ({marks(some)})) GROUP BY c.id",
            some,
        ):
            key = (session, (world.root(cwd), branch))
            world.stays.get(key[1], {}).pop(session, None)
            low, high = bounds.get(key, (first, last))
            bounds[key] = (min(low, first), max(high, last))
    return {
        group
        for (_, group), (first, last) in bounds.items()
        if _holds(world.named.get(group, ()), first, last)
    }


def _holds(instants: Sequence[int], first: int, last: int) -> bool:
    """Whether one of the instants lies in these quarters of an hour, or soon after."""
    low = bisect_left(instants, first * BUCKET_MS)
    return low < bisect_left(instants, (last + 1) * BUCKET_MS + LINGERS_MS)


_UNOWNED = (
    "SELECT DISTINCT c.cwd, coalesce(nullif(p.worktree_branch, ''), c.branch) "
    "FROM context c JOIN place p ON p.context_id = c.id"
)
_OPEN = (
    "EXISTS (SELECT 1 FROM attribution a WHERE a.context_id = c.id "
    "AND (a.issue LIKE 'none:%' OR a.rule IN ('commit', 'inherit')))"
)


def _positions(
    connection: Connection, roots: Iterable[str]
) -> dict[str, dict[str, Position]]:
    found: dict[str, dict[str, Position]] = {root: {} for root in roots}
    for some in chunks(found):
        for root, *position in connection.execute(
            "SELECT root, log, offset, sha FROM commit_log "
            f"WHERE root IN ({marks(some)})",
            some,
        ):
            known = Position(*position)
            found[root][known.log] = known
    return found


def put(connection: Connection, world: World, found: Commits) -> set[Group]:
    """Keep what was found in a repository; the branches on which something is new."""
    root, made, gone, positions = found
    changed: set[Group] = set()
    world.load()
    for some in chunks(gone):
        of_these = f"WHERE root = ? AND sha IN ({marks(some)})"
        for (branch,) in connection.execute(
            f"DELETE FROM branch_commit {of_these} RETURNING branch", (root, *some)
        ).fetchall():
            changed.add((root, branch))
    for commit in made:
        is_new = connection.execute(
            "INSERT OR IGNORE INTO branch_commit VALUES (?, ?, ?, ?, ?)",
            (root, *commit[:3], " ".join(commit.names)),
        ).rowcount
        if is_new:
            changed.add((root, commit.branch))
    connection.executemany(
        "INSERT OR REPLACE INTO commit_log VALUES (?1, ?4, ?2, ?3)",
        [(*position, root) for position in positions],
    )
    since = min((commit.at for commit in made), default=0) - LINGERS_MS
    for group in changed:
        stays = world.stays.get(group, {})
        for session in [s for s, (_, until) in stays.items() if until >= since]:
            del stays[session]  # how it ended may matter now
        world.named[group] = [
            at
            for (at,) in connection.execute(
                "SELECT at FROM branch_commit "
                "WHERE root = ? AND branch = ? AND names <> '' ORDER BY at",
                group,
            )
        ]
    return changed


def judge(connection: Connection, world: World, groups: Collection[Group]) -> set[int]:
    """Work out anew which session made which commits on these branches.

    Returns:
        The sessions of which something else is known now.
    """
    known = {
        group: commits for group in groups if (commits := _commits(connection, group))
    }
    here = _at_work(connection, world, known)
    changed: set[int] = set()
    for group in groups:
        made: dict[int, Made] = {}
        if group in known:
            stays = world.stays.setdefault(group, {})
            made = _made(connection, known[group], here.get(group, []), stays)
        changed |= _write(connection, group, made)
    world.has_commits = world.has_commits or bool(changed)
    return changed


def _commits(connection: Connection, group: Group) -> list[Commit]:
    """The commits on a branch in the order of time; none where none names anything."""
    rows = connection.execute(
        "SELECT branch, sha, at, names FROM branch_commit "
        "WHERE root = ? AND branch = ? ORDER BY at, sha",
        group,
    )
    found = [
        Commit(branch, sha, at, tuple(names.split())) for branch, sha, at, names in rows
    ]
    return found if any(commit.names for commit in found) else []


def _at_work(
    connection: Connection, world: World, groups: Collection[Group]
) -> dict[Group, list[Here]]:
    """The contexts on these branches."""
    found: defaultdict[Group, list[Here]] = defaultdict(list)
    for some in chunks(sorted({branch for _, branch in groups}), _FEW):
        rows = connection.execute(
            "SELECT c.cwd, coalesce(nullif(p.worktree_branch, ''), c.branch) AS name, "
            "c.id, c.session, min(d.first), max(d.last) FROM context c "
            "JOIN place p ON p.context_id = c.id JOIN stint d ON d.context_id = c.id "
            f"WHERE name IN ({marks(some)}) GROUP BY c.id",
            some,
        )
        for cwd, branch, number, session, first, last in rows:
            if (group := (world.root(cwd), branch)) in groups:
                found[group].append(Here(number, session, first, last))
    return found


def _made(
    connection: Connection,
    commits: Sequence[Commit],
    here: Iterable[Here],
    stays: dict[int, tuple[int, int]],
) -> dict[int, Made]:
    """Which session made which of the commits on one branch."""
    instants = [commit.at for commit in commits]
    contexts: defaultdict[int, list[Here]] = defaultdict(list)
    for context in here:
        contexts[context.session].append(context)
    covered: defaultdict[int, list[int]] = defaultdict(list)
    named: dict[int, frozenset[str]] = {}
    for session, at_work in contexts.items():
        first, last = min(h.first for h in at_work), max(h.last for h in at_work)
        if _holds(instants, first, last):
            if session not in stays:
                stays[session] = stay(connection, at_work, instants)
            window = range(*_inside(instants, stays[session]))
            named[session] = frozenset(n for i in window for n in commits[i].names)
            for number in window:
                covered[number].append(session)
    family = families(connection, named.keys())
    found: defaultdict[int, list[tuple[Commit, bool]]] = defaultdict(list)
    for number, sessions in covered.items():
        is_shared = len({family[session] for session in sessions}) > 1
        if is_shared and commits[number].names and not _alike(sessions, named):
            continue
        for session in sessions:
            found[session].append((commits[number], is_shared))
    said = {session: _said(commits) for session, commits in found.items()}
    return {session: made for session, made in said.items() if made.names}


def _alike(sessions: Iterable[int], named: Mapping[int, frozenset[str]]) -> bool:
    """Whether one issue, the same one, is all that was named while each was at work."""
    different = {named[session] for session in sessions}
    return len(different) == 1 and len(different.pop()) == 1


def _said(commits: Sequence[tuple[Commit, bool]]) -> Made:
    names = sorted({name for commit, _ in commits for name in commit.names})
    naming = sum(commit.names != () for commit, _ in commits)
    own = sum(commit.names != () and not is_shared for commit, is_shared in commits)
    return Made(tuple(names[:_MOST_NAMES]), naming, len(commits) - own)


def _inside(instants: Sequence[int], window: tuple[int, int]) -> tuple[int, int]:
    """The commits in a stretch of time; git knows when only to the second."""
    first, last = window
    return bisect_left(instants, first - first % _SECOND), bisect_right(instants, last)


def _write(connection: Connection, group: Group, made: Mapping[int, Made]) -> set[int]:
    """Keep what sessions made on a branch; those of which that is something else."""
    before = {
        session: Made(tuple(names.split()), naming, others)
        for session, names, naming, others in connection.execute(
            "SELECT session, names, naming, others FROM committed "
            "WHERE root = ? AND branch = ?",
            group,
        )
    }
    changed = {
        session
        for session in before.keys() | made.keys()
        if before.get(session) != made.get(session)
    }
    for session in changed:
        connection.execute(
            "DELETE FROM committed WHERE session = ? AND root = ? AND branch = ?",
            (session, *group),
        )
        if session in made:
            now = made[session]
            connection.execute(
                "INSERT INTO committed VALUES (?, ?, ?, ?, ?, ?)",
                (session, *group, " ".join(now.names), now.naming, now.others),
            )
    return changed
