-- What events said of a run, and which task's events a run is made of.
ALTER TABLE run ADD COLUMN said_status TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN said_evidence TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN made_of TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN is_inferred INTEGER NOT NULL DEFAULT 0;  -- its capability
CREATE INDEX run_issue ON run (issue) WHERE issue <> '';
CREATE INDEX run_made_of ON run (made_of) WHERE made_of <> '';
CREATE INDEX event_run ON event (run_id) WHERE run_id <> '';
CREATE INDEX event_slow ON event (duration_ms) WHERE duration_ms IS NOT NULL
    AND run_id = '' AND type IN ('execution', 'activity');

-- Calls of agents that are in no run, as events report them: sums by quarter of an hour.
CREATE TABLE call_cell (
    bucket       INTEGER NOT NULL,   -- at / 900,000
    agent        TEXT    NOT NULL,
    capability   TEXT    NOT NULL,
    responses    INTEGER NOT NULL,   -- calls and activities with a duration
    response_ms  INTEGER NOT NULL,
    tasks        INTEGER NOT NULL,
    succeeded    INTEGER NOT NULL,
    failed       INTEGER NOT NULL,
    blocked      INTEGER NOT NULL,
    timed        INTEGER NOT NULL,
    duration_ms  INTEGER NOT NULL,
    shortest_ms  INTEGER,
    longest_ms   INTEGER,
    costed       INTEGER NOT NULL,
    cost         INTEGER NOT NULL,
    judged       INTEGER NOT NULL,   -- tasks with an outcome and a cost
    judged_cost  INTEGER NOT NULL,
    tokens       INTEGER NOT NULL,
    PRIMARY KEY (bucket, agent, capability)
) STRICT, WITHOUT ROWID;

-- The sessions of those calls: they are no tasks beside them.
CREATE TABLE called_session (
    session_id  TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What went wrong, by its kind (core.failures): never what was said of it.
CREATE TABLE failure (
    bucket   INTEGER NOT NULL,       -- at / 900,000
    source   TEXT    NOT NULL,       -- event, log
    agent    TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    count    INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    PRIMARY KEY (bucket, source, agent, kind)
) STRICT, WITHOUT ROWID;

-- Lines of logs that say that a call failed, each once in however many logs it is.
CREATE TABLE api_error (
    key     BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The kind of work of a session, by its first branch that names one.
CREATE TABLE session_kind (
    session     INTEGER PRIMARY KEY REFERENCES session,
    capability  TEXT NOT NULL
) STRICT;
