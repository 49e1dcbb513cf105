CREATE TABLE lost_fire (
    -- Fires of which an audit has found no record. It should be empty. A row
    -- goes with the history of its day.
    scheduled_at INTEGER NOT NULL, -- Unix milliseconds
    job_id       BLOB    NOT NULL,
    version      INTEGER NOT NULL, -- version.number
    found_at     INTEGER NOT NULL,
    PRIMARY KEY (scheduled_at, job_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE kept (
    -- One row: history scheduled before this instant has been dropped.
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    since INTEGER NOT NULL
) STRICT;

INSERT INTO kept VALUES (1, 0);

CREATE VIEW lost_fires AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', scheduled_at / 1000.0, 'unixepoch') AS scheduled_at,
       lower(substr(hex(job_id), 1, 8) || '-' || substr(hex(job_id), 9, 4) || '-' || substr(hex(job_id), 13, 4) || '-' ||
             substr(hex(job_id), 17, 4) || '-' || substr(hex(job_id), 21)) AS job_id,
       version,
       strftime('%Y-%m-%dT%H:%M:%fZ', found_at / 1000.0, 'unixepoch') AS found_at
  FROM lost_fire;
