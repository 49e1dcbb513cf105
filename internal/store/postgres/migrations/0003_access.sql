CREATE TABLE api_key (
    -- One row for each API key. A key itself is nowhere: only its SHA-256.
    id           text   NOT NULL PRIMARY KEY, -- the public part of the key
    hash         bytea  NOT NULL UNIQUE,      -- SHA-256 of the whole key
    name         text   NOT NULL,
    role         text   NOT NULL,             -- viewer, editor or admin
    namespace    text   NOT NULL,             -- the only one whose jobs it sees; empty: all
    created_at   bigint NOT NULL,             -- Unix milliseconds, as all instants here
    expires_at   bigint NOT NULL,             -- 0: never
    last_used_at bigint NOT NULL,             -- 0: never; to the minute
    revoked_at   bigint NOT NULL              -- 0: it holds
);

CREATE TABLE change (
    -- The trail of changes: who did what. What a job was before and after is in its versions, which are
    -- kept for as long as the entry is.
    at           bigint  NOT NULL, -- when it was asked for
    nonce        bigint  NOT NULL, -- tells changes of one millisecond apart
    action       text    NOT NULL,
    by_key       text    NOT NULL, -- api_key.id; or env, loopback, anonymous
    by_name      text    NOT NULL, -- of the key
    by_address   text    NOT NULL, -- where the request came from
    job_id       uuid,             -- NULL: not about one job
    version      integer NOT NULL, -- version.number after it; of a DELETE the last one
    execution_id uuid,             -- of a TRIGGER
    key_id       text    NOT NULL, -- of KEY_CREATE and KEY_REVOKE
    count        bigint  NOT NULL, -- jobs that an IMPORT has made
    request_id   text,             -- X-Request-Id of the answer; NULL: not known
    detail       text    NOT NULL, -- of EXPORT and REVEAL the filter, of REFUSE the request
    times        bigint  NOT NULL, -- how many requests a repeated entry stands for
    last_at      bigint  NOT NULL, -- of the last one
    operation_id uuid,             -- the operation that has made the change
    PRIMARY KEY (at, nonce)
);

CREATE INDEX change_job ON change (job_id, at, nonce) WHERE job_id IS NOT NULL;
CREATE INDEX change_operation ON change (operation_id, at, nonce) WHERE operation_id IS NOT NULL;
CREATE INDEX change_request ON change (request_id, at, nonce) WHERE request_id IS NOT NULL;

CREATE TABLE idempotency (
    -- One row for each request with an Idempotency-Key of the last 24 hours: what it made.
    key          bytea   NOT NULL PRIMARY KEY, -- hash of the caller and the key that he sent
    caller       text    NOT NULL,             -- api_key.id; or env, loopback, anonymous
    fingerprint  bytea   NOT NULL,             -- hash of what was asked for
    at           bigint  NOT NULL,             -- of the first request
    job_id       uuid,                         -- that was made or triggered
    execution_id uuid,                         -- that was started
    key_id       text    NOT NULL,             -- of the API key that was made
    items        integer NOT NULL,             -- of an import: that were read up to the last commit
    digest       bytea   NOT NULL,             -- of their texts
    done         boolean NOT NULL,             -- of an import: it has ended
    status       integer NOT NULL,             -- of a refusal; 0: it was not refused
    refusal      bytea,                        -- the answer then
    operation_id uuid                          -- that was begun
);

CREATE INDEX idempotency_at ON idempotency (at);

CREATE TABLE idempotency_use (
    -- How much the rows of a caller take. Each caller has several rows, which are added up, so that
    -- requests do not wait for each other.
    caller text     NOT NULL,
    slot   smallint NOT NULL,
    bytes  bigint   NOT NULL,
    PRIMARY KEY (caller, slot)
) WITH (fillfactor = 50);

CREATE TABLE operation (
    -- One row for each operation on many jobs, for as long as the trail of its time.
    id             uuid    NOT NULL PRIMARY KEY, -- UUIDv7
    action         text    NOT NULL,             -- PAUSE, RESUME, TRIGGER, DELETE or TAG
    tags           text,                         -- JSON; of TAG
    named          integer NOT NULL,             -- how many ids the request had; 0: it had a filter
    filter         text,                         -- JSON; NULL: every job
    namespace      text    NOT NULL,             -- the only one that its author sees; empty: all
    by_key         text    NOT NULL,             -- api_key.id; or env, loopback, anonymous
    by_name        text    NOT NULL,             -- of the key
    by_address     text    NOT NULL,             -- where the request came from
    role           text    NOT NULL,             -- of the author, then
    request_id     text    NOT NULL,             -- empty: not known
    created_at     bigint  NOT NULL,
    state          text    NOT NULL,             -- MATCHING, RUNNING, DONE, CANCELLED or FAILED
    matched        bigint  NOT NULL,             -- jobs
    not_found      bigint  NOT NULL,             -- ids of the request that are of no job
    done           bigint  NOT NULL,             -- of the jobs that were matched, as the three below
    unchanged      bigint  NOT NULL,             -- were like that already
    skipped        bigint  NOT NULL,             -- were deleted by others before their turn
    failed         bigint  NOT NULL,
    errors         text,                         -- JSON; the first ones
    fault          text    NOT NULL,             -- why it is FAILED
    matched_at     bigint  NOT NULL,             -- when all jobs were matched; 0: not yet
    ended_at       bigint  NOT NULL,             -- 0: not yet
    matched_to     uuid,                         -- the job up to which the list of jobs was read
    step_at        bigint  NOT NULL,             -- the instant of the changes under way; 0: there are none
    cancel_at      bigint  NOT NULL DEFAULT 0,   -- when it was to be cancelled; 0: it was not
    cancel_key     text    NOT NULL DEFAULT '',  -- by whom, as by_key
    cancel_name    text    NOT NULL DEFAULT '',
    cancel_address text    NOT NULL DEFAULT ''
);

CREATE INDEX operation_open ON operation (id) WHERE ended_at = 0;
CREATE INDEX operation_ended ON operation (ended_at) WHERE ended_at <> 0;
CREATE INDEX operation_namespace ON operation (namespace, id);

CREATE TABLE operation_job (
    -- The jobs that an operation has still to deal with.
    operation_id uuid NOT NULL, -- operation.id
    job_id       uuid NOT NULL,
    PRIMARY KEY (operation_id, job_id)
);
