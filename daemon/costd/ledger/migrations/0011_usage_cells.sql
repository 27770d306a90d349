-- What calls and activities say was used, summed up: a span of time is the sum over these
-- and the events at its two ends. Updated in the transaction that keeps the events.
-- "named": they name a session or a run, so a session log may say the same.

-- By quarter of an hour.
CREATE TABLE usage_cell (
    bucket                    INTEGER NOT NULL,   -- at / 900,000
    named                     INTEGER NOT NULL,
    cost_source               TEXT    NOT NULL,
    events                    INTEGER NOT NULL,
    cost                      INTEGER NOT NULL,
    input_tokens              INTEGER NOT NULL,
    output_tokens             INTEGER NOT NULL,
    cache_read_tokens         INTEGER NOT NULL,
    cache_creation_5m_tokens  INTEGER NOT NULL,
    cache_creation_1h_tokens  INTEGER NOT NULL,
    total_tokens              INTEGER NOT NULL,
    PRIMARY KEY (bucket, named, cost_source)
) STRICT, WITHOUT ROWID;

-- By day (UTC) and by what has few values.
CREATE TABLE usage_day (
    bucket                    INTEGER NOT NULL,   -- at / 86,400,000
    named                     INTEGER NOT NULL,
    cost_source               TEXT    NOT NULL,
    type                      TEXT    NOT NULL,
    agent                     TEXT    NOT NULL,
    role                      TEXT    NOT NULL,
    model                     TEXT    NOT NULL,
    feature                   TEXT    NOT NULL,
    events                    INTEGER NOT NULL,
    cost                      INTEGER NOT NULL,
    input_tokens              INTEGER NOT NULL,
    output_tokens             INTEGER NOT NULL,
    cache_read_tokens         INTEGER NOT NULL,
    cache_creation_5m_tokens  INTEGER NOT NULL,
    cache_creation_1h_tokens  INTEGER NOT NULL,
    total_tokens              INTEGER NOT NULL,
    PRIMARY KEY (bucket, named, cost_source, type, agent, role, model, feature)
) STRICT, WITHOUT ROWID;

INSERT INTO usage_cell
SELECT at / 900000, session_id <> '' OR run_id <> '', cost_source,
       count(*), coalesce(sum(cost), 0),
       coalesce(sum(input_tokens), 0),
       coalesce(sum(output_tokens), 0),
       coalesce(sum(cache_read_tokens), 0),
       coalesce(sum(cache_creation_5m_tokens), 0),
       coalesce(sum(cache_creation_1h_tokens), 0),
       coalesce(sum(total_tokens), 0)
FROM event WHERE cost_source <> '' AND type IN ('execution', 'activity')
GROUP BY 1, 2, 3;

INSERT INTO usage_day
SELECT at / 86400000, session_id <> '' OR run_id <> '', cost_source,
       type, agent, role, model, feature,
       count(*), coalesce(sum(cost), 0),
       coalesce(sum(input_tokens), 0),
       coalesce(sum(output_tokens), 0),
       coalesce(sum(cache_read_tokens), 0),
       coalesce(sum(cache_creation_5m_tokens), 0),
       coalesce(sum(cache_creation_1h_tokens), 0),
       coalesce(sum(total_tokens), 0)
FROM event WHERE cost_source <> '' AND type IN ('execution', 'activity')
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

CREATE INDEX event_named ON event (at)
    WHERE cost_source <> '' AND (session_id <> '' OR run_id <> '');
