"""Any cut of the ledger is what one gets by adding up the responses by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import places
from books import Book
from costd.core.errors import UsageError
from costd.core.instants import DAY, HOUR, MINUTE
from costd.core.periods import KINDS
from costd.core.summary import Sums, together
from costd.ledger.reports import DIMENSIONS, Cut, Question, cut, owned, total
from loglines import BEGAN, Line, session
from oracle.fold import Response
from recount import Recount, recount

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
ZONES = (UTC_ZONE, BERLIN, NEW_YORK, KATHMANDU)
QUARTER = 15 * MINUTE
MODELS = ("claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5-20251001", "glm-5.2")
BRANCHES = ("main", "feature/MIN-7-login", "fix/PAN-8", "")
FOLDERS = ("/home/dev/shop", "/home/dev/shop/.claude/worktrees/a", "/home/dev/blog")
HOURS = st.integers(-24, 24 * 32)


def moment(number: int) -> str:
    """Over five weeks, across both changes of the clock in autumn."""
    at = BEGAN - timedelta(days=10) + timedelta(minutes=211 * number)
    return at.isoformat().replace("+00:00", "Z")


def line(number: int) -> Line:
    log = number % 7
    return Line(
        number,
        at=moment(number),
        out=number % 89,
        read=number * 31,
        short=number % 5 * 100,
        hour=number % 3 * 200,
        stop=None if number % 11 == 0 else "end_turn",
        session_id=session(log % 4),
        agent_id=f"a{log:016x}" if log > 3 else "",
        model=MODELS[number * 7 % 13 % 4],
        branch=BRANCHES[number // 40 % 4],
        cwd=FOLDERS[number // 9 % 3],
    )


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    with places.memory_dir() as folder:
        made = Book(folder / "ledger.db", folder / "projects")
        texts: dict[str, bytes] = defaultdict(bytes)
        for number in range(1, 240):
            one = line(number)
            texts[f"p/{one.session_id}{one.agent_id}.jsonl"] += one.text()
        (made.root / "p").mkdir(parents=True)
        for name, text in texts.items():
            (made.root / name).write_bytes(text)
        made.catch_up()
        yield made
        made.close()


@pytest.fixture(scope="module")
def plain(book: Book) -> Recount:
    return recount(book.root)


def ask(
    book: Book,
    *by: str,
    zone: ZoneInfo = UTC_ZONE,
    since: int | None = None,
    until: int | None = None,
    **filters: list[str],
) -> list[Cut]:
    question = Question(by, since, until, zone, filters)
    return cut(book.ledger.database.connection, question)


def sums(responses: list[Response]) -> Sums:
    return Sums(
        responses=len(responses),
        sessions=len({r.session_id for r in responses}),
        input_tokens=sum(r.input_tokens for r in responses),
        output_tokens=sum(r.output_tokens for r in responses),
        cache_read_tokens=sum(r.cache_read_tokens for r in responses),
        cache_creation_5m_tokens=sum(r.cache_creation_5m_tokens for r in responses),
        cache_creation_1h_tokens=sum(r.cache_creation_1h_tokens for r in responses),
        cost=int(sum((r.cost or Decimal(0)) * 10**9 for r in responses)),
        unfinalised=sum(r.unfinalised for r in responses),
        unpriced=sum(r.cost is None for r in responses),
        unpriced_tokens=sum(r.usage.total for r in responses if r.cost is None),
    )


Key = Callable[[Response, ZoneInfo], str]


def wall(response: Response, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp((response.at or 0) / 1000, tz=UTC).astimezone(zone)


def week(response: Response, zone: ZoneInfo) -> str:
    day = wall(response, zone).date()
    return (day - timedelta(days=day.weekday())).isoformat()


def hour(response: Response, zone: ZoneInfo) -> str:
    begun = wall(response, zone).replace(minute=0, second=0, microsecond=0)
    return begun.isoformat(timespec="minutes")


KEYS: dict[str, Key] = {
    "model": lambda r, _: r.model,
    "agent": lambda _r, _: "claude",
    "session": lambda r, _: r.session_id,
    "branch": lambda r, _: r.branch or "",
    "subagent": lambda r, _: r.agent_id or "",
    "project": lambda r, _: "shop" if "shop" in (r.cwd or "") else "blog",
    "hour": hour,
    "day": lambda r, zone: wall(r, zone).date().isoformat(),
    "week": week,
    "month": lambda r, zone: wall(r, zone).date().isoformat()[:7],
}


def by_hand(
    plain: Recount, by: tuple[str, ...], zone: ZoneInfo
) -> dict[tuple[str, ...], Sums]:
    groups: dict[tuple[str, ...], list[Response]] = defaultdict(list)
    for response in plain.responses:
        groups[tuple(KEYS[name](response, zone) for name in by)].append(response)
    return {key: sums(responses) for key, responses in groups.items()}


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("name", KEYS)
def test_a_cut_by_one_dimension(
    book: Book, plain: Recount, name: str, zone: ZoneInfo
) -> None:
    rows = ask(book, name, zone=zone)
    assert dict(rows) == by_hand(plain, (name,), zone)
    assert [row.keys for row in rows] == sorted(row.keys for row in rows)


@pytest.mark.parametrize(
    "by",
    [
        ("day", "model"),
        ("model", "day"),
        ("session", "subagent", "model"),
        ("project", "branch", "week"),
        ("month", "model", "session", "branch", "project", "agent", "subagent"),
    ],
    ids=",".join,
)
def test_a_cut_by_several(book: Book, plain: Recount, by: tuple[str, ...]) -> None:
    assert dict(ask(book, *by, zone=BERLIN)) == by_hand(plain, by, BERLIN)


def test_a_cut_by_nothing_is_all(book: Book, plain: Recount) -> None:
    assert ask(book) == [Cut((), sums(plain.responses))]
    found = total(book.ledger.database.connection, None, None)
    assert found == sums(plain.responses)._replace(sessions=0)


@pytest.mark.parametrize("name", [*DIMENSIONS, *KINDS])
def test_the_rows_of_every_cut_add_up_to_all(book: Book, name: str) -> None:
    rows = ask(book, name, zone=NEW_YORK)
    (everything,) = ask(book)
    added = together(row.sums for row in rows)
    assert added._replace(sessions=0) == everything.sums._replace(sessions=0)


@given(
    st.lists(st.sampled_from([*DIMENSIONS, "day"]), unique=True, max_size=3),
    st.sampled_from(ZONES),
    HOURS,
    HOURS,
)
def test_what_is_before_within_and_after_a_span_is_all(
    book: Book, by: list[str], zone: ZoneInfo, one: int, other: int
) -> None:
    start = int(BEGAN.timestamp()) * 1000 - 9 * DAY
    low, high = start + min(one, other) * HOUR, start + max(one, other) * HOUR
    parts = [
        *ask(book, *by, zone=zone, until=low),
        *ask(book, *by, zone=zone, since=low, until=high),
        *ask(book, *by, zone=zone, since=high),
    ]
    (everything,) = ask(book)
    added = together(row.sums for row in parts)._replace(sessions=0)
    assert added == everything.sums._replace(sessions=0)


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_a_span_holds_what_was_made_in_it(
    book: Book, plain: Recount, zone: ZoneInfo
) -> None:
    since = int(datetime(2026, 10, 25, tzinfo=zone).timestamp()) * 1000
    until = int(datetime(2026, 11, 2, tzinfo=zone).timestamp()) * 1000
    within = [r for r in plain.responses if since <= (r.at or 0) < until]
    assert ask(book, since=since, until=until) == [Cut((), sums(within))]


def test_a_boundary_within_a_quarter_takes_the_quarter_in(book: Book) -> None:
    at = int(datetime.fromisoformat(moment(50)).timestamp()) * 1000
    assert at % QUARTER
    (found,) = ask(book, since=at + 1, until=at + 2)
    assert found.sums.responses == 1


@pytest.mark.parametrize("name", [n for n in KEYS if n not in KINDS])
def test_a_filter_leaves_what_it_names(book: Book, plain: Recount, name: str) -> None:
    for (value,), expected in by_hand(plain, (name,), UTC_ZONE).items():
        for by, keys in (((), ()), ((name,), (value,))):
            question = Question(by, None, None, UTC_ZONE, {name: [value]})
            found = cut(book.ledger.database.connection, question)
            assert found == [Cut(keys, expected)]


def test_values_of_one_filter_are_alternatives_and_filters_go_together(
    book: Book, plain: Recount
) -> None:
    wanted = [
        r for r in plain.responses if r.model in MODELS[:2] and r.branch == "main"
    ]
    assert wanted
    rows = ask(book, model=list(MODELS[:2]), branch=["main"])
    assert rows == [Cut((), sums(wanted))]


def test_a_filter_that_nothing_passes_gives_no_row(book: Book) -> None:
    assert ask(book, "day", model=["no such model"]) == []
    assert ask(book, model=["no such model"]) == []


def test_a_span_in_which_nothing_was_made_gives_no_row(book: Book) -> None:
    assert ask(book, "day", since=0, until=DAY) == []
    assert ask(book, "hour", since=4 * 10**12) == []


def test_a_filter_is_never_a_piece_of_a_query(book: Book) -> None:
    assert ask(book, model=["' OR 1 = 1 --"]) == []


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_issues_and_buckets_together_are_all(book: Book, zone: ZoneInfo) -> None:
    question = Question((), None, None, zone, {})
    connection = book.ledger.database.connection
    found = owned(connection, question)
    (everything,) = ask(book)
    assert found.issues + found.buckets == everything.sums.cost
    assert found.issues
    assert found.buckets


def test_an_unknown_dimension_is_named_with_the_known_ones(book: Book) -> None:
    with pytest.raises(UsageError, match="'colour' is nothing") as caught:
        ask(book, "colour")
    assert "session" in caught.value.fix
    with pytest.raises(UsageError, match="'colour' is nothing"):
        ask(book, "day", colour=["red"])


def test_two_kinds_of_period_at_once_are_refused(book: Book) -> None:
    with pytest.raises(UsageError, match="one of hour, day, week, month"):
        ask(book, "day", "month")


def test_a_line_dated_in_another_century_spoils_no_report() -> None:
    """Once it made all days since then too many, for every question."""
    with places.memory_dir() as folder:
        book = Book(folder / "ledger.db", folder / "projects")
        book.root.mkdir()
        later = Line(2, at="2250-01-01T12:00:00Z").text()
        early = Line(3, at="1971-01-01T12:00:00Z").text()
        (book.root / "a.jsonl").write_bytes(Line(1).text() + later + early)
        book.catch_up()
        for kind in KINDS:
            rows = ask(book, kind)
            assert [row.sums.responses for row in rows] == [1, 1, 1]
        assert [row.keys for row in ask(book, "day")] == [
            ("1971-01-01",),
            ("2026-11-01",),
            ("2250-01-01",),
        ]
        book.close()
