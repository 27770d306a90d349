"""A ledger whose file is damaged: everything that can be had comes back, once."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from books import NOW, Book, Sum
from costd.core.attribution import Keys
from costd.core.errors import DamagedLedgerError
from costd.engine.custody import Custody
from costd.ledger import Ledger
from costd.ledger.claims import NewClaim
from costd.ledger.integrity import examine, vitals_of_file
from costd.ledger.moves import Moves
from costd.ledger.repair import snapshots_of
from costd.ledger.snapshots import copy, listed, take
from costd.prices import load_rate_card
from goldens import Case, own_cases
from loglines import Line, lines, session

PAGE = 4096
CLAIM = NewClaim(
    key="by-hand",
    subject="",
    selector="session",
    value=session(1),
    within="",
    issue="MIN-7",
    role="implementation",
    from_at=None,
    until_at=None,
    made_at=NOW,
    rule="claim",
    confidence=100,
    source="cli",
)


class Kept:
    """A ledger with history that no log on disk tells any more."""

    def __init__(self, top: Path) -> None:
        self.book = Book(top / "ledger.db", top / "projects")
        self.path = self.book.path
        self.write("here.jsonl", lines(*range(1, 200)))
        self.write("gone.jsonl", lines(*range(200, 500), session_id=session(2)))
        # A copy: what only the log that goes says of a response, and what both do.
        copied = lines(*range(1, 30), session_id=session(3), out=333)
        self.write("copy.jsonl", copied + lines(700, session_id=session(3)))
        self.book.ledger.claim([CLAIM], Moves())
        (self.book.root / "gone.jsonl").unlink()
        (self.book.root / "copy.jsonl").unlink()
        self.book.catch_up()

    def write(self, name: str, data: bytes) -> None:
        path = self.book.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        self.book.catch_up()

    def close(self) -> tuple[Sum, dict[str, object]]:
        """What it holds, and by whom it is owned; the file is whole and closed."""
        found = self.book.total(), self.owned()
        self.book.ledger.database.checkpoint()
        self.book.close()
        return found

    def owned(self) -> dict[str, object]:
        return dict(
            self.book.query(
                "SELECT a.issue, sum(c.cost) FROM cell c JOIN attribution a "
                "ON a.context_id = c.context_id AND a.span = c.span GROUP BY 1"
            )  # type: ignore[arg-type]  # two columns
        )

    def mended(self, reason: str = "") -> tuple[Sum, dict[str, object]]:
        """Open it as costd does, read the logs, and say what it holds."""
        custody = self.custody()
        ledger = custody.mend(reason) if reason else custody.open()
        ledger.close()
        self.book.open()
        self.book.catch_up()
        return self.book.total(), self.owned()

    def custody(self) -> Custody:
        return Custody(
            self.path, load_rate_card(), Keys(), [str(self.book.root)], lambda: NOW
        )

    def report(self) -> dict[str, Any]:
        (path,) = self.custody().reports()
        assert path.stat().st_mode & 0o777 == 0o600
        found: dict[str, Any] = json.loads(path.read_text())
        return found


@pytest.fixture
def kept(memory_dir: Path) -> Iterator[Kept]:
    made = Kept(memory_dir)
    yield made
    made.book.close()


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def no_header(path: Path) -> None:
    overwrite(path, 0, bytes(100))


def no_first_page(path: Path) -> None:
    overwrite(path, 0, bytes(PAGE))


def half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // PAGE * PAGE)


def rubbish(path: Path) -> None:
    path.write_bytes(b"no database at all\n" * 300)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "damage", [no_header, no_first_page, half, rubbish, empty, gone]
)
def test_with_a_snapshot_nothing_is_lost(
    kept: Kept, damage: Callable[[Path], None]
) -> None:
    take(kept.path, snapshots_of(kept.path), NOW)
    before = kept.close()
    damage(kept.path)
    assert kept.mended() == before
    assert kept.book.verify().different == 0
    assert kept.report()["snapshot"]
    aside = sorted(kept.path.parent.glob("ledger.db.corrupt-*"))
    assert bool(aside) == (damage is not gone)


def test_whichever_page_is_lost_a_snapshot_has_it(kept: Kept) -> None:
    take(kept.path, snapshots_of(kept.path), NOW)
    before = kept.close()
    whole = kept.path.read_bytes()
    for number in range(0, len(whole) // PAGE, 6):
        kept.path.write_bytes(whole)
        overwrite(kept.path, number * PAGE, b"\x99" * PAGE)
        if examine(kept.path).ok:  # a page that is not in use
            continue
        assert kept.mended("found by a check") == before, number
        assert examine(kept.path).ok
        kept.book.close()


def test_without_a_snapshot_all_is_saved_that_can_be_read(kept: Kept) -> None:
    before, _ = kept.close()
    whole = kept.path.read_bytes()
    lost = []
    for number in range(1, len(whole) // PAGE, 4):
        kept.path.write_bytes(whole)
        overwrite(kept.path, number * PAGE, b"\x99" * PAGE)
        if examine(kept.path).ok:
            continue
        total, _ = kept.mended("found by a check")
        lost.append(before.responses - total.responses)
        report = kept.report()
        assert total.responses >= 199, "what is in the logs is never lost"
        assert kept.book.verify().different == 0
        kept.book.close()
        assert total.responses == before.responses or report["damaged"]
        for path in kept.custody().reports():
            path.unlink()
    # A page of rows; or one of those few that say where the tables are.
    assert set(lost) - set(range(60)) <= {301}
    assert sum(n > 0 for n in lost) < len(lost) // 2


def test_a_header_alone_costs_nothing_even_without_a_snapshot(kept: Kept) -> None:
    before = kept.close()
    no_header(kept.path)
    assert kept.mended() == before


def test_a_turned_byte_is_found_and_mended(kept: Kept) -> None:
    """SQLite's own check does not see it."""
    take(kept.path, snapshots_of(kept.path), NOW)
    before = kept.close()
    with sqlite3.connect(kept.path) as connection:
        connection.execute(
            "UPDATE response SET output_tokens = output_tokens + 65536 WHERE id = "
            "(SELECT max(id) - 40 FROM response)"
        )
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert "output_tokens" in examine(kept.path).problem
    assert kept.mended("its sums do not agree") == before


def test_a_turned_byte_that_nobody_can_mend_is_said(kept: Kept) -> None:
    kept.close()
    with sqlite3.connect(kept.path) as connection:
        connection.execute("UPDATE response SET output_tokens = 9 WHERE id = 480")
    connection.close()
    kept.mended("its sums do not agree")
    assert kept.report()["saved"]["doubtful"] == 1


def test_what_was_learnt_after_the_snapshot_is_saved_too(kept: Kept) -> None:
    take(kept.path, snapshots_of(kept.path), NOW)
    kept.write("later.jsonl", lines(*range(800, 900), session_id=session(9)))
    (kept.book.root / "later.jsonl").unlink()
    kept.book.catch_up()
    before = kept.close()
    no_header(kept.path)
    assert kept.mended() == before


def test_a_copy_that_was_taken_back_does_not_come_again(kept: Kept) -> None:
    """A row that went for a good reason is in the snapshot still."""
    kept.write("fork.jsonl", Line(950, request_id=None, session_id=session(5)).text())
    take(kept.path, snapshots_of(kept.path), NOW)
    kept.write("first.jsonl", Line(950, session_id=session(4)).text())
    for name in ("fork.jsonl", "first.jsonl"):
        (kept.book.root / name).unlink()
    kept.book.catch_up()
    before = kept.close()
    assert kept.mended("found by a check") == before


def test_a_snapshot_of_another_ledger_is_not_mixed_in(kept: Kept) -> None:
    folder = kept.path.with_name("other")
    folder.mkdir()
    other = Book(folder / "ledger.db", folder / "projects")
    other.root.mkdir()
    (other.root / "x.jsonl").write_bytes(lines(1001, 1002, session_id=session(77)))
    other.catch_up()
    snapshots_of(kept.path).mkdir()
    take(other.path, snapshots_of(kept.path), NOW)
    other.close()
    before = kept.close()
    assert kept.mended("found by a check") == before
    assert kept.report()["snapshot"] is None


def test_a_crash_before_the_end_is_gone_on_from(kept: Kept) -> None:
    """The new ledger is whole, and the old one still in its place, or half of it."""
    before = kept.close()
    good = kept.path.read_bytes()
    for present in (True, False):
        kept.path.with_name("ledger.db.mended").write_bytes(good)
        if present:
            rubbish(kept.path)
        else:
            kept.path.unlink()
        kept.custody().open().close()
        kept.book.open()
        assert kept.book.total() == before[0]
        assert not kept.path.with_name("ledger.db.mended").exists()
        kept.book.close()


def test_a_full_disk_leaves_the_old_one_where_it_is(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.close()
    no_header(kept.path)
    damaged = kept.path.read_bytes()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError

    monkeypatch.setattr("costd.ledger.repair.mend", full)
    with pytest.raises(Exception, match="failed"):
        kept.custody().open()
    assert kept.path.read_bytes() == damaged
    assert not kept.path.with_name("mending").exists()


def test_a_damaged_ledger_says_what_it_is(kept: Kept) -> None:
    kept.close()
    no_header(kept.path)
    with pytest.raises(DamagedLedgerError):
        Ledger(kept.path, load_rate_card(), Keys())


@pytest.mark.parametrize("case", own_cases(), ids=lambda case: case.name)
def test_history_is_the_same_after_it(memory_dir: Path, case: Case) -> None:
    """Of every golden case: all that its logs said is saved, when they are gone."""
    root = memory_dir / "projects"
    shutil.copytree(case.root, root)
    book = Book(memory_dir / "ledger.db", root)
    book.catch_up()
    assert examine(book.path).ok
    before = book.total(), book.sessions(), book.unpriced()
    book.ledger.database.checkpoint()
    book.close()
    shutil.rmtree(root)
    root.mkdir()
    custody = Custody(book.path, load_rate_card(), Keys(), [str(root)], lambda: NOW)
    custody.mend("a test").close()
    book.open()
    book.catch_up()
    assert (book.total(), book.sessions(), book.unpriced()) == before
    assert examine(book.path, thorough=True).ok
    book.close()


# The examination.


def test_a_whole_ledger_is_well(kept: Kept) -> None:
    assert examine(kept.path, thorough=True).ok


def test_rows_that_went_since_the_snapshot_are_missed(kept: Kept) -> None:
    take(kept.path, snapshots_of(kept.path), NOW)
    (snapshot,) = listed(snapshots_of(kept.path))
    before = vitals_of_file(snapshot.path)
    assert examine(kept.path, before).ok
    kept.book.query("DELETE FROM claim")
    assert "1 of 1 rows of claim" in examine(kept.path, before).problem


def test_an_empty_file_is_not_well(kept: Kept) -> None:
    kept.close()
    empty(kept.path)
    assert not examine(kept.path).ok


def test_a_copy_is_private_and_whole(kept: Kept) -> None:
    target = kept.path.with_name("copy.db")
    copy(kept.path, target)
    assert target.stat().st_mode & 0o777 == 0o600
    assert examine(target, thorough=True).ok
    assert vitals_of_file(target) == vitals_of_file(kept.path)
    shutil.rmtree(kept.book.root)
