CREATE TABLE aside (
    -- Versions that were current and could not be read or compiled. It should
    -- be empty. A row goes when the version can be run again, or was ended by an
    -- edit, and what became of its fires is on record.
    job_id  BLOB    NOT NULL,
    version INTEGER NOT NULL, -- version.number
    since   INTEGER NOT NULL, -- Unix milliseconds; fires after it have no record
    certain INTEGER NOT NULL, -- fires after "since" up to it may have been sent
    PRIMARY KEY (job_id, version)
) WITHOUT ROWID, STRICT;
