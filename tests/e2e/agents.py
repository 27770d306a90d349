"""Agents that cost nothing: they write a session's log as Claude Code does, and wait."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

AGENT = '''#!{python} -IS
"""Two responses: one at once, one when standard input ends."""
import json, os, re, sys, time

def moment():
    seconds, ms = divmod(time.time_ns() // 1_000_000, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % ms

home, cwd = os.environ["CLAUDE_CONFIG_DIR"], os.getcwd()
session = "%08x-0000-4000-8000-%012x" % (os.getpid(), time.time_ns() & 0xFFFFFFFFFFFF)
if "--session-id" in sys.argv:
    session = sys.argv[sys.argv.index("--session-id") + 1]
folder = home + "/projects/" + re.sub("[^A-Za-z0-9]", "-", cwd)
os.makedirs(folder, exist_ok=True)

def respond(number):
    usage = {{"input_tokens": 10, "output_tokens": 100}}
    message = {{"id": "msg_%s_%d" % (session, number), "role": "assistant",
               "model": "claude-opus-5", "usage": usage, "stop_reason": "end_turn"}}
    line = {{"type": "assistant", "sessionId": session, "cwd": cwd, "message": message,
            "gitBranch": "main", "timestamp": moment(), "requestId": "req_%d" % number,
            "uuid": "%s-%d" % (session, number), "version": "2.1.330"}}
    with open(folder + "/" + session + ".jsonl", "a") as log:
        log.write(json.dumps(line) + "\\n")

registry = home + "/sessions/%d.json" % os.getpid()
if "--registered" in sys.argv:
    os.makedirs(home + "/sessions", exist_ok=True)
    with open(registry, "w") as file:
        json.dump({{"pid": os.getpid(), "sessionId": session, "cwd": cwd}}, file)
respond(1)
sys.stdin.read()
respond(2)
if "--registered" in sys.argv:
    os.unlink(registry)
'''


def write_agent(path: Path) -> Path:
    """A program at ``path`` that behaves like an agent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(AGENT.format(python=os.path.realpath(sys.executable)))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
