-- Commits that were made here, as the logs of a repository's HEAD and branches say. Of a
-- message only the ids of issues are kept that it closes or has a trailer for.
CREATE TABLE branch_commit (
    root    TEXT    NOT NULL,              -- of the repository
    branch  TEXT    NOT NULL,
    sha     TEXT    NOT NULL,
    at      INTEGER NOT NULL,              -- when it was made, milliseconds, UTC
    names   TEXT    NOT NULL,              -- with spaces; empty: it names none
    PRIMARY KEY (root, branch, sha)
) STRICT, WITHOUT ROWID;

-- How far each of these logs is read: the entry of sha ends at offset.
CREATE TABLE commit_log (
    log     TEXT    NOT NULL PRIMARY KEY,
    root    TEXT    NOT NULL,
    offset  INTEGER NOT NULL,
    sha     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- What the commits say that a session made on a branch, where they name any issue.
CREATE TABLE committed (
    session  INTEGER NOT NULL REFERENCES session,
    root     TEXT    NOT NULL,
    branch   TEXT    NOT NULL,
    names    TEXT    NOT NULL,             -- with spaces
    naming   INTEGER NOT NULL,             -- how many of the commits name any
    others   INTEGER NOT NULL,             -- how many name none
    PRIMARY KEY (session, root, branch)
) STRICT, WITHOUT ROWID;
CREATE INDEX committed_branch ON committed (root, branch);
