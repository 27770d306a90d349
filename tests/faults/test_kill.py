"""A power cut at any moment loses nothing and doubles nothing."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from e2e.daemons import RealDaemon, environment, until
from recount import recount

KILLS = 50
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


def test_fifty_kills_under_load_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    env = environment(tmp_path)
    root, stop = tmp_path / "claude" / "projects", tmp_path / "stop"
    rng = random.Random(1)
    daemon = RealDaemon(env)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(root), str(stop)])
    try:
        until(root.exists, "the first log")
        for kill in range(KILLS):
            daemon.start()
            subprocess.run(["sleep", f"{rng.random() * 0.2:.3f}"], check=True)
            daemon.kill()
            if kill == KILLS // 2:  # enough written: from here on, what is there counts
                stop.touch()
                writer.wait(timeout=60)
        daemon.start()
        daemon.ask("sync")
        total = daemon.ask("report")["total"]
    finally:
        stop.touch()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        daemon.kill()
    expected = recount(root)
    assert total["responses"] == len(expected.responses)
    assert total["tokens"]["total"] == sum(
        r.input_tokens + r.output_tokens + r.cache_read_tokens
        for r in expected.responses
    )
    assert f"{total['cost_usd']:.9f}" == f"{expected.total.cost:.9f}"
