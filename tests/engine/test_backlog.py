"""Which logs wait to be read, and what a sweep means for those that are known."""

from __future__ import annotations

import pytest

from costd.core.checkpoint import Checkpoint
from costd.engine.backlog import Backlog
from costd.ingest.sweep import Seen, Sweep


def seen(ino: int, size: int = 10, at: int = 1) -> Seen:
    return Seen(1, ino, size, at, at)


def sweep(unlisted: tuple[str, ...] = (), **files: Seen) -> Sweep:
    """What a look found; ``a=…`` is the log ``/r/a``."""
    return Sweep(
        files={f"/r/{name}": state for name, state in files.items()},
        roots=("/r",),
        directories=1,
        linked_directories=0,
        problems=(),
        unlisted=unlisted,
    )


def point(path: str, state: Seen) -> Checkpoint:
    return Checkpoint(
        path.encode(),
        "claude",
        device=state.dev,
        inode=state.ino,
        size=state.size,
        modified_ns=state.mtime_ns,
        changed_ns=state.ctime_ns,
    )


def yes(_old: str, _new: str) -> bool:
    return True


def no(_old: str, _new: str) -> bool:
    return False


def known(**files: Seen) -> Backlog:
    """A backlog that has read these logs to their ends."""
    backlog = Backlog()
    for name, state in files.items():
        backlog.note(f"/r/{name}", point(f"/r/{name}", state))
    return backlog


def drain(backlog: Backlog) -> list[str]:
    return [backlog.take_first() for _ in range(len(backlog))]


def test_new_logs_wait_the_largest_first() -> None:
    backlog = Backlog()
    backlog.sweep(sweep(a=seen(1, 5), b=seen(2, 50), c=seen(3, 20)), no)
    assert drain(backlog) == ["/r/b", "/r/c", "/r/a"]


def test_the_engine_takes_the_smallest_from_the_other_end() -> None:
    backlog = Backlog()
    backlog.sweep(sweep(a=seen(1, 5), b=seen(2, 50), c=seen(3, 20)), no)
    assert backlog.take_last() == "/r/a"


def test_what_has_not_changed_does_not_wait() -> None:
    backlog = known(a=seen(1), b=seen(2))
    backlog.sweep(sweep(a=seen(1), b=seen(2, size=11)), no)
    assert drain(backlog) == ["/r/b"]


def test_a_log_waits_once() -> None:
    backlog = Backlog()
    backlog.sweep(sweep(a=seen(1)), no)
    backlog.add("/r/a")
    assert drain(backlog) == ["/r/a"]


def test_after_a_restart_only_what_changed_waits() -> None:
    backlog = Backlog()
    backlog.restore(
        [("/r/a", point("/r/a", seen(1))), ("/r/b", point("/r/b", seen(2)))]
    )
    backlog.sweep(sweep(a=seen(1), b=seen(2, at=9)), no)
    assert drain(backlog) == ["/r/b"]


def test_a_log_that_is_gone_is_told_once() -> None:
    backlog = known(a=seen(1))
    assert backlog.sweep(sweep(), no).vanished == ["/r/a"]
    assert backlog.sweep(sweep(), no).vanished == []


def test_two_names_of_one_file_are_gone_both() -> None:
    backlog = known(a=seen(1), b=seen(1))
    assert sorted(backlog.sweep(sweep(), no).vanished) == ["/r/a", "/r/b"]
    assert backlog.sweep(sweep(), no).vanished == []


def test_what_lies_under_an_unreadable_directory_is_not_gone() -> None:
    backlog = known(a=seen(1))
    assert backlog.sweep(sweep(unlisted=("/r",)), no).vanished == []


def test_a_log_that_goes_on_under_another_name_has_moved() -> None:
    backlog = known(a=seen(1))
    found = backlog.sweep(sweep(b=seen(1)), yes)
    assert found == ([("/r/a", "/r/b")], [])
    assert drain(backlog) == ["/r/b"]


def test_a_log_that_moved_and_did_not_grow_is_known() -> None:
    backlog = known(a=seen(1))
    backlog.sweep(sweep(b=seen(1)), yes)
    drain(backlog)
    backlog.sweep(sweep(b=seen(1)), yes)
    assert drain(backlog) == []


def test_an_inode_that_is_used_again_is_no_move() -> None:
    """It once gave the new log the name, the age and the marks of the old one."""
    backlog = known(a=seen(1))
    found = backlog.sweep(sweep(b=seen(1, size=7)), no)
    assert found == ([], ["/r/a"])
    assert drain(backlog) == ["/r/b"]
    assert backlog.sweep(sweep(b=seen(1, size=7)), no).vanished == []


def test_a_log_that_takes_the_name_of_another_has_not_moved() -> None:
    backlog = known(a=seen(1), b=seen(2))
    assert backlog.sweep(sweep(b=seen(1)), yes) == ([], ["/r/a"])
    assert drain(backlog) == ["/r/b"]


def test_one_log_goes_on_in_one_other_only() -> None:
    backlog = known(a=seen(1))
    found = backlog.sweep(sweep(b=seen(1), c=seen(1)), yes)
    assert len(found.moved) == 1
    assert found.vanished == []
    assert sorted(drain(backlog)) == ["/r/b", "/r/c"]


@pytest.fixture
def lent() -> Backlog:
    """One of two logs is being read elsewhere."""
    backlog = Backlog()
    backlog.sweep(sweep(a=seen(1, 5), b=seen(2, 4)), no)
    backlog.lend(backlog.take_first())
    return backlog


def test_a_log_that_is_read_elsewhere_is_not_handed_out_again(lent: Backlog) -> None:
    lent.add("/r/a")
    assert drain(lent) == ["/r/b"]
    assert lent.lent == 1


def test_what_grew_meanwhile_waits_when_it_comes_back(lent: Backlog) -> None:
    drain(lent)
    lent.add("/r/a")
    lent.give_back("/r/a")
    assert drain(lent) == ["/r/a"]
    assert lent.lent == 0


def test_what_did_not_grow_is_done_when_it_comes_back(lent: Backlog) -> None:
    drain(lent)
    lent.give_back("/r/a")
    assert (len(lent), lent.lent) == (0, 0)


def test_when_the_other_reader_dies_all_it_had_waits_again(lent: Backlog) -> None:
    drain(lent)
    lent.give_all_back()
    assert drain(lent) == ["/r/a"]
    assert lent.lent == 0


def test_what_is_given_up_is_found_by_the_next_sweep(lent: Backlog) -> None:
    lent.clear()
    assert (len(lent), lent.lent) == (0, 0)
    lent.sweep(sweep(a=seen(1, 5), b=seen(2, 4)), no)
    assert drain(lent) == ["/r/a", "/r/b"]


def test_what_two_looks_found_the_same_is_in_memory_once() -> None:
    backlog = known(a=seen(1), b=seen(2))
    look = sweep(a=seen(1), b=seen(2, size=20))
    backlog.sweep(look, no)
    assert backlog.seen["/r/a"] is look.files["/r/a"]
    assert backlog.seen["/r/b"] == seen(2), "it is not read yet"
    assert backlog.take_first() == "/r/b"
