"""The table of commands: a name, the module that does it, and what it is for.

Adding a command is one line here and one module in ``commands`` with a ``command``.
"""

from __future__ import annotations

COMMANDS = {
    "status": "What runs, what it cost, and whether the numbers can be trusted.",
    "report": "Any cut of the ledger: by day, issue, model, session, ….",
    "sessions": "Sessions, the latest first.",
    "session": "One session in full.",
    "issues": "Issues and what they cost, and what no issue owns.",
    "issue": "One issue in full.",
    "link": "Say whose the work of a session, branch or directory is.",
    "unlink": "Take that back.",
    "claims": "Who said what, and since when.",
    "suggest": "What could be linked, and one command that links all of it.",
    "keys": "Which tracker keys are believed; take them from a tracker's export.",
    "prs": "Which pull requests close which issues; take them from gh.",
    "explain": "Why a response costs that, why a branch belongs to an issue.",
    "prices": "The rate card.",
    "reprice": "Price everything again, after prices have changed.",
    "sync": "Read what is new in the logs, now.",
    "verify": "Read every log again and compare with the ledger.",
    "backup": "A whole copy of the ledger, also while it is in use.",
    "restore": "Put a backup in the ledger's place; the present one is kept.",
    "doctor": "What is wrong, and the command that mends it.",
    "exec": "Run an agent whose work has an owner from its first token.",
    "runs": "Reports of runs: what each attempt of an agent did, took and cost.",
    "event": "Say what happened: a task, a gate, a review, a call of an agent.",
    "outcome": "Say how the work on an issue ended.",
    "kpi": "What tasks took, cost and came to, by day, week or billing cycle.",
    "runtimes": "Runtimes compared: tasks, success, time, cost, cost of a success.",
    "performance": "How tasks go: success, time, what goes wrong, what is slow.",
    "hook": "Pass on what an agent's hook says; put it into Claude Code's settings.",
    "open": "The page, in a browser.",
    "run": "The daemon, in the foreground.",
    "service": "Install, start, stop and look at costd as a service.",
    "config": "Write, check, show and change the configuration.",
    "completion": "The completion script of a shell.",
}
PACKAGE = "costd.cli.commands"


def module_of(name: str) -> str:
    """The module of a command."""
    return f"{PACKAGE}.{name}"
