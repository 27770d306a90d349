-- The cells again, a UTC day of a piece at a time: what reads one issue in full must not
-- look at every quarter of an hour in it. Whose a stint is, says the piece it lies in.
CREATE TABLE stint (
    context_id                INTEGER NOT NULL,
    span                      INTEGER NOT NULL,   -- of attribution
    day                       INTEGER NOT NULL,   -- UTC, since the epoch
    service_id                INTEGER NOT NULL,
    first                     INTEGER NOT NULL,   -- no cell of it is before this bucket
    last                      INTEGER NOT NULL,   -- none is after this one
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
    PRIMARY KEY (context_id, span, service_id, day)
) STRICT, WITHOUT ROWID;
INSERT INTO stint
SELECT context_id, span, (bucket - (bucket % 96 + 96) % 96) / 96, service_id,
       min(bucket), max(bucket), sum(responses), sum(unfinalised), sum(unpriced),
       sum(unpriced_tokens), sum(input_tokens), sum(output_tokens),
       sum(cache_read_tokens), sum(cache_creation_5m_tokens),
       sum(cache_creation_1h_tokens), sum(reasoning_tokens), sum(web_searches),
       sum(cost)
FROM cell GROUP BY 1, 2, 3, 4;
