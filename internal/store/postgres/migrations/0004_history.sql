CREATE TABLE execution (
    -- What became of the scheduled fires: one row each, never changed. Rows are narrow, because there are
    -- many: at most eight columns keep the mark of those that are NULL within the row's header. The table of
    -- a UTC day is a partition; Belfry reads and writes these by their names.
    scheduled_at bigint   NOT NULL, -- Unix milliseconds
    job_id       uuid     NOT NULL,
    version      integer  NOT NULL, -- version.number
    started      integer,           -- milliseconds after scheduled_at; NULL: never sent
    completed    integer,           -- milliseconds after the start, or after scheduled_at
    status       smallint NOT NULL, -- 1 SUCCESS, 2 FAILED, 3 SKIPPED, 4 MISSED, 5 UNKNOWN; +16: of several fires
    http_status  smallint,          -- of the last attempt; NULL: no response
    detail       text,              -- JSON object of what few have: error, attempts, range
    PRIMARY KEY (scheduled_at, job_id)
) PARTITION BY RANGE (scheduled_at);

CREATE INDEX ON execution (scheduled_at, job_id) WHERE status IN (2, 5);
CREATE INDEX ON execution (job_id, scheduled_at) WHERE status IN (2, 5);
CREATE INDEX ON execution (job_id, scheduled_at) WHERE status = 4 OR status >= 16;

CREATE TABLE execution_other (
    -- The same of manual triggers.
    scheduled_at bigint   NOT NULL,
    job_id       uuid     NOT NULL,
    nonce        bigint   NOT NULL, -- tells triggers of one instant apart
    version      integer  NOT NULL,
    started      integer,
    completed    integer,
    status       smallint NOT NULL,
    http_status  smallint,
    detail       text,
    PRIMARY KEY (scheduled_at, job_id, nonce)
) PARTITION BY RANGE (scheduled_at);

CREATE INDEX ON execution_other (job_id, scheduled_at, nonce);
CREATE INDEX ON execution_other (scheduled_at, job_id, nonce) WHERE status IN (2, 5);

CREATE TABLE day (
    -- Which days have tables, counted from 1970-01-01.
    day integer NOT NULL PRIMARY KEY
);

CREATE TABLE irregular (
    -- On which days a job has executions that its calendar does not name: manual triggers, and MISSED ones
    -- that stand for several fires. Other days need not be looked into for them.
    job_id uuid    NOT NULL,
    day    integer NOT NULL, -- day.day
    PRIMARY KEY (job_id, day)
);

CREATE INDEX irregular_day ON irregular (day);

CREATE VIEW executions AS
SELECT to_timestamp(scheduled_at / 1000.0) AS scheduled_at, job_id, version, manual,
       (ARRAY['SUCCESS', 'FAILED', 'SKIPPED', 'MISSED', 'UNKNOWN'])[status % 16] AS status,
       to_timestamp((scheduled_at + started) / 1000.0) AS started_at,
       to_timestamp((scheduled_at + coalesce(started, 0) + completed) / 1000.0) AS completed_at, http_status, detail
  FROM (SELECT scheduled_at, job_id, version, started, completed, status, http_status, detail, false AS manual
          FROM execution
         UNION ALL
        SELECT scheduled_at, job_id, version, started, completed, status, http_status, detail, true
          FROM execution_other) e;

CREATE TABLE counter (
    -- How many executions completed in a minute, and how. Each process that records has rows of its own,
    -- so that they do not wait for each other. Rows of writer 0 are of whole days, whose history was dropped.
    minute      bigint   NOT NULL, -- since 1970-01-01
    status      smallint NOT NULL,
    writer      integer  NOT NULL,
    fires       bigint   NOT NULL,
    duration_ms bigint   NOT NULL,
    timed       bigint   NOT NULL,
    PRIMARY KEY (minute, status, writer)
) WITH (fillfactor = 50);

CREATE TABLE alert (
    -- Runs of failures: opened by a failure, ended by a success.
    job_id       uuid    NOT NULL,
    opened_at    bigint  NOT NULL, -- scheduled_at of the failure that opened it
    opened_nonce bigint  NOT NULL,
    first_at     bigint  NOT NULL,
    last_at      bigint  NOT NULL,
    failures     bigint  NOT NULL,
    recovered_at bigint,           -- NULL: it is open
    execution_id uuid    NOT NULL, -- the latest failure
    http_status  integer NOT NULL,
    error        text    NOT NULL,
    day          integer NOT NULL, -- of the fire that changed it last
    PRIMARY KEY (job_id, opened_at, opened_nonce)
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX alert_open ON alert (job_id) WHERE recovered_at IS NULL;
CREATE INDEX alert_ended ON alert (last_at, job_id) WHERE recovered_at IS NOT NULL;

CREATE TABLE lost_fire (
    -- Fires of which an audit has found no record. It should be empty.
    scheduled_at bigint  NOT NULL,
    job_id       uuid    NOT NULL,
    version      integer NOT NULL,
    found_at     bigint  NOT NULL,
    PRIMARY KEY (scheduled_at, job_id)
);

CREATE TABLE open_run (
    -- Executions that have not ended and must survive a crash: retries that wait, manual triggers,
    -- uncertain fires, long calls. One whose fact exists is dead: the fact won.
    scheduled_at bigint  NOT NULL,
    job_id       uuid    NOT NULL,
    nonce        bigint  NOT NULL, -- 0: a scheduled fire
    version      integer NOT NULL,
    next_at      bigint  NOT NULL, -- when the next attempt is due
    crashes      integer NOT NULL, -- in a row, while a request of it was in flight
    in_flight    boolean NOT NULL, -- a request may be under way
    created_at   bigint  NOT NULL,
    attempts     text,             -- JSON array of the attempts that ended; NULL: none
    runner       bigint  NOT NULL DEFAULT 0, -- the process that carries it out; 0: nobody
    run_until    bigint  NOT NULL DEFAULT 0, -- after it another may take it over; 0: unknown
    PRIMARY KEY (scheduled_at, job_id, nonce)
) WITH (fillfactor = 70);

CREATE INDEX open_run_unclaimed ON open_run (scheduled_at, job_id, nonce) WHERE runner = 0;
