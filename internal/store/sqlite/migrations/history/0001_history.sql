CREATE TABLE execution (
    -- What became of each fire that was scheduled in this UTC day: one row for
    -- each, written once, when it ended. The key is the order in which fires
    -- come, so that the table grows at its end. The view "executions" shows
    -- the same for people.
    scheduled_at INTEGER NOT NULL, -- Unix milliseconds, as all instants here
    job_id       BLOB    NOT NULL,
    nonce        INTEGER NOT NULL, -- 0: a scheduled fire; otherwise a manual trigger
    version      INTEGER NOT NULL, -- of the job
    status       INTEGER NOT NULL, -- 1 SUCCESS, 2 FAILED, 3 SKIPPED, 4 MISSED, 5 UNKNOWN
    drift_ms     INTEGER,          -- started_at - scheduled_at; NULL: never sent
    duration_ms  INTEGER,          -- completed_at - started_at; where never sent, - scheduled_at
    http_status  INTEGER,          -- of the last attempt; NULL: no response
    retry_count  INTEGER NOT NULL,
    error        TEXT,             -- what went wrong, or why it was not sent
    attempts     TEXT,             -- JSON array of all attempts; NULL: there was one at most
    missed_from  INTEGER,          -- MISSED: the record stands for missed_count fires,
    missed_count INTEGER,          --         from missed_from to scheduled_at
    PRIMARY KEY (scheduled_at, job_id, nonce)
) WITHOUT ROWID, STRICT;

CREATE INDEX execution_failed ON execution (scheduled_at, job_id, nonce) WHERE status IN (2, 5);

CREATE INDEX execution_failed_by_job ON execution (job_id, scheduled_at, nonce) WHERE status IN (2, 5);

-- The rows that a job's calendar does not name.
CREATE INDEX execution_irregular ON execution (job_id, scheduled_at, nonce) WHERE nonce <> 0 OR status = 4;

CREATE TABLE counter (
    -- Counters of the table "execution", written with it, by the minute
    -- (minutes since 1970-01-01) in which the executions completed.
    minute      INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    executions  INTEGER NOT NULL, -- records
    fires       INTEGER NOT NULL, -- records, a MISSED summary counted as what it stands for
    duration_ms INTEGER NOT NULL, -- sum over the timed ones
    timed       INTEGER NOT NULL, -- SUCCESS and FAILED that were sent
    PRIMARY KEY (minute, status)
) WITHOUT ROWID, STRICT;

CREATE TABLE alert (
    -- Runs of failures of one job. A row is the whole state of its alert as of
    -- the last execution of this day that changed it. When an execution of
    -- another day changes the alert, that day's file gets a row of its own;
    -- then the row that has recovered counts, or else the one with the most
    -- failures.
    job_id       BLOB    NOT NULL,
    opened_by    INTEGER NOT NULL, -- scheduled_at and nonce of the failed execution
    opened_nonce INTEGER NOT NULL, -- that opened it
    first_at     INTEGER NOT NULL, -- completion of the first failure
    last_at      INTEGER NOT NULL, -- completion of the latest failure
    failures     INTEGER NOT NULL,
    recovered_at INTEGER,          -- completion of the success that ended it
    execution_id BLOB    NOT NULL, -- of the latest failure, as the two below
    http_status  INTEGER,
    error        TEXT,
    spread       INTEGER NOT NULL, -- 1: files of other days have rows of it too
    PRIMARY KEY (job_id, opened_by, opened_nonce)
) WITHOUT ROWID, STRICT;

CREATE INDEX alert_by_time ON alert (last_at, job_id);

CREATE INDEX alert_open ON alert (job_id) WHERE recovered_at IS NULL;

CREATE INDEX alert_ended_spread ON alert (job_id) WHERE recovered_at IS NOT NULL AND spread = 1;

CREATE VIEW executions AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', scheduled_at / 1000.0, 'unixepoch') AS scheduled_at,
       lower(substr(hex(job_id), 1, 8) || '-' || substr(hex(job_id), 9, 4) || '-' || substr(hex(job_id), 13, 4) || '-' ||
             substr(hex(job_id), 17, 4) || '-' || substr(hex(job_id), 21)) AS job_id,
       iif(nonce = 0, 'schedule', 'manual') AS cause,
       version,
       CASE status WHEN 1 THEN 'SUCCESS' WHEN 2 THEN 'FAILED' WHEN 3 THEN 'SKIPPED'
                   WHEN 4 THEN 'MISSED' WHEN 5 THEN 'UNKNOWN' END AS status,
       strftime('%Y-%m-%dT%H:%M:%fZ', (scheduled_at + drift_ms) / 1000.0, 'unixepoch') AS started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', (scheduled_at + coalesce(drift_ms, 0) + duration_ms) / 1000.0, 'unixepoch')
           AS completed_at,
       drift_ms, duration_ms, http_status, retry_count, error, attempts,
       strftime('%Y-%m-%dT%H:%M:%fZ', missed_from / 1000.0, 'unixepoch') AS missed_from,
       missed_count
  FROM execution;

CREATE VIEW counters AS
SELECT strftime('%Y-%m-%dT%H:%MZ', minute * 60, 'unixepoch') AS minute,
       CASE status WHEN 1 THEN 'SUCCESS' WHEN 2 THEN 'FAILED' WHEN 3 THEN 'SKIPPED'
                   WHEN 4 THEN 'MISSED' WHEN 5 THEN 'UNKNOWN' END AS status,
       executions, fires, duration_ms, timed
  FROM counter;

CREATE VIEW alerts AS
SELECT lower(substr(hex(job_id), 1, 8) || '-' || substr(hex(job_id), 9, 4) || '-' || substr(hex(job_id), 13, 4) || '-' ||
             substr(hex(job_id), 17, 4) || '-' || substr(hex(job_id), 21)) AS job_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', first_at / 1000.0, 'unixepoch') AS first_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', last_at / 1000.0, 'unixepoch') AS last_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', recovered_at / 1000.0, 'unixepoch') AS recovered_at,
       failures, http_status, error
  FROM alert;
