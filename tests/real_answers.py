"""Real answers of a real engine over a small tree, for tests of what is written of them.

The tree has at least one of each thing that an answer can speak of: a live session, a
subagent, a copy, a search, a part that is billed beside its response, a response that
was never finished, one without a price, a line that is damaged.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson

from costd.config import load_config
from costd.core.errors import BusyError
from costd.core.instants import format_instant
from costd.engine.loop import Engine
from costd.publish.encode import dump
from costd.runs import MetricsCollector
from costd.service.host import compose, now
from goldens import CORPUS
from told import events_of

PATIENCE = 60.0
LIVE = "11fe0000-0000-4000-8000-000000000001"
GUESSED = "11fe0000-0000-4000-8000-000000000002"
CASES = (
    "advisors-are-priced-at-their-own-models",
    "a-cost-state-is-shown-and-never-added",
    "a-cut-record-alone-is-one-skipped-line",
    "a-parent-its-fork-and-a-replay-are-one-response",
    "a-response-that-was-never-finalised-is-a-lower-bound",
    "searches-of-a-side-call-are-added",
    "unknown-models-are-unpriced-not-free",
)
ADVISED, COPIED = (f"msg_0{n}AAAAAAAAAAAAAAAAAAAAAA" for n in (0, 3))
DIMENSIONS = ("issue", "session", "model", "agent", "project", "branch", "role", "pr")


class Asked:
    """An engine that runs over the tree, and the files that it last published."""

    def __init__(self, engine: Engine, published: Mapping[str, Any]) -> None:
        self._engine = engine
        self.published = published

    def ask(self, question: str, **params: object) -> Any:
        """The answer as a client would read it."""
        answer = self._engine.ask(question, params).result(PATIENCE)
        return json.loads(json.dumps(answer))

    def wait(self) -> None:
        """Until it has a ledger: one that stops without has nothing more to publish."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.ask("sync")
            except BusyError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return


def every_answer(top: Path) -> dict[str, list[Any]]:
    """Each answer and each summary file, in as many forms as it has."""
    write_tree(top / "logs")
    with running(top) as asked:
        asked.ask("sync")
        spoil_the_ledger(top / "state" / "ledger.db")
        sessions = asked.ask("sessions")
        found = {
            "status": [asked.ask("status")],
            "report": [
                asked.ask(
                    "report", by=[kind, *DIMENSIONS], filters={"agent": ["claude"]}
                )
                for kind in ("hour", "day", "week", "month")
            ],
            "sessions": [sessions],
            "session": [
                asked.ask("session", id=row["session_id"]) for row in sessions["rows"]
            ],
            "prices": [asked.ask("prices")],
            "reprice": [asked.ask("reprice", dry_run=True)],
            "explain --response": [
                asked.ask("explain", response=name) for name in (ADVISED, COPIED)
            ],
            "explain --branch": [
                asked.ask("explain", branch=branch, cwd="/w/app")
                for branch in ("fix/MIN-123", "main", "fix/min-123")
            ],
            "explain --session": [asked.ask("explain", session=LIVE)],
            **spending_of(asked),
            **issues_of(asked),
            **claims_of(asked),
            **known_of(asked),
            **events_of(asked),
            **runs_of(asked),
            "runtimes": [asked.ask("runtimes"), asked.ask("runtimes", since="30d")],
            "performance": [
                asked.ask("performance"),
                asked.ask("performance", tz="UTC"),
            ],
            "sync": [asked.ask("sync")],
            **{name: [asked.ask(name)] for name in ("verify", "doctor")},
            "costs-summary.json": [asked.ask("costs_summary")],
            **keeping_of(asked, top / "state"),
        }
    for name, document in asked.published.items():
        title = "issues/ID.json" if name.startswith("issues/") else name
        found.setdefault(title, []).append(json.loads(json.dumps(document)))
    text = (top / "out" / "session-map.json").read_bytes()
    return {**found, "session-map.json": [json.loads(text)]}


def keeping_of(asked: Asked, state: Path) -> dict[str, list[Any]]:
    """A copy, which is put back."""
    copied = asked.ask("backup")
    Path(copied["path"]).rename(state / "restoring.db")
    restored = asked.ask("restore")
    asked.wait()  # the answer comes before the ledger is there again
    return {"backup": [copied], "restore": [restored]}


def spending_of(asked: Asked) -> dict[str, list[Any]]:
    """What the page is made of."""
    where = {"filters": {"agent": ["claude"]}, "since": "2020-01-01"}
    parts = ["project", "branch", "role", "issue", "agent", "session"]
    return {
        "/api/costs": [asked.ask("costs"), asked.ask("costs", by=parts, **where)],
        "/api/costs/calendar": [asked.ask("calendar", filters={"agent": ["claude"]})],
        "/api/board": [asked.ask("board", **where), asked.ask("board", search="min")],
        "/api/places": [asked.ask("places")],
        "/api/responses": [
            asked.ask("responses", session=row["session_id"], order="cost")
            for row in asked.ask("sessions")["rows"]
        ],
    }


def issues_of(asked: Asked) -> dict[str, list[Any]]:
    """Issues and what could become of the rest."""
    listed = asked.ask("issues", filters={"agent": ["claude"]})
    return {
        "issues": [listed],
        "issue": [
            asked.ask("issue", id=name, filters={"agent": ["claude"]})
            for name in (
                *(row["issue"] for row in listed["rows"]),
                *(row["bucket"] for row in listed["buckets"]),
            )
        ],
        "suggest": [asked.ask("suggest")],
        "link_suggested": [asked.ask("link_suggested")],
        "costs-by-issue.json": [asked.ask("costs_by_issue")],
    }


def known_of(asked: Asked) -> dict[str, list[Any]]:
    """Keys and pull requests that are imported, shown and forgotten."""
    supposed = asked.ask("import_keys", keys=["ZZZ"], source="x.csv", dry_run=True)
    made = asked.ask("import_keys", keys=["MIN", "ZZZ"], source="x.csv")
    return {
        "keys": [asked.ask("keys")],
        "import_keys": [supposed, made],
        "forget_keys": [asked.ask("forget_keys", keys=["ZZZ"])],
        **prs_of(asked),
    }


def prs_of(asked: Asked) -> dict[str, list[Any]]:
    """Pull requests that are imported, shown and forgotten."""
    pull = {"repository": "o/r", "number": 7, "branch": "x", "closes": ["o/r#5"]}
    supposed = asked.ask("import_prs", prs=[pull], source="x.json", dry_run=True)
    made = asked.ask("import_prs", prs=[pull], source="x.json")
    return {
        "prs": [asked.ask("prs")],
        "import_prs": [supposed, made],
        "forget_prs": [asked.ask("forget_prs", prs=["o/r"])],
    }


def claims_of(asked: Asked) -> dict[str, list[Any]]:
    """Claims that are made, shown and taken back."""
    about = {"session": LIVE, "within": "/w", "role": "review", "note": "by hand"}
    times = {"from": "2026-01-01", "until": "2100-01-01"}
    supposed = asked.ask("link", issue="MIN-9", dry_run=True, **about, **times)
    made = asked.ask("link", issue="MIN-9", who="somebody", **about, **times)
    asked.ask("link", branch="nobody/*", issue="none:overhead")
    listed = asked.ask("claims", all=True)
    would = asked.ask("unlink", session=LIVE, dry_run=True)
    gone = asked.ask("unlink", id=made["claim"]["id"])
    return {
        "link": [supposed, made],
        "claims": [listed, asked.ask("claims", all=True)],
        "unlink": [would, gone],
    }


def runs_of(asked: Asked) -> dict[str, list[Any]]:
    """A run with everything in it, one of a live session, one of which little is known."""
    full = MetricsCollector(
        issue="MIN-123",
        task="docs/task.md",
        role="review",
        capability="feature",
        agent="claude",
        provider="anthropic",
        model="claude-opus-5",
        max_iterations=5,
        environ={"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "1", "GITHUB_SHA": "a"},
    )
    with full.phase("agent"), full.phase("tests"):
        full.record_validation("pytest", passed=True, phase="tests", iteration=1)
    full.record_token_usage(1, 10, 20, cache_read=30, model="claude-opus-5")
    full.record_iteration(1)
    full.record_scope("strict")
    full.record_scope_violation(["secret.env"])
    full.record_file_change("a.py", "modified")
    full.record_error("it did not work at first")
    full.record_outcome("blocked", "a key is missing")
    live = MetricsCollector(issue="MIN-123", sessions=[LIVE]).to_report()
    live["run"] |= {"source": "exec", "command": "claude", "pid": 1, "project": "app"}
    live["run"] |= {"branch": "main", "commit": "c0", "commit_before": "c0"}
    live["timing"]["started_at"] = format_instant(now() - 60_000)
    live["timing"]["completed_at"] = format_instant(now() + 60_000)
    live["outcome"] |= {"status": "completed", "exit_code": 0}
    bare = MetricsCollector().to_report()
    told = [full.to_report(), live, bare]
    kept = [asked.ask("run", report=report) for report in told]
    again = asked.ask("run", report=live)
    return {
        "run": [*kept, again],
        "runs": [asked.ask("runs"), asked.ask("runs", detailed=True)],
        "run_report": [asked.ask("run_report", id=each["run_id"]) for each in kept],
        "runs_summary": [
            asked.ask("runs_summary"),
            asked.ask("runs_summary", task="X"),
        ],
        "clean_runs": [
            asked.ask("clean_runs", before="2026-01-01"),
            asked.ask("clean_runs", before="2026-01-01", confirm=True),
        ],
    }


def spoil_the_ledger(path: Path) -> None:
    """Make one cost wrong, so that there is something to verify and to reprice."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE response SET cost = cost + 1 WHERE id = 1")
        # The sums with it: what does not add up is damage, and would be mended.
        connection.execute(
            "UPDATE cell SET cost = cost + 1 WHERE (bucket, context_id, service_id) = "
            "(SELECT at / 900000, context_id, service_id FROM response WHERE id = 1)"
        )


@contextmanager
def running(top: Path) -> Iterator[Asked]:
    """The engine, put together as the daemon does it, without a watch and a beat."""
    config_file = top / "config.toml"
    config_file.write_text(
        f'timezone = "Europe/Oslo"\n[paths]\nstate_dir = "{top}/state"\n'
        f'runtime_dir = "{top}/run"\noutput_dir = "{top}/out"\n'
        f'[sources.claude]\nroots = ["{top}/logs"]\n[engine]\nlive_minutes = 1440\n'
    )
    config_file.chmod(0o600)
    config = load_config(config_file, {}, top)
    config.paths.ensure()
    published: dict[str, Any] = {}

    def publish(documents: Mapping[str, Any]) -> Mapping[str, str]:
        published.update({name: orjson.loads(dump(d)) for name, d in documents.items()})
        return {}

    engine = compose(config, config.paths, publish)
    thread = threading.Thread(target=engine.run, name="costd-engine")
    thread.start()
    try:
        yield Asked(engine, published)
    finally:
        engine.stop()
        thread.join(PATIENCE)


def write_tree(root: Path) -> None:
    """Golden cases, each as sessions of its own, and a session of this very minute."""
    for number, case in enumerate(CASES):
        source = CORPUS / "claude" / case / "projects"
        for log in source.rglob("*.jsonl"):
            # Cases share their ids, which would make their responses the same ones.
            name = str(log.relative_to(source))
            target = root / name.replace("5e551000", f"5e55100{number}")
            target.parent.mkdir(parents=True, exist_ok=True)
            text = log.read_bytes().replace(b"5e551000", b"5e55100%d" % number)
            target.write_bytes(text.replace(b"msg_01", b"msg_0%d" % number))
    write_work(root / "-w-app")


def write_work(folder: Path) -> None:
    """A live session for an issue, its subagent, its pull request; and a guess."""
    link = {
        "type": "pr-link",
        "sessionId": LIVE,
        "prNumber": 7,
        "prUrl": "https://github.com/owner/name/pull/7",
        "prRepository": "owner/name",
        "timestamp": format_instant(now()),
    }
    inside = {"agentId": "a1", "isSidechain": True}
    guess = {"sessionId": GUESSED, "gitBranch": "feature/abc-7"}
    agent = folder / LIVE / "subagents" / "agent-a1"
    agent.parent.mkdir(parents=True)
    agent.with_suffix(".meta.json").write_text('{"agentType": "code-reviewer"}')
    for path, *lines in (
        (folder / f"{LIVE}.jsonl", live_line("L"), link),
        (agent.with_suffix(".jsonl"), live_line("M") | inside),
        (folder / f"{GUESSED}.jsonl", live_line("N") | guess),
    ):
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def live_line(letter: str) -> dict[str, Any]:
    """A response of just now, on a branch that names an issue."""
    usage = {"input_tokens": 1000, "output_tokens": 2000}
    return {
        "type": "assistant",
        "sessionId": LIVE,
        "cwd": "/w/app",
        "gitBranch": "feature/MIN-123",
        "requestId": f"req_live_{letter}",
        "timestamp": format_instant(now()),
        "message": {
            "id": f"msg_01{letter * 22}",
            "model": "claude-opus-5",
            "role": "assistant",
            "stop_reason": "end_turn",
            "usage": usage,
        },
    }
