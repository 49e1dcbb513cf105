CREATE TABLE series (
    -- What executions add up to, written with them, by the minute, the hour and the day in which fires were
    -- scheduled. Each process that records has rows of its own, as in the table "counter"; those of writer 0
    -- were copied from another database. Minutes and hours go with the history of their day.
    step         smallint NOT NULL, -- minutes: 1, 60 or 1440
    at           bigint   NOT NULL, -- when it begins, Unix milliseconds
    writer       integer  NOT NULL,
    success      bigint   NOT NULL, -- fires
    failed       bigint   NOT NULL,
    skipped      bigint   NOT NULL, -- a summary counts as what it stands for
    missed       bigint   NOT NULL,
    unknown      bigint   NOT NULL,
    retries      bigint   NOT NULL,
    drift_max    bigint   NOT NULL, -- ms
    duration_max bigint   NOT NULL, -- ms
    drift        bigint[] NOT NULL, -- how many in each bucket, without zeros at the end
    duration     bigint[] NOT NULL,
    PRIMARY KEY (step, at, writer)
) WITH (fillfactor = 50);
