-- One physical log and how far it is read (core.checkpoint). A log that vanishes keeps
-- its row, and everything that was read from it.
CREATE TABLE log_file (
    id           INTEGER PRIMARY KEY,
    path         BLOB    NOT NULL UNIQUE,
    source       TEXT    NOT NULL,
    root         BLOB    NOT NULL,
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
    state        BLOB    NOT NULL,
    generation   INTEGER NOT NULL,
    first_at     INTEGER NOT NULL DEFAULT 0,
    last_at      INTEGER NOT NULL DEFAULT 0,
    forked       INTEGER NOT NULL DEFAULT 0,
    lines        INTEGER NOT NULL DEFAULT 0,
    salvaged     INTEGER NOT NULL DEFAULT 0,
    error        TEXT    NOT NULL DEFAULT '',
    vanished_at  INTEGER
) STRICT;

-- A stretch of a log that could not be used: where it is, never what it says.
CREATE TABLE skipped_line (
    file_id  INTEGER NOT NULL REFERENCES log_file,
    offset   INTEGER NOT NULL,
    length   INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    PRIMARY KEY (file_id, offset)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    id             INTEGER PRIMARY KEY,
    source         TEXT    NOT NULL,
    session_id     TEXT    NOT NULL,
    reported_cost  INTEGER,          -- nano-USD, the agent's own running total
    UNIQUE (session_id, source)
) STRICT;

-- Where responses are made: everything that can name an owner or a group in a report.
CREATE TABLE context (
    id        INTEGER PRIMARY KEY,
    session   INTEGER NOT NULL REFERENCES session,
    agent_id  TEXT    NOT NULL,
    cwd       TEXT    NOT NULL,
    branch    TEXT    NOT NULL,
    first_at  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    UNIQUE (session, agent_id, cwd, branch)
) STRICT;

CREATE TABLE service (
    id     INTEGER PRIMARY KEY,
    model  TEXT NOT NULL,
    speed  TEXT NOT NULL,
    geo    TEXT NOT NULL,
    UNIQUE (model, speed, geo)
) STRICT;

CREATE TABLE price (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL,     -- rate row and variant, or why there is none
    card_version  TEXT NOT NULL,
    UNIQUE (name, card_version)
) STRICT;

-- One billable response (part ''), or a part that is billed beside it. The sum over
-- this table is the total: what is a copy is not in it.
CREATE TABLE response (
    id                        INTEGER PRIMARY KEY,
    grp                       INTEGER NOT NULL,   -- core.dedup.group_of; not unique
    response_id               TEXT    NOT NULL,
    request_id                TEXT    NOT NULL,
    scope                     TEXT    NOT NULL,
    part                      TEXT    NOT NULL,
    file_id                   INTEGER NOT NULL REFERENCES log_file,
    offset                    INTEGER NOT NULL,
    context_id                INTEGER NOT NULL REFERENCES context,
    service_id                INTEGER NOT NULL REFERENCES service,
    at                        INTEGER NOT NULL,   -- milliseconds, UTC
    flags                     INTEGER NOT NULL,   -- core.usage.Flag
    input_tokens              INTEGER NOT NULL,
    output_tokens             INTEGER NOT NULL,
    cache_read_tokens         INTEGER NOT NULL,
    cache_creation_5m_tokens  INTEGER NOT NULL,
    cache_creation_1h_tokens  INTEGER NOT NULL,
    reasoning_tokens          INTEGER NOT NULL,
    web_searches              INTEGER NOT NULL,
    cost                      INTEGER,            -- nano-USD; NULL: unpriced
    price_id                  INTEGER NOT NULL REFERENCES price
) STRICT;
CREATE INDEX response_grp ON response (grp);
CREATE INDEX response_context ON response (context_id);

-- The evidence of a group whose responses are not simply its observations: copies,
-- replays. Kept so that whichever log is read next, the answer is the same.
CREATE TABLE observation (
    grp      INTEGER NOT NULL,
    file_id  INTEGER NOT NULL REFERENCES log_file,
    key      TEXT    NOT NULL,       -- response id, scope, request id, part
    seen     BLOB    NOT NULL,       -- core.usage.Observation, msgpack
    PRIMARY KEY (grp, file_id, key)
) STRICT, WITHOUT ROWID;

-- The rollup: sums over responses by quarter of an hour. Updated by difference in the
-- transaction that changes the responses; every report is a sum over it.
CREATE TABLE cell (
    bucket                    INTEGER NOT NULL,   -- at / 900,000
    context_id                INTEGER NOT NULL,
    service_id                INTEGER NOT NULL,
    responses                 INTEGER NOT NULL,
    unfinalised               INTEGER NOT NULL,
    unpriced                  INTEGER NOT NULL,
    unpriced_tokens           INTEGER NOT NULL,
    input_tokens              INTEGER NOT NULL,
    output_tokens             INTEGER NOT NULL,
    cache_read_tokens         INTEGER NOT NULL,
    cache_creation_5m_tokens  INTEGER NOT NULL,
    cache_creation_1h_tokens  INTEGER NOT NULL,
    reasoning_tokens          INTEGER NOT NULL,
    web_searches              INTEGER NOT NULL,
    cost                      INTEGER NOT NULL,
    PRIMARY KEY (bucket, context_id, service_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX cell_context ON cell (context_id);

-- Who owns what was made in a context: an issue's id, or a bucket with a name.
CREATE TABLE attribution (
    context_id  INTEGER PRIMARY KEY REFERENCES context,
    issue       TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    rule        TEXT    NOT NULL,
    confidence  INTEGER NOT NULL,    -- percent
    evidence    TEXT    NOT NULL,
    candidate   TEXT    NOT NULL,
    project     TEXT    NOT NULL
) STRICT;
CREATE INDEX attribution_issue ON attribution (issue);

CREATE TABLE pr_link (
    session     INTEGER NOT NULL REFERENCES session,
    url         TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    repository  TEXT    NOT NULL,
    first_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    PRIMARY KEY (session, url)
) STRICT, WITHOUT ROWID;

CREATE TABLE worktree (
    session       INTEGER NOT NULL REFERENCES session,
    path          TEXT    NOT NULL,
    branch        TEXT    NOT NULL,
    original_cwd  TEXT    NOT NULL,
    PRIMARY KEY (session, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    key    TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
