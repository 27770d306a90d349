-- What is to be told to others, until they have taken it: at least once, under a key
-- that stays the same. Secrets are not in it: they are added when it is sent.
CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY,
    key         TEXT    NOT NULL UNIQUE,
    event       TEXT    NOT NULL,
    subject     TEXT    NOT NULL,      -- the run
    body        BLOB,                  -- JSON; NULL when it is done
    made_at     INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,      -- not before
    tries       INTEGER NOT NULL DEFAULT 0,
    done_at     INTEGER,
    problem     TEXT    NOT NULL DEFAULT ''   -- of the last try: no address, no text
) STRICT;
CREATE INDEX outbox_due ON outbox (next_at) WHERE done_at IS NULL;
