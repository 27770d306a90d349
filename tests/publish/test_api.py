"""What a client asks and what it gets, over a real socket."""

from __future__ import annotations

import json
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from costd import __version__
from costd.core.errors import (
    AlreadyRunningError,
    BusyError,
    ConfigError,
    CostdError,
    LedgerBusyError,
    LedgerError,
    NotFoundError,
    UsageError,
)
from costd.publish import api, bodies
from costd.publish.questions import QUESTIONS
from publish.wire import Engine, Surprises, UnixConnection, fetch, raw, wait_until

EXAMPLES = [
    ("/api/status", "status", {}),
    ("/api/prs?limit=0", "prs", {"limit": 0}),
    (
        "/api/report?by=day&by=model,issue&since=7d&tz=Europe/Oslo",
        "report",
        {"by": ["day", "model", "issue"], "since": "7d", "tz": "Europe/Oslo"}
        | {"filters": {}},
    ),
    (
        "/api/report?model=a,b&model=c&branch=x,y&project=%2Fhome%2Fa%20b&by=",
        "report",
        {"by": []}
        | {
            "filters": {
                "model": ["a", "b", "c"],
                "project": ["/home/a b"],
                "branch": ["x,y"],
            }
        },
    ),
    (
        "/api/sessions?limit=20&issue=MIN-1",
        "sessions",
        {"limit": 20, "filters": {"issue": ["MIN-1"]}},
    ),
    ("/api/sessions/4f1c", "session", {"id": "4f1c"}),
    ("/api/prices?model=claude-opus-5", "prices", {"model": "claude-opus-5"}),
    ("/api/explain?response=msg_1", "explain", {"response": "msg_1"}),
    (
        "/api/explain?branch=feat/a%23b&cwd=/x&repo=o/n",
        "explain",
        {"branch": "feat/a#b", "cwd": "/x", "repo": "o/n"},
    ),
    ("/api/costs/summary", "costs_summary", {}),
    ("/api/costs/by-issue?since=2026-11-01", "costs_by_issue", {"since": "2026-11-01"}),
    (
        "/api/costs?by=role,issue&project=/a&project=/b",
        "costs",
        {"by": ["role", "issue"], "filters": {"project": ["/a", "/b"]}},
    ),
    (
        "/api/costs/calendar?tz=UTC&project=a",
        "calendar",
        {"tz": "UTC", "filters": {"project": ["a"]}},
    ),
    (
        "/api/board?state=quiet&search=min&offset=24&role=review",
        "board",
        {"state": "quiet", "search": "min", "offset": 24}
        | {"filters": {"role": ["review"]}},
    ),
    ("/api/places", "places", {}),
    ("/api/activities?limit=3", "activities", {"limit": 3}),
    (
        "/api/responses?session=4f&order=cost&offset=5&limit=9",
        "responses",
        {"session": "4f", "order": "cost", "offset": 5, "limit": 9},
    ),
    ("/api/issues", "issues", {"filters": {}}),
    ("/api/issues/MIN-123/costs", "issue", {"id": "MIN-123", "filters": {}}),
    (
        f"/api/issues/{quote('o/n#45', safe='')}/costs?agent=codex",
        "issue",
        {"id": "o/n#45", "filters": {"agent": ["codex"]}},
    ),
    ("/api/issues/o/n!45/costs", "issue", {"id": "o/n!45", "filters": {}}),
    (
        "/api/runtimes?since=7d&agent=codex",
        "runtimes",
        {"since": "7d", "agent": ["codex"]},
    ),
    ("/api/claims?all", "claims", {"all": True}),
    ("/api/claims?all=false&issue=A-1", "claims", {"all": False, "issue": "A-1"}),
    ("/api/suggest", "suggest", {}),
    ("/api/doctor", "doctor", {}),
    (
        "/api/runs?status=failed,unknown&task=MIN-*&limit=0&detailed",
        "runs",
        {"status": ["failed", "unknown"], "task": "MIN-*", "limit": 0}
        | {"detailed": True},
    ),
    ("/api/runtimes", "runtimes", {}),
    ("/api/performance?since=7d&tz=UTC", "performance", {"since": "7d", "tz": "UTC"}),
    ("/api/runs/summary?since=7d", "runs_summary", {"since": "7d"}),
    ("/api/runs/1a2b", "run_report", {"id": "1a2b"}),
    (
        "/api/events/report?by=agent,feature&since=7d&model=o3",
        "event_report",
        {"by": ["agent", "feature"], "since": "7d", "filters": {"model": ["o3"]}},
    ),
    (
        "/api/kpi?period=cycle&cycle_day=15&since=90d&limit=0",
        "kpi",
        {"period": "cycle", "cycle_day": 15, "since": "90d", "limit": 0},
    ),
    (
        "/api/events?type=task_end&task=MIN-1,T2&success=false&limit=5&since=7d",
        "event_query",
        {"type": ["task_end"], "task": ["MIN-1", "T2"], "success": False}
        | {"limit": 5, "since": "7d"},
    ),
]


@pytest.mark.parametrize(("url", "question", "params"), EXAMPLES)
def test_a_path_is_a_question(
    sock: Path, engine: Engine, url: str, question: str, params: dict[str, object]
) -> None:
    reply = fetch(sock, url)
    assert reply.json == {"question": question, "params": params}
    assert reply.status == 200
    assert engine.asked == [(question, params)]


@pytest.mark.parametrize(
    ("url", "question"),
    [
        ("/api/sync", "sync"),
        ("/api/reprice", "reprice"),
        ("/api/verify", "verify"),
        ("/api/backup", "backup"),
        ("/api/restore", "restore"),
        ("/api/claims", "link"),
        ("/api/unlink", "unlink"),
        ("/api/suggest", "link_suggested"),
        ("/api/hook", "hook"),
        ("/api/runs", "run"),
        ("/api/runs/clean", "clean_runs"),
        ("/api/config/reload", "reload"),
    ],
)
def test_a_body_is_the_parameters(sock: Path, url: str, question: str) -> None:
    full = fetch(sock, url, method="POST", body=b'{"dry_run": true, "issue": "A-1"}')
    assert full.json["question"] == question
    assert full.json["params"] == {"dry_run": True, "issue": "A-1"}
    assert fetch(sock, url, method="POST").json["params"] == {}


@pytest.mark.parametrize("question", ["events", "activity"])
def test_a_body_of_events_is_one_or_an_array(sock: Path, question: str) -> None:
    url = f"/api/{question}"
    for body in (b'{"type": "activity"}', b'[{"a": 1}, 2]', b"[]"):
        params = fetch(sock, url, method="POST", body=body).json["params"]
        assert params == {"events": json.loads(body)}
    assert fetch(sock, url, method="POST", body=b"7").status == 400


def test_every_question_is_tried_here() -> None:
    posts = {"sync", "reprice", "verify", "link", "unlink", "hook", "reload"}
    posts |= {"link_suggested", "events", "activity", "run", "clean_runs"}
    posts |= {"backup", "restore", "import_keys", "forget_keys", "keys"}
    posts |= {"import_prs", "forget_prs"}
    assert {q.name for q in QUESTIONS} == posts | {name for _, name, _ in EXAMPLES}


@pytest.mark.parametrize("url", ["/api/status", "/api/nothing", "/api/report?x=1"])
def test_each_reply_names_the_version_and_is_safe_to_show(sock: Path, url: str) -> None:
    headers = fetch(sock, url).headers
    assert headers["costd-version"] == __version__
    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


def test_a_client_of_another_version_can_tell(sock: Path, engine: Engine) -> None:
    reply = fetch(sock, "/api/version").json
    assert reply == {"schema_version": 1, "version": __version__, "protocol": 1}
    assert engine.asked == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UsageError("m", "f"), 400, 2),
        (ConfigError("m", "f"), 400, 2),
        (NotFoundError("m", "f"), 404, 1),
        (AlreadyRunningError("m", "f"), 409, 75),
        (CostdError("m", "f"), 422, 1),
        (LedgerError("m", "f"), 500, 1),
        (LedgerBusyError("m", "f"), 503, 1),
        (BusyError("m", "f"), 503, 1),
    ],
)
def test_a_failure_says_what_and_what_to_do(
    sock: Path, engine: Engine, error: CostdError, status: int, code: int
) -> None:
    engine.answers["status"] = error
    reply = fetch(sock, "/api/status")
    assert (reply.status, reply.json) == (
        status,
        {"error": "m", "fix": "f", "code": code},
    )


def test_a_surprise_shows_its_class_and_nothing_of_its_text(
    sock: Path, engine: Engine, surprises: Surprises
) -> None:
    engine.answers["report"] = ValueError("text of a transcript")
    reply = fetch(sock, "/api/report")
    assert reply.status == 500
    assert reply.json["error"] == "internal error: ValueError"
    assert b"transcript" not in reply.body
    place, error = surprises.pop()
    assert (place, type(error)) == ("/api/report", ValueError)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("/api/report?until=a&until=b", "'until'"),
        ("/api/report?bye=day", "'bye'"),
        ("/api/status?x=1", "'x'"),
        ("/api/sessions?limit=-1", "'limit'"),
        ("/api/sessions?limit=99999999999999999999", "'limit'"),
        ("/api/sessions?limit=%D9%A1", "'limit'"),
        ("/api/claims?all=perhaps", "'all'"),
    ],
)
def test_a_wrong_parameter_is_named(
    sock: Path, engine: Engine, url: str, says: str
) -> None:
    reply = fetch(sock, url)
    assert reply.status == 400
    assert says in reply.json["error"]
    assert reply.json["fix"]
    assert reply.json["code"] == 2
    assert engine.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"issue": "secret text"',
        b"[1]",
        b"null",
        b"\xff\xfe",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"a": "\\ud800"}',
    ],
)
def test_a_body_that_is_no_object_is_refused(
    sock: Path, engine: Engine, body: bytes
) -> None:
    reply = fetch(sock, "/api/claims", method="POST", body=body)
    assert reply.status == 400
    assert reply.json["code"] == 2
    assert b"secret" not in reply.body
    assert engine.asked == []


def test_a_large_body_is_refused_and_the_reason_arrives(
    sock: Path, engine: Engine
) -> None:
    body = b'{"a": "' + b"x" * 2_000_000 + b'"}'
    reply = fetch(sock, "/api/claims", method="POST", body=body)
    assert reply.status == 413
    assert "too large" in reply.json["error"]
    assert reply.headers["connection"] == "close"
    assert engine.asked == []
    fits = b'{"a": "' + b"x" * (1024 * 1024 - 9) + b'"}'
    assert fetch(sock, "/api/claims", method="POST", body=fits).status == 200


def test_a_body_without_end_is_cut_off(sock: Path) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with closing(raw(sock)) as connection:
        head = (
            b"POST /api/sync HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        connection.sendall(head)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.sendall(chunk * 32)


def test_a_body_that_does_not_come_is_not_waited_for(
    sock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    with closing(raw(sock)) as connection:
        connection.sendall(
            b"POST /api/sync HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{"
        )
        received = b""
        while data := connection.recv(65536):
            received += data
    assert b" 408 " in received
    assert b"did not come in time" in received


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/api/none", 404),
        ("POST", "/api/status", 405),
        ("GET", "/api/sync", 405),
    ],
)
def test_errors_of_http_are_json_too(
    sock: Path, method: str, url: str, status: int
) -> None:
    reply = fetch(sock, url, method=method)
    assert reply.status == status
    assert reply.json["fix"]
    assert reply.json["code"] == 2


def test_an_engine_that_does_not_answer_is_not_waited_for_for_ever(
    sock: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "HEALTH_SECONDS", 0.05)
    engine.answers["status"] = ...
    reply = fetch(sock, "/healthz")
    assert reply.status == 503
    assert "no answer" in reply.json["error"]
    # The engine may finish what it began: its future was never cancelled.
    wait_until(lambda: engine.open)
    engine.open[0].set_result({})


def test_a_question_that_the_engine_dropped_is_worth_asking_again(
    sock: Path, engine: Engine
) -> None:
    dropped: Future[object] = Future()
    engine.answers["status"] = ...
    with closing(UnixConnection(sock)) as connection:
        connection.request("GET", "/api/status")
        wait_until(lambda: engine.open)
        dropped = engine.open[0]
        assert dropped.cancel()
        assert connection.getresponse().status == 503


def test_health_is_that_the_numbers_can_be_trusted(sock: Path, engine: Engine) -> None:
    well = {"code": "a", "severity": "warning"}
    engine.answers["status"] = {"health": [well, {**well, "code": "b"}]}
    reply = fetch(sock, "/healthz")
    said = {"ok": True, "problems": 2, "errors": [], "warnings": ["a", "b"]}
    assert (reply.status, reply.json) == (200, said)
    engine.answers["status"] = {"health": [{"code": "c", "severity": "error"}, well]}
    reply = fetch(sock, "/healthz")
    said = {"ok": False, "problems": 2, "errors": ["c"], "warnings": ["a"]}
    assert (reply.status, reply.json) == (503, said)
    engine.answers["status"] = LedgerBusyError("disk full", "free some space")
    assert fetch(sock, "/healthz").status == 503


def test_metrics_are_text_for_prometheus(sock: Path, engine: Engine) -> None:
    engine.answers["status"] = {"totals": {"today": {"cost_usd": 1.25}}}
    reply = fetch(sock, "/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b'costd_cost_usd{window="today"} 1.25\n' in reply.body


def test_a_kept_connection_serves_request_after_request(sock: Path) -> None:
    with closing(UnixConnection(sock)) as connection:
        for _ in range(3):
            connection.request("GET", "/api/version")
            assert connection.getresponse().read()
