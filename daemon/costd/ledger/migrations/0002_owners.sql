-- What somebody said: the work that a selector names belongs to an issue. A claim that
-- was taken back keeps its row: this is the audit trail.
CREATE TABLE claim (
    id          INTEGER PRIMARY KEY,
    claim_key   TEXT    NOT NULL UNIQUE,   -- said again under one key, it is one claim
    subject     TEXT    NOT NULL,          -- what it is about, for sources that look again
    selector    TEXT    NOT NULL,
    value       TEXT    NOT NULL,
    within      TEXT    NOT NULL,
    issue       TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    from_at     INTEGER,
    until_at    INTEGER,
    made_at     INTEGER NOT NULL,
    revoked_at  INTEGER,
    revoked_by  TEXT    NOT NULL DEFAULT '',
    rule        TEXT    NOT NULL,
    confidence  INTEGER NOT NULL,
    source      TEXT    NOT NULL,          -- cli, api, exec, hook, session-map, …
    who         TEXT    NOT NULL,
    note        TEXT    NOT NULL
) STRICT;
CREATE INDEX claim_subject ON claim (subject);
CREATE INDEX claim_issue ON claim (issue);

-- What is known of the repositories that directories lie in, as it was found on disk.
-- A worktree that is removed keeps the answer it had.
CREATE TABLE repository (
    root            TEXT PRIMARY KEY,
    name            TEXT NOT NULL,         -- owner/name by its remote, or empty
    default_branch  TEXT NOT NULL,
    known_keys      TEXT NOT NULL,         -- tracker keys in its history, with spaces
    beads           TEXT NOT NULL          -- the prefix of its beads' ids, or empty
) STRICT, WITHOUT ROWID;

CREATE TABLE directory (
    path     TEXT PRIMARY KEY,
    root     TEXT    NOT NULL,             -- of its repository, or empty
    is_repo  INTEGER                       -- NULL: it could not be looked at
) STRICT, WITHOUT ROWID;

-- Subagents, as their own logs and the notes beside them say.
CREATE TABLE agent (
    session     INTEGER NOT NULL REFERENCES session,
    agent_id    TEXT    NOT NULL,
    agent_type  TEXT    NOT NULL,
    parent_id   TEXT    NOT NULL,          -- empty: the session itself
    PRIMARY KEY (session, agent_id)
) STRICT, WITHOUT ROWID;

-- A session whose log begins with another one's history.
CREATE TABLE fork (
    session  INTEGER NOT NULL REFERENCES session,
    parent   INTEGER NOT NULL REFERENCES session,
    last_at  INTEGER NOT NULL,             -- of the responses that it copied
    PRIMARY KEY (session, parent)
) STRICT, WITHOUT ROWID;
CREATE INDEX fork_parent ON fork (parent);

-- Processes that were seen to run a session.
CREATE TABLE process (
    pid         INTEGER NOT NULL,
    session_id  TEXT    NOT NULL,
    first_at    INTEGER NOT NULL,
    PRIMARY KEY (pid, session_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE context ADD COLUMN project TEXT NOT NULL DEFAULT '';

-- What the place of a context shows by itself. Claims do not change it, so it is kept.
CREATE TABLE place (
    context_id            INTEGER PRIMARY KEY REFERENCES context,
    worktree_branch       TEXT    NOT NULL,
    issue                 TEXT    NOT NULL,
    role                  TEXT    NOT NULL,
    rule                  TEXT    NOT NULL,
    confidence            INTEGER NOT NULL,
    evidence              TEXT    NOT NULL,
    candidate             TEXT    NOT NULL,
    candidate_confidence  INTEGER NOT NULL
) STRICT;

-- Who owns what was made in a context, piece by piece over all time: an issue's id, or
-- a bucket with a name. The pieces of a context follow one another without a gap.
DROP TABLE attribution;
CREATE TABLE attribution (
    context_id            INTEGER NOT NULL REFERENCES context,
    span                  INTEGER NOT NULL,
    from_at               INTEGER NOT NULL,
    until_at              INTEGER NOT NULL,   -- excluded
    issue                 TEXT    NOT NULL,
    role                  TEXT    NOT NULL,
    rule                  TEXT    NOT NULL,
    confidence            INTEGER NOT NULL,   -- percent
    evidence              TEXT    NOT NULL,
    candidate             TEXT    NOT NULL,
    candidate_confidence  INTEGER NOT NULL,
    via                   TEXT    NOT NULL,
    PRIMARY KEY (context_id, span)
) STRICT, WITHOUT ROWID;
CREATE INDEX attribution_issue ON attribution (issue);

-- The rollup again, with the piece of its context that a response falls into: so every
-- sum has one owner, also within a quarter of an hour.
CREATE TABLE cell_with_span (
    bucket                    INTEGER NOT NULL,   -- at / 900,000
    context_id                INTEGER NOT NULL,
    span                      INTEGER NOT NULL,   -- of attribution
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
    PRIMARY KEY (bucket, context_id, span, service_id)
) STRICT, WITHOUT ROWID;
INSERT INTO cell_with_span
SELECT bucket, context_id, 0, service_id, responses, unfinalised, unpriced,
       unpriced_tokens, input_tokens, output_tokens, cache_read_tokens,
       cache_creation_5m_tokens, cache_creation_1h_tokens, reasoning_tokens,
       web_searches, cost
FROM cell;
DROP TABLE cell;
ALTER TABLE cell_with_span RENAME TO cell;
CREATE INDEX cell_context ON cell (context_id, span);
