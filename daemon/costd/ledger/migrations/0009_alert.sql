-- What a webhook was told last of each alert (core.alerts), in one transaction with its
-- message in the outbox: a restart tells nothing twice.
CREATE TABLE alert (
    name      TEXT PRIMARY KEY,
    changes   INTEGER NOT NULL,      -- how often it was told
    since     INTEGER NOT NULL,      -- when it was told last, milliseconds, UTC
    subjects  TEXT    NOT NULL       -- JSON: a list of texts; empty: it is over
) STRICT;
