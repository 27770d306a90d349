-- One attempt of an agent at an issue, as somebody reported it: costd exec, whoever
-- starts agents, an event.
CREATE TABLE run (
    id           INTEGER PRIMARY KEY,
    run_id       TEXT    NOT NULL UNIQUE,
    source       TEXT    NOT NULL,      -- exec, collector, event, …
    place        TEXT    NOT NULL,      -- of its report, below reports/
    issue        TEXT    NOT NULL,
    task         TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    capability   TEXT    NOT NULL,
    agent        TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    status       TEXT    NOT NULL,      -- completed, blocked, failed, unknown
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL,
    duration_ms  INTEGER,
    told         BLOB    NOT NULL,      -- the report as it came, JSON
    report       BLOB,                  -- with what the ledger knows; NULL: not yet
    cost         INTEGER,               -- nano-USD, with the report; NULL: not known
    tokens       INTEGER,
    settled      INTEGER NOT NULL DEFAULT 0,
    cleaned_at   INTEGER                -- its report is gone, what it counted stays
) STRICT;
CREATE INDEX run_started ON run (started_at);
CREATE INDEX run_ended ON run (ended_at);
CREATE INDEX run_unsettled ON run (id) WHERE settled = 0;

-- The sessions in which a run was made, as far as they are known.
CREATE TABLE run_session (
    run         INTEGER NOT NULL REFERENCES run,
    session_id  TEXT    NOT NULL,
    PRIMARY KEY (run, session_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_of_session ON run_session (session_id);
