-- Tracker keys that somebody imported.
CREATE TABLE tracker_key (
    key          TEXT PRIMARY KEY,         -- upper case
    source       TEXT    NOT NULL,         -- the name of the file, or who said it
    imported_at  INTEGER NOT NULL          -- milliseconds, UTC
) STRICT, WITHOUT ROWID;

-- The one issue whose address stands in a session's first prompt, of which nothing else
-- is kept. It owns nothing; it can be suggested.
CREATE TABLE prompt_issue (
    session  INTEGER PRIMARY KEY REFERENCES session,
    issue    TEXT    NOT NULL,
    at       INTEGER NOT NULL              -- when the prompt was written
) STRICT;
