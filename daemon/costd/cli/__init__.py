"""The command line: a thin client of the daemon, and its stand-in when none runs.

entry     ``main``: the quick way or the whole program, errors to words and exit codes
quick     questions that scripts ask often, without anything heavy
finder    where the daemon answers, without the configuration's machinery
client    HTTP over the Unix socket
answers   the daemon's answers, or those of an engine hosted here
app       the table of commands; each is one module of ``commands``
render    JSON to text: pure functions

What a command imports is what a person waits for. Rich, click and the configuration are
imported by those who need them and nobody else.
"""
