"""Row 36 of the fault table: a power cut at any moment loses and doubles nothing.

    COSTD_KILLS=100 .venv/bin/pytest -s tests/faults/test_kill.py

kills a hundred times and says how long starts took, until the first answer.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e.daemons import until
from faults.homes import Home, pass_time

KILLS = int(os.environ.get("COSTD_KILLS", "50"))
WRITER = """
import json, random, sys, time
from pathlib import Path
rng, root, number = random.Random(7), Path(sys.argv[1]), 0
logs = [root / f"-w-app/5e551000-0000-4000-8000-{n:012d}.jsonl" for n in range(12)]
logs[0].parent.mkdir(parents=True, exist_ok=True)
while True:
    number += 1
    log = rng.choice(logs)
    blocks = rng.randrange(1, 4)
    text = b""
    for block in range(blocks):
        text += json.dumps({
            "type": "assistant", "sessionId": log.stem, "cwd": "/w/app",
            "gitBranch": "main", "requestId": f"req_{number}",
            "uuid": f"{number:08x}-0000-4000-8000-{block:012d}",
            "timestamp": f"2026-11-20T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z",
            "message": {"id": f"msg_01{number:022d}", "model": "claude-opus-5",
                "role": "assistant", "content": [{"type": "text", "text": "x" * rng.randrange(2000)}],
                "stop_reason": "end_turn" if block == blocks - 1 else None,
                "usage": {"input_tokens": number % 97, "output_tokens": number % 89 + 1 if block == blocks - 1 else 1,
                    "cache_read_input_tokens": number}},
        }).encode() + b"\\n"
    cut = rng.randrange(len(text))
    with log.open("ab", buffering=0) as file:
        file.write(text[:cut])
        file.write(text[cut:])
    time.sleep(0.001)
    if Path(sys.argv[2]).exists():
        break
"""


@pytest.mark.timeout(120 + 10 * KILLS)
def test_36_killed_at_any_moment_under_load(home: Home) -> None:
    """While it starts, while it reads, while it publishes; the writer never waits."""
    stop = home.top / "stop"
    rng = random.Random(1)
    took, spent = [], []
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(home.root), str(stop)])
    try:
        until(home.root.exists, "the first log")
        for kill in range(KILLS):
            began = time.monotonic()
            home.start(wait="up" if kill % 3 else "no")
            if kill % 3:
                home.status()
                took.append(time.monotonic() - began)
                spent.append(home.cpu_seconds())
                pause = rng.random() * 0.2
            else:  # before it has come up
                pause = rng.random() * 0.6
            pass_time(pause)
            home.kill()
            if kill == KILLS // 2:  # enough written: from here on, what is there counts
                stop.touch()
                writer.wait(timeout=60)
        home.start()
        home.assert_exact()
        assert home.total().responses > 100
        verified = home.ask("/api/verify", "POST")
    finally:
        stop.touch()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert verified["ok"], verified
    assert verified["responses_only_in_ledger"] == 0
    sys.stdout.write(
        f"\n{KILLS} kills under load, {home.total().responses} responses, each once; "
        f"from start to answer: median {statistics.median(took):.2f} s, "
        f"most {max(took):.2f} s; of that its own processor time: "
        f"median {statistics.median(spent):.2f} s, most {max(spent):.2f} s\n"
    )


def test_36_killed_during_a_first_import(tmp_path: Path) -> None:
    """Behind many bytes a second process reads too; it ends with its engine."""
    home = Home(tmp_path)
    filler = b'{"type":"user","message":{"content":"' + b"x" * 4_000 + b'"}}\n'
    for log in range(1, 7):
        for number in range(40):
            home.respond(log * 1_000 + number, log=log)
            home.append(filler * 60, log)
    rng = random.Random(2)
    try:
        for _ in range(6):
            home.start(wait="up")
            pause = rng.random() * 0.3
            pass_time(pause)
            home.kill()
        home.start()
        home.until_counted(240)
        home.assert_exact()
        until(lambda: not workers(home), "that no reader is left over")
    finally:
        home.kill()


def workers(home: Home) -> list[str]:
    """Processes that read for a daemon of this home."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = place.joinpath("cmdline").read_bytes()
            environ = place.joinpath("environ").read_bytes()
        except OSError:  # it has ended
            continue
        if b"costd.engine.worker" in words and os.fsencode(home.top) in environ:
            found.append(place.name)
    return found
