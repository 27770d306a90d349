"""What a page was made of is not kept once it is made."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import jinja2
import pytest

from costd.publish.web import site


class Answer(dict[str, int]):
    """Something large, which one can wait for to be gone."""


@pytest.fixture
def quiet() -> object:
    """Nobody looks for rings of values that refer to each other."""
    gc.disable()
    yield None
    gc.enable()


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    "draw",
    [
        lambda found: site.render("page.html", found),
        lambda found: site.render_block("page.html", "content", found),
    ],
)
def test_a_page_lets_go_of_its_answers(
    monkeypatch: pytest.MonkeyPatch, draw: Callable[[dict[str, object]], str]
) -> None:
    made = jinja2.Environment(loader=jinja2.DictLoader(PAGES), autoescape=True)
    monkeypatch.setattr(site, "templates", lambda: made)
    answer = Answer(count=3)
    gone = weakref.ref(answer)
    assert draw({"scope": 1, "found": answer}) == "<b>3</b>"
    del answer
    assert gone() is None


PAGES = {
    "page.html": "{% block content %}{{ ui.bold() }}{% endblock %}",
    "parts.html": "{% macro bold() %}<b>{{ found.count }}</b>{% endmacro %}",
}
