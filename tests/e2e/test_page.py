"""The page in a real browser, in front of a real daemon.

Skipped where there is no Chromium. With COSTD_AXE naming the file axe.min.js of
axe-core, each page is also held against the rules of accessibility; with COSTD_PICTURES
naming a directory, a picture of each is left there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import places
from browser import CHROMIUM, Browser, Page, browser, until
from e2e.daemons import Env, RealDaemon, environment, free_port
from worklog import BEGAN, Worklog

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
    pytest.mark.xdist_group("browser"),
]

NASTY = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
SESSION = "b0b5{:04d}-0000-4000-8000-000000000000"
PAGES = (
    "/ /live /issues /issues/MIN-1 /costs /performance /runtimes /sessions "
    f"/sessions/{SESSION.format(0)} /health /assign"
).split()
BYTES = 100_000
# Now: no test finds a variable of costd's in its environment.
AXE, PICTURES = (os.environ.get(f"COSTD_{name}") for name in ("AXE", "PICTURES"))
REQUESTS = 8


class House:
    """A daemon with the page, the logs that it reads, a browser that was let in."""

    def __init__(self, env: Env, work: Worklog, port: int, chromium: Browser) -> None:
        self.env = env
        self.work = work
        self.port = port
        self.chromium = chromium
        self.page = chromium.page()

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def ticket(self) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "costd", "open", "--print"],
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.strip()

    def write(self, session: int, branch: str, model: str = "claude-opus-5") -> None:
        """A line, as an agent writes it now."""
        now = int(datetime.now(UTC).timestamp() * 1000)
        self.work.respond(
            SESSION.format(session), now - BEGAN, branch=branch, model=model
        )


@pytest.fixture(scope="module")
def house(private_home: Path) -> Iterator[House]:
    with places.short_dir() as top:
        env, port = environment(top), free_port()
        config = top / "config.toml"
        config.write_text(
            f'timezone = "UTC"\n[http]\nenabled = true\nport = {port}\n'
            "badge_usd = [0.000001, 900, 1000]\n"
            '[attribution]\nissue_keys = ["MIN"]\n'
        )
        config.chmod(0o600)
        env["COSTD_CONFIG"] = str(config)
        work = Worklog(top / "claude" / "projects")
        now = int(datetime.now(UTC).timestamp() * 1000)
        for number in range(60):
            work.respond(
                SESSION.format(number % 12),
                now - number * 9_000_000 - BEGAN,
                branch=("fix/MIN-1", "main", NASTY)[number % 3],
                cwd=f"/home/dev/shop{NASTY if number % 4 == 0 else ''}",
                model=NASTY if number % 5 == 0 else "claude-opus-5",
            )
        daemon = RealDaemon(env)
        daemon.start()
        try:
            with browser(top / "chromium") as chromium:
                found = House(env, work, port, chromium)
                found.page.look()
                assert found.page.go(found.ticket()) == 200
                yield found
        finally:
            daemon.kill()


@pytest.fixture
def page(house: House) -> Page:
    """The tab that was let in, as it was at first."""
    house.page.script(on=True)
    house.page.look()
    return house.page


def test_a_ticket_lets_one_browser_in_once(house: House, page: Page) -> None:
    url = house.ticket()
    assert page.go(url) == 200
    assert page.run("location.pathname + location.search") == "/"
    assert "Overview" in page.text("h1")
    assert page.run("document.cookie") == ""  # no script can read it
    assert page.go(url) == 401
    assert "costd open" in page.text()
    assert page.go(house.at("/")) == 200


@pytest.mark.parametrize("path", PAGES)
def test_a_page_in_light_dark_and_on_a_phone(
    house: House, page: Page, path: str
) -> None:
    for name, dark, width in (
        ("light", False, 1280), ("dark", True, 1280), ("phone", False, 390),
    ):  # fmt: skip
        page.look(dark=dark, width=width)
        assert page.go(house.at(path)) == 200
        until(lambda: page.run("document.readyState") == "complete", "the page")
        wide = page.run("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is wider than the window, {name}"
        assert problems(page) == []
        assert page.run("window.hacked") is None
        foreign = [
            event["request"]["url"]
            for event in page.events("Network.requestWillBeSent")
            if not event["request"]["url"].startswith((house.at("/"), "data:"))
        ]
        assert foreign == []
        picture(page, path, name)
        assert violations(page) == []


def problems(page: Page) -> list[str]:
    """What the console says: errors of scripts, what the policy has stopped."""
    said = [event["entry"]["text"] for event in page.events("Log.entryAdded")]
    thrown = page.events("Runtime.exceptionThrown")
    return said + [event["exceptionDetails"]["text"] for event in thrown]


def picture(page: Page, path: str, name: str) -> None:
    if PICTURES:
        label = path.strip("/").replace("/", "-") or "overview"
        page.picture(Path(PICTURES) / f"{label}-{name}.png")


def violations(page: Page) -> list[str]:
    """The rules of accessibility that a page breaks; none are known without axe."""
    if not AXE:
        return []
    page.run(Path(AXE).read_text() + ";0")
    found = page.run("axe.run(document).then(r => r.violations.map(v => v.id))")
    return list(found)


@pytest.mark.skipif(not AXE, reason="COSTD_AXE names no axe-core")
def test_a_page_that_breaks_a_rule_is_found(house: House, page: Page) -> None:
    page.go(house.at("/"))
    page.run("document.documentElement.removeAttribute('lang')")
    assert violations(page) == ["html-has-lang"]


def test_74_names_from_logs_are_shown_as_they_are(house: House, page: Page) -> None:
    page.go(house.at("/costs?since=all"))
    assert "<script>window.hacked=1</script>" in page.text()
    assert page.run("document.querySelectorAll('img, main script').length") == 0


def test_badges_have_the_limits_of_the_configuration(house: House, page: Page) -> None:
    page.go(house.at("/issues"))
    classes = page.run("[...document.querySelectorAll('.badge')].map(b => b.className)")
    assert classes
    assert set(classes) == {"badge yellow"}


def test_a_written_line_is_on_the_page_by_itself(house: House, page: Page) -> None:
    page.go(house.at("/live"))
    page.run("window.untouched = true")
    house.write(77, "fix/MIN-77")
    until(lambda: "MIN-77" in page.text("#content"), "the card of a new agent")
    house.write(77, "fix/MIN-77")
    until(lambda: "2.0k" in page.text("#content"), "the tokens of its second line")
    assert page.run("window.untouched") is True  # it was not loaded again
    assert "running" in page.text("#pulse")
    assert problems(page) == []


def test_without_scripts_it_is_all_there(house: House, page: Page) -> None:
    page.script(on=False)
    assert page.go(house.at("/")) == 200
    for path, word in (("/costs", "By model"), ("/sessions", "Cost by day")):
        page.click(f"nav a[href^='{path}']")
        page.settle()
        assert word in page.text()
    page.click(".presets a[href*='since=7d']")
    page.settle()
    assert "last 7 days" in page.text()


def test_work_is_given_to_an_issue_and_taken_back(house: House, page: Page) -> None:
    page.script(on=False)  # forms alone
    page.go(house.at("/assign"))
    page.run("document.querySelector('input[name=session]').checked = true")
    page.run("document.querySelector('input[name=issue]').value = 'GIVEN-1'")
    page.click("form button.primary")
    page.settle()
    assert "This would move" in page.text()
    page.click(".notice button.primary")
    page.settle()
    assert "1 session given to GIVEN-1" in page.text()
    assert page.go(house.at("/issues/GIVEN-1")) == 200
    page.click("form.inline button")
    page.settle()
    assert "1 claim taken back" in page.text()


def test_keys_lead_to_pages(house: House, page: Page) -> None:
    page.go(house.at("/"))
    page.press("g")
    page.forget()
    page.press("c")
    page.settle()
    assert page.run("location.pathname") == "/costs"
    page.press("?")
    until(lambda: page.run("document.getElementById('keys').open"), "the list of keys")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_keeps_its_budget(house: House, page: Page, path: str) -> None:
    page.tell("Network.clearBrowserCache")
    page.go(house.at(path))
    until(lambda: page.run("document.readyState") == "complete", "the page")
    ends = page.events("Network.loadingFinished")
    assert sum(event["encodedDataLength"] for event in ends) < BYTES
    assert len(page.events("Network.requestWillBeSent")) <= REQUESTS


def test_a_stranger_is_not_let_in(house: House) -> None:
    with places.short_dir() as folder, browser(folder / "other") as other:
        tab = other.page()
        assert tab.go(house.at("/costs")) == 401
        assert "costd open" in tab.text()
