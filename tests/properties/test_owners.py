"""Whatever is claimed, taken back and found out: every response has one owner.

A model that knows nothing of spans, pieces or cells works out the owner of each
response from the pure rules; the ledger must say the same, and every sum with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from sqlite3 import Connection
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import places
from books import Book
from costd.core.attribution import (
    Attribution,
    Claims,
    Keys,
    Made,
    Place,
    Span,
    attribute_place,
    layered,
    owner_at,
    promoted,
    with_commits,
)
from costd.core.commits import Commit, Commits
from costd.core.projects import project_of
from costd.core.summary import Sums, together
from costd.ledger import claims as kept
from costd.ledger.claims import NewClaim
from costd.ledger.issues import days, work
from costd.ledger.lanes import joined
from costd.ledger.moves import Moves
from costd.ledger.reports import Question, cut, owned
from costd.ledger.world import Directory, Repository
from worklog import BEGAN, Worklog

MINUTE = 60_000
SESSIONS = ["s1", "s2"]
CWDS = ["/src/app", "/src/app/sub", "/other/workspaces/feature-min-9"]
BRANCHES = ["main", "abc-1", "abc-2", "abc-40", "PAN-7", "45-title"]
AGENTS = ["", "", "a1", "a2"]
ISSUES = ["MIN-1", "o/r#3", "none:overhead"]
ZONE = ZoneInfo("Europe/Oslo")
MIDNIGHT = ZoneInfo("Pacific/Fiji")
"""A day begins there within the ninety minutes in which all happens."""
READINGS = [
    (ZONE, None, None),
    (MIDNIGHT, None, None),
    (MIDNIGHT, BEGAN + 20 * MINUTE, BEGAN + 70 * MINUTE),
]
LANE = ("issue", "session", "subagent", "role")
OWNERS = "SELECT DISTINCT issue FROM attribution"
SINCE = st.none() | st.integers(0, 90).map(lambda m: BEGAN + m * MINUTE)


class Owning(RuleBasedStateMachine):
    """Random work and random claims."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(places.memory_dir())
        self.work = Worklog(folder / "projects")
        self.book = Book(folder / "ledger.db", folder / "projects")
        self.now = BEGAN
        self.repositories: dict[str, Repository] = {}
        self.roots: dict[str, str] = {}
        self.seen: set[tuple[str, str]] = set()
        self.commits: dict[tuple[str, str], Commit] = {}

    def teardown(self) -> None:
        self.book.close()
        self.stack.close()

    @initialize()
    def begin(self) -> None:
        self.work.respond("s1", 0)
        self.book.catch_up()
        for minute in (40, 80):  # on both sides of a midnight
            self.work.respond("s1", minute * MINUTE)
        self.book.catch_up()

    @rule(
        branch=st.sampled_from(["main", "45-title"]), sessions=st.sampled_from([1, 2])
    )
    def work_and_commit(self, branch: str, sessions: int) -> None:
        """As sessions do it: a response, a commit, a response."""
        self.find(["/src/app"], "o/r", "", is_repo=True)
        for session in SESSIONS[:sessions]:
            for minute in (30, 50):
                self.work.respond(session, minute * MINUTE, branch=branch)
        self.commit(branch, 40, ("#3",), amends=False)

    @rule(
        session=st.sampled_from(SESSIONS),
        agent=st.sampled_from(AGENTS),
        cwd=st.sampled_from(CWDS),
        branch=st.sampled_from(BRANCHES),
        at=st.integers(0, 90 * MINUTE),
        output=st.integers(1, 10**6),
        catches_up=st.booleans(),
    )
    def respond(  # noqa: PLR0917 - Hypothesis gives them by name
        self,
        session: str,
        agent: str,
        cwd: str,
        branch: str,
        at: int,
        output: int,
        catches_up: bool,
    ) -> None:
        self.work.respond(
            session, at, agent=agent, cwd=cwd, branch=branch, output=output
        )
        if catches_up:
            self.book.catch_up()

    @rule(
        selects=st.sampled_from(
            [
                *(("session", name) for name in (*SESSIONS, "s3")),
                ("agent", "a1"),
                ("branch", "abc-*"),
                ("branch", "main"),
                ("cwd", "/src/app"),
                ("cwd", "/src/*/sub"),
            ]
        ),
        within=st.sampled_from(["", "", "/src/**"]),
        issue=st.sampled_from(ISSUES),
        role=st.sampled_from(["", "review"]),
        since=SINCE,
        until=SINCE,
        rule_name=st.sampled_from(["claim", "claim", "env", "orchestrator"]),
    )
    def claim(  # noqa: PLR0917 - Hypothesis gives them by name
        self,
        selects: tuple[str, str],
        within: str,
        issue: str,
        role: str,
        since: int | None,
        until: int | None,
        rule_name: str,
    ) -> None:
        self.now += 1
        selector, value = selects
        new = NewClaim(
            key=str(self.now),
            subject="",
            selector=selector,
            value=value,
            within=within if selector != "cwd" else "",
            issue=issue,
            role=role,
            from_at=since,
            until_at=until,
            made_at=self.now,
            rule=rule_name,
            confidence=90,
            source="test",
        )
        self.changes(lambda moves: self.book.ledger.claim([new], moves).sessions)

    @precondition(lambda self: bool(self.live()))
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([claim.id for claim in self.live()]))
        self.changes(
            lambda moves: (
                self.book.ledger.unclaim([number], self.now, "test", moves).sessions
            )
        )

    @rule(
        cwds=st.lists(st.sampled_from(CWDS), min_size=1, unique=True),
        name=st.sampled_from(["o/r", ""]),
        known=st.sampled_from(["", "ABC"]),
        is_repo=st.booleans(),
    )
    def find(self, cwds: list[str], name: str, known: str, is_repo: bool) -> None:
        root = "/src/app" if is_repo else ""
        repository = Repository(root, name, "abc-2", frozenset(known.split()))
        self.book.ledger.look_around(
            [repository] if is_repo else [],
            [Directory(cwd, root, is_repo) for cwd in cwds],
        )
        self.roots.update(dict.fromkeys(cwds, root))
        if is_repo:
            self.repositories[root] = repository

    @rule(
        branch=st.sampled_from(["main", "abc-1", "45-title"]),
        minute=st.integers(0, 90),
        names=st.sampled_from([(), ("#3",), ("#3",), ("MIN-1", "#3"), ("abc-1",)]),
        amends=st.booleans(),
    )
    def commit(
        self, branch: str, minute: int, names: tuple[str, ...], amends: bool
    ) -> None:
        gone = [c.sha for c in self.commits.values() if c.branch == branch and amends]
        new = Commit(branch, str(len(self.commits)), BEGAN + minute * MINUTE, names)
        self.book.ledger.learn_commits(Commits("/src/app", (new,), tuple(gone), ()))
        for sha in gone:
            self.commits[branch, sha] = Commit("", sha, 0, ())
        self.commits[branch, new.sha] = new

    @rule()
    def restart(self) -> None:
        self.book.reopen()

    @rule()
    def judge_everything_anew(self) -> None:
        self.book.ledger.reattribute()

    def changes(self, work: object) -> None:
        """What a change says that it moves is what has moved, to the nano-dollar."""
        before = self.costs()
        moves = Moves()
        left = work(moves)  # type: ignore[operator]  # one of the two above
        assert not left, "few sessions are laid over at once"
        for move in moves.found():
            before[move.before] -= move.cost
            before[move.after] += move.cost
        assert {k: v for k, v in before.items() if v} == self.costs()

    def live(self) -> list[kept.KeptClaim]:
        return kept.live(self.book.ledger.database.connection)

    def costs(self) -> defaultdict[str, int]:
        rows = self.book.query(
            "SELECT a.issue, sum(cell.cost) FROM cell JOIN attribution a "
            "ON a.context_id = cell.context_id AND a.span = cell.span GROUP BY 1"
        )
        return defaultdict(int, {str(k): int(str(v)) for k, v in rows if v})

    # The model.

    def place(self, cwd: str, branch: str) -> tuple[Place, Keys]:
        """The place and the keys of the group that its directory belongs to."""
        root = self.roots.get(cwd, "")
        repository = self.repositories.get(root, Repository(""))
        place = Place(
            cwd=cwd,
            branch=branch,
            repo=repository.name,
            default_branch=repository.default_branch,
            is_repo=bool(root) if cwd in self.roots else None,
        )
        branches = [b for c, b in self.seen if self.group(c) == self.group(cwd)]
        keys = promoted(branches) | repository.known_keys
        return place, Keys(by_repo={repository.name: keys})

    def group(self, cwd: str) -> tuple[bool, str]:
        root = self.roots.get(cwd, "")
        return bool(root), root or project_of(cwd)

    def model(self) -> Iterator[tuple[int, int, Attribution]]:
        """Each row of ``response``: its number, its cost, and its owner."""
        rows = self.book.query(
            "SELECT s.session_id, c.agent_id, c.cwd, c.branch, c.id, r.at, r.id, "
            "coalesce(r.cost, 0) FROM response r "
            "JOIN context c ON c.id = r.context_id JOIN session s ON s.id = c.session "
            "ORDER BY r.at, r.id"
        )
        self.seen = {(str(row[2]), str(row[3])) for row in rows}
        claims = Claims(claim.as_claim for claim in self.live())
        contexts = {int(str(row[4])): tuple(str(v) for v in row[:4]) for row in rows}
        made = self.made(rows)

        def spans(
            session: str,
            agent: str,
            cwd: str,
            branch: str,
            parent: tuple[Span, ...] = (),
        ) -> tuple[Span, ...]:
            place, keys = self.place(cwd, branch)
            own = attribute_place(place, keys)
            if self.roots.get(cwd) and (session, branch) in made:
                own = with_commits(own, made[session, branch], place, keys)
            said = claims.about(place, session, agent_id=agent)
            return layered(own, said, parent)

        of_main = {
            context: spans(session, agent, cwd, branch)
            for context, (session, agent, cwd, branch) in contexts.items()
            if not agent
        }
        parents: dict[str, tuple[Span, ...]] = {}
        for session in SESSIONS:
            turns = [
                (int(str(row[5])), int(str(row[4])))
                for row in rows
                if row[0] == session and not row[1]
            ]
            parents[session] = joined(turns, of_main) if turns else ()
        of_agents = {
            context: spans(session, agent, cwd, branch, parents[session])
            for context, (session, agent, cwd, branch) in contexts.items()
            if agent
        }
        owners = {**of_main, **of_agents}
        for row in rows:
            context, at, number, cost = (int(str(value)) for value in row[4:])
            yield number, cost, owner_at(owners[context], at)

    def stay(self, rows: Sequence[Sequence[object]], session: str, branch: str) -> int:
        """When a session was last on a branch: until it answered elsewhere."""
        own = [
            (int(str(row[5])), int(str(row[4])), str(row[1]), str(row[2]), row[3])
            for row in rows
            if row[0] == session
        ]
        last, _, agent, *_ = max(
            row for row in own if row[4] == branch and self.roots.get(row[3])
        )
        later = [at for at, _, lane, *_ in own if lane == agent and at > last]
        return min([last + 10 * MINUTE, *later]) if later else last

    def made(self, rows: Sequence[Sequence[object]]) -> dict[tuple[str, str], Made]:
        """What sessions committed, where no other session was at work."""
        found: dict[tuple[str, str], Made] = {}
        for branch in BRANCHES:
            times: defaultdict[str, list[int]] = defaultdict(list)
            for row in rows:
                if row[3] == branch and self.roots.get(str(row[2])):
                    times[str(row[0])].append(int(str(row[5])))
            here = [c for c in self.commits.values() if c.branch == branch]
            inside = {
                session: [c for c in here if min(at) // 1000 * 1000 <= c.at <= stayed]
                for session, at in times.items()
                for stayed in [self.stay(rows, session, branch)]
            }
            named = {
                session: {name for c in commits for name in c.names}
                for session, commits in inside.items()
            }
            for session, commits in inside.items():
                names: set[str] = set()
                naming = others = 0
                for commit in commits:
                    at_work = [s for s, all_of in inside.items() if commit in all_of]
                    is_alike = all(named[s] == named[session] for s in at_work)
                    is_alike = is_alike and len(named[session]) == 1
                    if len(at_work) > 1 and commit.names and not is_alike:
                        continue
                    names.update(commit.names)
                    naming += commit.names != ()
                    others += len(at_work) > 1 or not commit.names
                if names:
                    made = Made(tuple(sorted(names)), naming, others)
                    found[session, branch] = made
        return found

    @invariant()
    def every_response_has_the_owner_of_the_model(self) -> None:
        self.book.catch_up()
        owners = self.book.ledger.owners
        self.book.ledger.commits_wanted(owners.recent, self.now)
        owners.recent = set()
        stored: dict[int, tuple[object, ...]] = {}
        for number, *found in self.book.query(
            "SELECT r.id, a.issue, a.role, a.rule, a.confidence FROM response r "
            "JOIN attribution a ON a.context_id = r.context_id "
            "AND a.from_at <= r.at AND r.at < a.until_at"
        ):
            assert number not in stored, "a response has two owners"
            stored[int(str(number))] = tuple(found)
        expected: dict[int, tuple[object, ...]] = {}
        costs: defaultdict[str, int] = defaultdict(int)
        for number, cost, owner in self.model():
            expected[number] = (owner.issue, owner.role, owner.rule, owner.confidence)
            costs[owner.issue] += cost
        assert stored == expected
        self.book.total()  # compares the rollup with its rows
        assert self.costs() == {k: v for k, v in costs.items() if v}

    @invariant()
    def issues_and_buckets_are_the_total_of_any_cut(self) -> None:
        connection = self.book.ledger.database.connection
        for filters in ({}, {"session": ["s1"]}, {"branch": ["main", "abc-1"]}):
            for since in (None, BEGAN + 40 * MINUTE):
                question = Question((), since, None, ZONE, filters)
                whole = cut(connection, question)
                total = whole[0].sums.cost if whole else 0
                assert sum(owned(connection, question)) == total
                for by in (("issue",), ("issue", "role", "day"), ("pr", "model")):
                    rows = cut(connection, question._replace(by=by))
                    assert sum(row.sums.cost for row in rows) == total

    @invariant()
    def the_past_is_the_same_by_days_and_by_quarters(self) -> None:
        connection = self.book.ledger.database.connection
        for until in (None, BEGAN + 45 * MINUTE):
            by_days = Question((), None, until, ZONE, {})
            assert cut_by(connection, by_days, *LANE, "model") == cut_by(
                connection, by_days._replace(since=0), *LANE, "model"
            )

    @invariant()
    def what_is_read_of_one_issue_is_its_cut(self) -> None:
        connection = self.book.ledger.database.connection
        owners = {str(owner) for (owner,) in self.book.query(OWNERS)}
        for zone, since, until in READINGS:
            whole = Question((), since, until, zone, {"issue": sorted(owners)})
            rows = work(connection, owners, since, until)
            by_day = {
                (owner, *day.keys): plain(day.sums)
                for owner in owners
                for day in days(connection, [r for r in rows if r.owner == owner], zone)
            }
            lanes: dict[tuple[str, ...], Sums] = {}
            for row in rows:
                key = (row.owner, row.session_id, row.agent_id, row.role)
                lanes[key] = together([lanes.get(key, Sums()), row.sums])
            assert by_day == cut_by(connection, whole, "issue", "day")
            assert lanes == cut_by(connection, whole, *LANE)


def cut_by(
    connection: Connection, question: Question, *by: str
) -> dict[tuple[str, ...], Sums]:
    rows = cut(connection, question._replace(by=by))
    return {row.keys: plain(row.sums) for row in rows}


def plain(sums: Sums) -> Sums:
    """Without the sessions: not everybody counts them."""
    return sums._replace(sessions=0)


def test_every_response_has_one_owner() -> None:
    run_state_machine_as_test(
        Owning,
        settings=settings(
            stateful_step_count=20, max_examples=settings().max_examples // 2 + 1
        ),
    )


def test_a_ledger_from_before_there_were_owners_gets_them(tmp_path: Path) -> None:
    book = Book(tmp_path / "ledger.db", tmp_path / "projects")
    Worklog(book.root).respond("s1", 0, branch="PAN-7")
    book.catch_up()
    for table in ("place", "attribution", "meta"):
        book.ledger.database.connection.execute(f"DELETE FROM {table}")
    book.reopen()
    assert book.query("SELECT issue FROM attribution") == [("PAN-7",)]
    book.close()
