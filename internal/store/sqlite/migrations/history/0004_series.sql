CREATE TABLE series (
    -- What the executions of this file add up to, written with them: a row for each minute, each hour
    -- and the day in which fires were scheduled. Files from before have none of the executions that
    -- they had when they were first written to by a program that keeps it.
    step         INTEGER NOT NULL, -- minutes: 1, 60 or 1440
    at           INTEGER NOT NULL, -- when it begins, Unix milliseconds
    success      INTEGER NOT NULL, -- fires
    failed       INTEGER NOT NULL,
    skipped      INTEGER NOT NULL, -- a summary counts as what it stands for
    missed       INTEGER NOT NULL,
    unknown      INTEGER NOT NULL,
    retries      INTEGER NOT NULL,
    drift_max    INTEGER NOT NULL, -- ms
    duration_max INTEGER NOT NULL, -- ms
    drift        BLOB    NOT NULL, -- how many in each bucket: a varint each, without zeros at the end
    duration     BLOB    NOT NULL,
    PRIMARY KEY (step, at)
) WITHOUT ROWID, STRICT;
