-- What somebody said happened (core.events). An event never changes; money that it
-- names is never added to the ledger's own, which stays the sum over responses.
CREATE TABLE event (
    id                        INTEGER PRIMARY KEY,
    event_id                  TEXT    NOT NULL UNIQUE,
    type                      TEXT    NOT NULL,
    at                        INTEGER NOT NULL,   -- milliseconds, UTC
    node_id                   TEXT    NOT NULL,
    lamport                   INTEGER NOT NULL,
    received_at               INTEGER NOT NULL,
    origin                    TEXT    NOT NULL,   -- api, cli, client, log, …
    task_id                   TEXT    NOT NULL,
    issue                     TEXT    NOT NULL,
    session_id                TEXT    NOT NULL,
    run_id                    TEXT    NOT NULL,
    agent                     TEXT    NOT NULL,
    role                      TEXT    NOT NULL,
    model                     TEXT    NOT NULL,
    feature                   TEXT    NOT NULL,
    status                    TEXT    NOT NULL,   -- core.outcomes, or empty
    success                   INTEGER,
    duration_ms               INTEGER,
    input_tokens              INTEGER,
    output_tokens             INTEGER,
    cache_read_tokens         INTEGER,
    cache_creation_5m_tokens  INTEGER,
    cache_creation_1h_tokens  INTEGER,
    total_tokens              INTEGER,
    cost                      INTEGER,            -- nano-USD; NULL: unknown
    cost_source               TEXT    NOT NULL,   -- reported, estimated, unpriced, ''
    price                     TEXT    NOT NULL,   -- rate row, or why there is none
    details                   TEXT    NOT NULL    -- JSON: the fields of its type
) STRICT;
-- What filters look at lies together, so that none of them has to read whole events.
CREATE INDEX event_filter ON event (at, type, agent, model, success, lamport);
CREATE INDEX event_order ON event (lamport, node_id);
CREATE INDEX event_task ON event (task_id);
CREATE INDEX event_issue ON event (issue);
CREATE INDEX event_session ON event (session_id);
CREATE INDEX event_usage ON event (at) WHERE cost_source <> '';

-- Each task as the fold of its events (core.kpi.Task).
CREATE TABLE task (
    task_id           TEXT PRIMARY KEY,
    issue             TEXT    NOT NULL,
    is_task           INTEGER NOT NULL,
    first_at          INTEGER,
    last_at           INTEGER,
    start_at          INTEGER,
    end_at            INTEGER,
    end_lamport       INTEGER NOT NULL,
    end_event         TEXT    NOT NULL,
    status            TEXT    NOT NULL,
    iterations        INTEGER,
    gates             INTEGER NOT NULL,
    gates_passed      INTEGER NOT NULL,
    reviews           INTEGER NOT NULL,
    counted_p0        INTEGER NOT NULL,
    issues_p0         INTEGER NOT NULL,
    counted_p1        INTEGER NOT NULL,
    issues_p1         INTEGER NOT NULL,
    direct_priced     INTEGER NOT NULL,
    direct_unpriced   INTEGER NOT NULL,
    direct_estimated  INTEGER NOT NULL,
    direct_cost       INTEGER NOT NULL,
    said_priced       INTEGER NOT NULL,
    said_unpriced     INTEGER NOT NULL,
    said_estimated    INTEGER NOT NULL,
    said_cost         INTEGER NOT NULL,
    counted_at        INTEGER             -- whose period it counts in; NULL: in none
) STRICT, WITHOUT ROWID;
CREATE INDEX task_counted ON task (counted_at) WHERE counted_at IS NOT NULL;

-- The figures of tasks, gates and reviews by quarter of an hour (core.kpi.Figures),
-- updated by difference in the transaction that keeps the events.
CREATE TABLE task_cell (
    bucket        INTEGER PRIMARY KEY,    -- at / 900,000
    tasks         INTEGER NOT NULL,
    succeeded     INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    blocked       INTEGER NOT NULL,
    cancelled     INTEGER NOT NULL,
    timed         INTEGER NOT NULL,
    cycle_ms      INTEGER NOT NULL,
    iterated      INTEGER NOT NULL,
    iterations    INTEGER NOT NULL,
    costed        INTEGER NOT NULL,
    cost          INTEGER NOT NULL,
    unpriced      INTEGER NOT NULL,
    gates         INTEGER NOT NULL,
    gates_passed  INTEGER NOT NULL,
    reviews       INTEGER NOT NULL,
    counted_p0    INTEGER NOT NULL,
    issues_p0     INTEGER NOT NULL,
    counted_p1    INTEGER NOT NULL,
    issues_p1     INTEGER NOT NULL
) STRICT;

-- Files of events, and how far each is read: as log_file, but a file of its own kind.
CREATE TABLE event_log (
    path         BLOB PRIMARY KEY,
    device       INTEGER NOT NULL,
    inode        INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    modified_ns  INTEGER NOT NULL,
    changed_ns   INTEGER NOT NULL,
    offset       INTEGER NOT NULL,
    scan_from    INTEGER NOT NULL,
    head         BLOB    NOT NULL,
    head_length  INTEGER NOT NULL,
    marker       BLOB    NOT NULL,
    generation   INTEGER NOT NULL,
    lines        INTEGER NOT NULL DEFAULT 0,
    skipped      INTEGER NOT NULL DEFAULT 0,
    reason       TEXT    NOT NULL DEFAULT ''     -- why the last line was skipped
) STRICT, WITHOUT ROWID;
