"""Beside the agents: starting them with an owner, and hearing of them by their hooks.

launch    ``costd exec``: the command line, the claims, the order of things
sessions  which sessions a command runs
codex     the same for Codex
child     a process that is started, waited for and otherwise left alone
telling   ``costd event``: what happened, told to the daemon or the spool
hook      ``costd hook``: what an agent's hook says, passed on
settings  the lines of Claude Code's settings.json that call it

An agent waits for these, so they import little, and nothing that goes wrong here may
reach it.
"""
