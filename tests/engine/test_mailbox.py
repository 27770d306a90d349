from __future__ import annotations

from costd.core.errors import StoppingError
from costd.engine.mailbox import Mailbox
from costd.engine.messages import Dirty, Message, Question, Tick
from costd.engine.standing import Standing


class Box(Mailbox):
    """With its reader's side in the open."""

    def __init__(self) -> None:
        super().__init__(Standing(lambda: 0))

    def pause(self, *quick: str) -> list[str]:
        """What is answered in a pause in which only these are."""
        asked: list[str] = []
        self._set_aside(lambda q: q.name in quick, lambda q: asked.append(q.name))
        return asked

    def rest(self) -> list[Message]:
        """All that is left, in its order."""
        found = []
        while (message := self._take_left()) is not None:
            found.append(message)
        return found


def test_in_a_pause_only_quick_questions_are_answered_and_nothing_is_lost() -> None:
    box = Box()
    box.hint("/a")
    status = box.ask("status", {})
    sync = box.ask("sync", {})
    assert box.pause("status") == ["status"]
    box.tick()
    assert box.pause("status") == []
    match box.rest():
        case [Dirty("/a"), Question("sync", _, answer), Tick()]:
            assert answer is sync
        case other:
            raise AssertionError(other)
    assert not status.done()  # by whoever answers, which is not the box


def test_what_is_put_aside_is_refused_at_the_end_like_all_else() -> None:
    box = Box()
    sync = box.ask("sync", {})
    box.pause()
    box._ended = True
    late = box.ask("status", {})
    for answer in (sync, late):
        assert isinstance(answer.exception(timeout=0), StoppingError)
