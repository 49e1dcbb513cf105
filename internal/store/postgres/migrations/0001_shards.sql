CREATE TABLE cluster (
    -- One row: what holds for all processes on this database.
    one        boolean NOT NULL PRIMARY KEY CHECK (one),
    made_at    bigint  NOT NULL, -- Unix milliseconds, as all instants here
    kept_since bigint  NOT NULL, -- history scheduled before this instant has been dropped
    probe      text              -- sealed with the encryption key of the secrets; NULL: no process had one yet
);

CREATE TABLE shard (
    -- One row for each of the shards that the jobs are spread over: who fires their jobs, and how far.
    -- Each process writes its rows once a second, so pages have room for new versions of rows.
    number    smallint NOT NULL PRIMARY KEY,
    epoch     bigint   NOT NULL, -- with token the lease of the owner
    token     bigint   NOT NULL,
    node      bigint   NOT NULL, -- the process that owns it, or was the last to; 0: none
    horizon   bigint   NOT NULL, -- H: no scheduled fire beyond it is sent
    watermark bigint   NOT NULL, -- W: every fire at or before it is on record or has an open run
    revision  bigint   NOT NULL, -- grows with every change of its jobs that is made without the owner
    applied   bigint   NOT NULL, -- the revision that the owner had loaded at its last beat
    clean     boolean  NOT NULL, -- free, and nothing of it is uncertain
    total     bigint   NOT NULL, -- how many jobs it has
    active    bigint   NOT NULL  -- and how many of them are not paused
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0);

INSERT INTO cluster SELECT true, floor(extract(epoch FROM clock_timestamp()) * 1000), 0, NULL;

-- A job that is made before the shard has an owner fires from then on: W is not in the past.
INSERT INTO shard
SELECT n, 0, 0, 0, c.made_at, c.made_at, 0, 0, true, 0, 0 FROM generate_series(0, 63) n, cluster c;

CREATE TABLE zone_rules (
    -- By which rules of a time zone fires were computed: a row for each zone that a job has had, and one
    -- more for each change of its rules.
    zone       text   NOT NULL,
    valid_from bigint NOT NULL, -- 0: the first that are known
    release    text   NOT NULL, -- of the IANA database, or a digest
    data       bytea  NOT NULL, -- the compiled zone (RFC 9636)
    PRIMARY KEY (zone, valid_from)
);
