-- Pull requests that somebody imported: which branch each brings, what it closes.
CREATE TABLE pull_request (
    repository   TEXT    NOT NULL,         -- owner/name
    number       INTEGER NOT NULL,
    branch       TEXT    NOT NULL,
    head         TEXT    NOT NULL,         -- the repository of the branch, or empty
    closes       TEXT    NOT NULL,         -- issues as they were written, with spaces
    source       TEXT    NOT NULL,         -- the name of the file, or who said it
    imported_at  INTEGER NOT NULL,         -- milliseconds, UTC
    PRIMARY KEY (repository, number)
) STRICT, WITHOUT ROWID;
