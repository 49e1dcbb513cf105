CREATE TABLE retired_series (
    -- What the rows of days in the table "series" of deleted history files said.
    at           INTEGER NOT NULL PRIMARY KEY, -- when the day begins, Unix milliseconds
    success      INTEGER NOT NULL,
    failed       INTEGER NOT NULL,
    skipped      INTEGER NOT NULL,
    missed       INTEGER NOT NULL,
    unknown      INTEGER NOT NULL,
    retries      INTEGER NOT NULL,
    drift_max    INTEGER NOT NULL,
    duration_max INTEGER NOT NULL,
    drift        BLOB    NOT NULL,
    duration     BLOB    NOT NULL
) WITHOUT ROWID, STRICT;
