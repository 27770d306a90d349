"""An engine over logs that a test writes, asked as the daemon's clients ask it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from costd.config import load_config
from costd.engine.loop import Engine
from costd.publish.encode import dump
from costd.service.host import compose
from worklog import Worklog

PATIENCE = 100.0


class Owned:
    """The engine, the logs it reads, and what it has published."""

    def __init__(self, top: Path, engine: Engine, published: Mapping[str, Any]) -> None:
        self.top = top
        self.work = Worklog(top / "claude" / "projects")
        self.engine = engine
        self.published = published

    def ask(self, question: str, **params: object) -> Any:
        """The answer as a client would read it."""
        answer = self.engine.ask(question, params).result(PATIENCE)
        return json.loads(json.dumps(answer))

    def link(self, issue: str, **params: object) -> Any:
        """Make a claim; what it moved."""
        return self.ask("link", issue=issue, **params)["moved"]

    def sync(self) -> None:
        """Catch up with the logs and with all that is beside them."""
        self.ask("sync")

    def costs(self, **params: object) -> dict[str, float]:
        """Cost by owner; issues and buckets must be the whole."""
        answer = self.ask("issues", limit=0, **params)
        assert answer["total"]["exact"]
        rows = {row["issue"]: row["cost_usd"] for row in answer["rows"]}
        rows |= {row["bucket"]: row["cost_usd"] for row in answer["buckets"]}
        assert round(sum(rows.values()), 9) == answer["total"]["cost_usd"]
        return rows

    def owner(self, message: str) -> dict[str, Any]:
        """Who owns a response, and why."""
        owner: dict[str, Any] = self.ask("explain", response=message)["owner"]
        return owner

    def tick(self) -> None:
        """The beat, and everything that came before it."""
        self.engine.tick()
        self.sync()


@contextmanager
def owned(top: Path, *, config: str = "", publishes: bool = False) -> Iterator[Owned]:
    """The engine, put together as the daemon does it, without a watch and a beat.

    Args:
        top: everything lies below it; may be given again, as after a restart.
        config: more of the configuration.
        publishes: whether it is a daemon's, which writes files.
    """
    file = top / "config.toml"
    file.write_text(
        f'timezone = "UTC"\n[paths]\nstate_dir = "{top}/state"\n'
        f'runtime_dir = "{top}/run"\noutput_dir = "{top}/out"\n'
        f'[sources.claude]\nroots = ["{top}/claude/projects"]\n{config}'
    )
    file.chmod(0o600)
    (top / "claude" / "projects").mkdir(parents=True, exist_ok=True)
    loaded = load_config(file, {}, top)
    loaded.paths.ensure()
    published: dict[str, Any] = {}

    def publish(documents: Mapping[str, Any]) -> Mapping[str, str]:
        published.update({name: orjson.loads(dump(d)) for name, d in documents.items()})
        return {}

    engine = compose(loaded, loaded.paths, publish if publishes else None)
    thread = threading.Thread(target=engine.run, name="costd-engine")
    thread.start()
    try:
        yield Owned(top, engine, published)
    finally:
        engine.stop()
        thread.join(PATIENCE)


def until(condition: Callable[[], object]) -> None:
    """Wait for something that comes by itself.

    Raises:
        AssertionError: it does not.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
