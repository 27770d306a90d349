"""Which response a line belongs to when its ids do not say it alone."""

from __future__ import annotations

import msgspec
import pytest

from costd.core.usage import Context
from costd.sources.claude_code.state import Asked, Search, State, unpack
from loglines import GATEWAY_ID, uuid

SIDE = (100, 0, 0, 0)


def state() -> State:
    return unpack(b"")


def asked(number: int = 1, **fields: object) -> Asked:
    """A line of a gateway that gives every response the same id."""
    usual = {
        "speaker": "session",
        "response_id": GATEWAY_ID,
        "request_id": "",
        "uuid": uuid(number),
        "parent": "",
        "stop": False,
        "side": SIDE,
        "at": "2026-11-01T08:00:00.000Z",
    }
    return Asked(**{**usual, **fields})  # type: ignore[arg-type]  # as the names say


@pytest.mark.parametrize(
    "response_id", ["msg_01AAAAAAAAAAAAAAAAAAAAAA", "msg_bdrk_01AAAAAAAAAAAAAAAA"]
)
def test_a_providers_own_id_is_enough_everywhere(response_id: str) -> None:
    assert state().identity(asked(response_id=response_id)) == (response_id, "")


def test_a_request_id_makes_any_id_unique() -> None:
    assert state().identity(asked(request_id="req_1")) == (GATEWAY_ID, "")


def test_without_a_response_id_the_request_is_the_response() -> None:
    line = asked(response_id="", request_id="req_1")
    assert state().identity(line) == ("request:req_1", "")


def test_without_any_id_a_real_uuid_is_unique_everywhere() -> None:
    line = asked(response_id="", uuid=uuid(7))
    assert state().identity(line) == (f"line:{uuid(7)}", "")


def test_without_any_id_another_uuid_is_unique_where_it_was_said() -> None:
    line = asked(response_id="", uuid="7")
    assert state().identity(line) == ("line:7", "session")


def test_lines_of_one_run_are_one_response() -> None:
    known = state()
    first = known.identity(asked(1))
    assert known.identity(asked(2)) == first
    assert known.identity(asked(3, stop=True)) == first


def test_a_run_ends_with_its_stop() -> None:
    known = state()
    first = known.identity(asked(1, stop=True))
    assert known.identity(asked(2)) != first


def test_a_run_ends_when_the_input_changes() -> None:
    known = state()
    first = known.identity(asked(1))
    assert known.identity(asked(2, side=(101, 0, 0, 0))) != first


def test_a_child_of_a_stopped_line_goes_on_with_its_run() -> None:
    """New versions write the stop reason on every block."""
    known = state()
    first = known.identity(asked(1, stop=True))
    assert known.identity(asked(2, stop=True, parent=uuid(1))) == first
    assert known.identity(asked(3, stop=True, parent=uuid(1))) != first


def test_two_speakers_have_their_own_runs() -> None:
    known = state()
    first = known.identity(asked(1))
    assert known.identity(asked(2, speaker="session agent")) != first
    assert known.identity(asked(3)) == first


def test_a_run_is_known_again_in_a_copy_by_the_uuid_of_its_first_line() -> None:
    """A fork keeps the uuids and rewrites the session: the copy is no new spending."""
    original, fork = state(), state()
    assert original.identity(asked(1)) == fork.identity(asked(1, speaker="fork"))


def test_after_a_line_was_removed_the_next_run_does_not_take_its_place() -> None:
    """Counted by number, the new response once became part of the removed one."""
    removed = state().identity(asked(1, stop=True))
    assert state().identity(asked(2, stop=True)) != removed


def test_runs_of_lines_without_a_uuid_are_counted_where_they_are_said() -> None:
    known = state()
    scopes = [known.identity(asked(uuid="", stop=True))[1] for _ in range(3)]
    assert scopes == ["session 0", "session 1", "session 2"]


def test_it_goes_on_after_a_restart_where_it_stopped() -> None:
    known = state()
    first = known.identity(asked(1))
    known = unpack(known.pack())
    assert known.identity(asked(2)) == first


def test_it_stays_small_however_long_the_log_is() -> None:
    known = state()
    for number in range(2_000):
        known.identity(asked(number, response_id=f"resp_{number}"))
        known.remember(f"toolu_{number}", search())
    assert len(known.runs) == len(known.searches) == 256
    assert "toolu_1999" in known.searches
    assert len(known.pack()) < 100_000


def test_a_run_that_is_used_is_not_forgotten() -> None:
    known = state()
    first = known.identity(asked(1))
    for number in range(2_000):
        known.identity(asked(number, response_id=f"resp_{number}"))
        assert known.identity(asked(number)) == first


def test_nothing_remembered_is_nothing_stored() -> None:
    known = state()
    known.identity(asked(1, request_id="req_1"))
    assert known.pack() == b""


def test_the_time_of_the_last_line_survives_a_restart() -> None:
    known = state()
    known.last = "2026-11-01T08:00:00Z"
    assert unpack(known.pack()).last == "2026-11-01T08:00:00Z"


def test_searches_survive_a_restart() -> None:
    known = state()
    known.remember("toolu_1", search())
    assert unpack(known.pack()).searches == {"toolu_1": search()}


def test_a_state_of_another_shape_is_refused_and_not_guessed_at() -> None:
    with pytest.raises(msgspec.MsgspecError):
        unpack(b"\x01")


def search() -> Search:
    return Search("msg_1", "req_1", "", "claude-opus-5", 4, Context("session"))
