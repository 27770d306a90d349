"""The page over a real engine: every link leads somewhere, and names are only text."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

import places
from costd.publish.api import build_app
from costd.publish.live import Live
from costd.publish.server import Server
from costd.publish.web import exporting, routes, site
from costd.publish.web.pages import NAVIGATION, PAGES
from owned import Owned, owned
from publish.wire import PATIENCE, Reply, fetch
from worklog import BEGAN

NASTY = '"><img src=x onerror=hack()><script>hack()</script>'
SESSION = "5e55{:04d}-0000-4000-8000-000000000000"
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta"}


class Site:
    """A server whose engine has read some logs."""

    def __init__(self, sock: Path, engine: Owned) -> None:
        self.sock = sock
        self.engine = engine

    def get(self, url: str, **headers: str) -> Reply:
        return fetch(self.sock, url, headers=headers)

    def post(self, url: str, **fields: object) -> Reply:
        body = urlencode(fields, doseq=True).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return fetch(self.sock, url, method="POST", body=body, headers=kind)


@pytest.fixture(scope="module")
def web(private_home: Path) -> Iterator[Site]:
    now = int(datetime.now(UTC).timestamp() * 1000)
    with places.short_dir() as top, owned(top) as engine:
        for number in range(40):
            engine.work.respond(
                SESSION.format(number % 9),
                now - number * 5_000_000 - BEGAN,
                branch=("main", f"fix/MIN-{number % 4}", NASTY)[number % 3],
                cwd=f"/home/dev/shop{NASTY if number % 5 == 0 else ''}",
                model=NASTY if number % 7 == 0 else "claude-opus-5",
            )
        engine.sync()
        engine.ask(
            "activity",
            events=[
                {"type": NASTY, "title": f"=cmd|{NASTY}", "cost": 1, "model": NASTY}
            ],
        )
        live = Live()
        surprises: list[tuple[str, Exception]] = []
        app = build_app(
            engine.engine.ask, live, on_error=lambda *said: surprises.append(said)
        )
        server = Server(app, top / "s", on_stop=live.close)
        server.start()
        yield Site(top / "s", engine)
        assert server.stop(PATIENCE)
        assert surprises == []


@pytest.fixture(scope="module")
def response_id(web: Site) -> str:
    found = web.engine.ask("responses", session=SESSION.format(0), limit=1)
    return str(found["rows"][0]["response_id"])


@pytest.fixture(scope="module")
def addresses(response_id: str) -> list[str]:
    """Each page once, with something on it."""
    names = {"issues": "MIN-1", "sessions": SESSION.format(0), "responses": response_id}
    return [
        path.replace("{name:path}", names.get(path.split("/")[1], "")) for path in PAGES
    ]


class Read(HTMLParser):
    """The elements of a page, and what is odd about them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.odd: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.odd += [f"never closed: {tag}" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and not (given.get("src") or "").startswith("/static/"):
            self.odd.append("a script within the page")
        if tag in ("style", "iframe", "object", "embed", "base"):
            self.odd.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.odd.append(f"{name} on {tag}")
            if name in ("href", "src", "action") and value is not None:
                self.links.append(value)
            if name == "id" and value:
                self.ids.append(value)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open and self._open.pop() != tag:
                pass
        else:
            self.odd.append(f"never opened: {tag}")


def test_74_each_page_holds_nothing_that_acts(web: Site, addresses: list[str]) -> None:
    for address in addresses:
        reply = web.get(address)
        assert (address, reply.status) == (address, 200)
        page = Read(reply.body.decode())
        assert (address, page.odd) == (address, [])
        assert len(page.ids) == len(set(page.ids)), address
        for link in page.links:
            assert link.startswith(("/", "?", "#")), (address, link)
            assert not link.startswith("//")


def test_74_names_from_logs_are_only_text(web: Site) -> None:
    for address in ("/", "/costs?since=all", "/sessions?since=all", "/assign"):
        text = web.get(address).body.decode()
        assert "<img src=x" not in text
        assert "<script>" not in text
    assert "&lt;script&gt;hack()" in web.get("/costs?since=all").body.decode()


def test_each_reply_is_safe_to_open(web: Site, addresses: list[str]) -> None:
    for address in [*addresses, "/issues/NOT-1", "/costs?since=never"]:
        headers = web.get(address).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_every_link_leads_to_something(web: Site, addresses: list[str]) -> None:
    """All that can be reached in two steps."""
    seen = dict.fromkeys(addresses)
    first = list(seen)
    for address in first:
        page = Read(web.get(address).body.decode())
        seen |= dict.fromkeys(link for link in page.links if link.startswith("/"))
    kinds: dict[str, list[str]] = {}
    for link in seen:
        kinds.setdefault(re.sub(r"\d+|=[^&]*|%[0-9A-F]{2}", "#", link), []).append(link)
    for links in kinds.values():
        for link in links[:2]:
            if link not in ("/assign", "/stream"):
                assert (link, web.get(link).status) == (link, 200)


def test_the_navigation_leads_to_each_page_that_is_no_single_thing() -> None:
    listed = {path for _, _, path in NAVIGATION}
    assert listed == {p for p in PAGES if "{" not in p} - {"/assign"}
    assert set(routes.PATHS) == set(PAGES)
    assert {page.key for page in PAGES.values()} == {key for key, _, _ in NAVIGATION}


def test_filters_in_the_address_narrow_every_number(web: Site) -> None:
    report = web.engine.ask("report", filters={"branch": ["main"]}, since="30d")
    shown = f"${report['total']['cost_usd']:.2f}"
    text = web.get("/costs?branch=main").body.decode()
    assert shown in text.split('class="stats"')[1].split("</b>")[0]
    assert "main" in web.get("/sessions?branch=main").body.decode()
    empty = web.get("/costs?branch=nothing-here").body.decode()
    assert "Nothing was spent" in empty


def test_all_time_is_all_time(web: Site) -> None:
    whole = web.engine.ask("report")["total"]["cost_usd"]
    for address in ("/costs?since=all", "/?since=all", "/sessions?since=all"):
        assert f"${whole:.2f}" in web.get(address).body.decode(), address


def test_an_issue_costs_where_a_link_leads_what_it_costs_beside_it(web: Site) -> None:
    for address in ("/", "/costs?since=7d", "/costs?since=all"):
        text = web.get(address).body.decode()
        rows = re.findall(
            r'class="issue" href="([^"]+)">(MIN-\d)</a></th>.*?(\$[\d.]+)</td>',
            text,
            re.DOTALL,
        )
        assert rows
        for link, name, cost in rows:
            page = web.get(link.replace("&amp;", "&")).body.decode()
            assert name in page
            assert cost in page.split('class="stats"')[1].split("</b>")[0]


def test_a_page_says_which_filters_it_does_not_have(web: Site) -> None:
    for address in ("/costs", "/issues/MIN-1", "/live", "/sessions", "/issues"):
        text = web.get(f"{address}?branch=main").body.decode()
        assert 'class="chip"' in text, address
        assert "Not narrowed by" not in text, address
    for address in ("/performance", "/runtimes", "/health"):
        text = web.get(f"{address}?branch=main").body.decode()
        assert 'class="chip"' not in text, address
        assert "Not narrowed by branch main." in text, address
        assert "branch=main" in text.split("<nav")[1].split("</nav>")[0]
    text = web.get("/live?since=7d&until=2026-11-01").body.decode()
    assert "Not narrowed by from 7d, to 2026-11-01. This is what runs" in plain(text)


def plain(text: str) -> str:
    return re.sub(r"<[^>]+>", "", text)


def test_the_page_of_an_issue_is_what_its_sessions_are_with_these_filters(
    web: Site,
) -> None:
    for narrowed in ("project=shop", "agent=codex", "branch=fix/MIN-1", "since=1d"):
        name, value = narrowed.split("=")
        span = {"since": value} if name == "since" else {}
        only = {} if span else {name: [value]}
        issue = web.engine.ask("issue", id="MIN-1", filters=only, **span)
        filters = {**only, "issue": ["MIN-1"]}
        total = web.engine.ask("report", filters=filters, **span)["total"]
        assert issue["total"] == total
        days = sum(day["cost_usd"] or 0 for day in issue["by_day"])
        assert round(days, 9) == round(total["cost_usd"] or 0, 9)
        text = web.get(f"/issues/MIN-1?{narrowed}").body.decode()
        shown = plain(text.split('class="stats"')[1].split("</b>")[0])
        assert f"${total['cost_usd'] or 0:.2f}" in shown, (narrowed, shown)
        board = web.get(f"/issues?{narrowed}").body.decode()
        assert ("<b>MIN-1</b>" in board) == bool(total["responses"])


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("/issues/NOT-1", 404, "knows nothing of"),
        ("/issues/%3Cb%3E", 400, "cannot be"),
        ("/sessions/zzz", 404, "knows no session"),
        ("/responses/zzz", 404, "no response"),
        ("/costs?since=never", 400, "is no time"),
        ("/issues?state=odd", 400, "is no state"),
    ],
)
def test_what_cannot_be_shown_is_said(
    web: Site, address: str, status: int, says: str
) -> None:
    reply = web.get(address)
    assert reply.status == status
    assert says in reply.body.decode()
    assert Read(reply.body.decode()).odd == []


@pytest.mark.parametrize(
    "address",
    ["/?tz=Nowhere", "/costs?tz=America/New_York", "/?limit=1&x=y", "/?offset=x"],
)
def test_odd_parameters_do_no_harm(web: Site, address: str) -> None:
    assert web.get(address).status == 200


def test_a_page_comes_compressed_where_that_is_asked_for(web: Site) -> None:
    plain, packed = web.get("/costs"), web.get("/costs", **{"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.body)[:15] == plain.body[:15]
    assert len(packed.body) * 3 < len(plain.body)


def test_static_files_never_change_under_their_mark(web: Site) -> None:
    for name in ("page.css", "page.js", "htmx.min.js", "hx-sse.min.js", "icon.svg"):
        reply = web.get(site.asset(name))
        assert reply.status == 200
        assert "immutable" in reply.headers["cache-control"]
        assert web.get(f"/static/{name}").headers["cache-control"] == "no-cache"
    for name in ("nothing.css", "..%2fpages.py", "VENDORED.md", "page.css/x"):
        assert web.get(f"/static/{name}").status == 404


def test_what_is_not_ours_is_as_it_was_published(repo: Path) -> None:
    folder = repo / "daemon/costd/publish/web/static"
    said = dict(
        re.findall(r"^\| `([\w.-]+)` .*`([0-9a-f]{64})` \|$",
                   (folder / "VENDORED.md").read_text(), re.MULTILINE)
    )  # fmt: skip
    assert said.keys() == {path.name for path in folder.glob("*.min.js")}
    for name, sum_ in said.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sum_
    assert "permission to use" in (folder / "LICENSE.htmx").read_text().lower()


# Files.


def test_a_file_of_rows_is_safe_for_a_spreadsheet(web: Site) -> None:
    reply = web.get("/export/sessions?since=all&format=csv")
    assert reply.headers["content-disposition"].endswith(
        'filename="costd-sessions.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(reply.body.decode())))
    found = web.engine.ask("sessions", limit=0)
    assert [row["session_id"] for row in rows] == [
        row["session_id"] for row in found["rows"]
    ]
    assert float(rows[0]["cost_usd"]) == found["rows"][0]["cost_usd"]
    for row in rows:
        assert not re.match(r"[=+\-@]", row["branch"])


@pytest.mark.parametrize("at_once", [2, 250])
@pytest.mark.parametrize("narrowed", ["", "&branch=main", "&role=none", "&issue=MIN-1"])
def test_a_long_file_is_the_whole_answer(
    web: Site, monkeypatch: pytest.MonkeyPatch, at_once: int, narrowed: str
) -> None:
    monkeypatch.setattr(exporting, "_AT_ONCE", at_once)
    for name, path in (
        ("sessions", "/api/sessions?limit=0"),
        ("issues", "/api/report?by=issue"),
    ):
        whole = web.get(path + narrowed).json
        found = web.get(f"/export/{name}?since=all{narrowed}").json
        del whole["generated_at"], found["generated_at"]
        assert list(found)[-1] == "rows"
        assert found == whole
        text = web.get(f"/export/{name}?since=all{narrowed}&format=csv").body.decode()
        assert len(list(csv.DictReader(io.StringIO(text)))) == len(whole["rows"])


def test_files_have_the_filters_of_their_page(web: Site) -> None:
    found = web.get("/export/costs?branch=main").json
    assert found["filters"] == {"branch": ["main"]}
    issue = web.get("/export/issue?id=MIN-1").json
    assert issue["issueId"] == "MIN-1"
    assert web.get("/export/nothing").status == 404
    assert web.get("/export/issue?id=NOT-1").status == 404


# Giving work away.


def loose(web: Site) -> list[str]:
    found = re.findall(
        r'name="session" value="([^"]+)"', web.get("/assign").body.decode()
    )
    return list(dict.fromkeys(found))


def test_work_is_given_away_after_a_look_and_taken_back(web: Site) -> None:
    before = web.engine.costs()
    sessions = loose(web)[:2]
    wanted = {"session": sessions, "issue": "NEW-7", "role": "review"}
    preview = web.post("/assign", step="preview", **wanted)
    assert preview.status == 200
    assert b"This would move" in preview.body
    assert web.engine.costs() == before  # a look moves nothing
    done = web.post("/assign", step="apply", **wanted)
    assert done.status == 303
    moved = web.engine.costs()
    assert moved["NEW-7"] > 0
    page = web.get(done.headers["location"]).body.decode()
    assert "2 sessions given to" in page
    claims = re.findall(r'name="claim" value="(\d+)"', page)
    assert len(claims) == 2
    assert web.engine.ask("issue", id="NEW-7")["claims"][0]["source"] == "page"
    back = web.post("/assign", step="undo", claim=claims)
    assert "2 claims taken back" in web.get(back.headers["location"]).body.decode()
    assert web.engine.costs() == before


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"step": "preview", "issue": "NEW-1"}, "No session was chosen"),
        ({"step": "preview", "issue": "", "session": "x"}, "issue is missing"),
        ({"step": "apply", "issue": "<b>", "session": "x"}, "cannot be"),
        ({"step": "apply", "issue": "A-1", "session": "x", "role": "king"}, "role"),
        ({"step": "undo", "claim": "x"}, "No claim was named"),
        ({"step": "undo", "claim": "99999"}, "no such claim"),
        ({"step": "else"}, "no step"),
        ({}, "no step"),
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(
    web: Site, fields: dict[str, str], says: str
) -> None:
    before = web.engine.ask("claims", all=True)["count"]
    reply = web.post("/assign", **fields)
    assert reply.status == 400
    assert says in reply.body.decode()
    assert web.engine.ask("claims", all=True)["count"] == before


def test_the_markdown_on_the_page_is_that_of_the_command(web: Site) -> None:
    text = web.get(f"/issues/{quote('MIN-1', safe='')}").body.decode()
    assert "### Cost of MIN-1" in text.split("<textarea")[1].split("</textarea>")[0]
