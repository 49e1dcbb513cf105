CREATE TABLE api_key (
    -- One row for each API key. A key itself is nowhere: only its SHA-256. A
    -- revoked row stays as long as the trail of its time. The view "api_keys"
    -- shows the same for people.
    id           TEXT    NOT NULL PRIMARY KEY, -- the public part of the key
    hash         BLOB    NOT NULL UNIQUE,      -- SHA-256 of the whole key
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL,             -- viewer, editor or admin
    namespace    TEXT,                         -- the only one whose jobs it sees; NULL: all
    created_at   INTEGER NOT NULL,             -- Unix milliseconds, as all instants here
    expires_at   INTEGER,                      -- NULL: never
    last_used_at INTEGER,                      -- NULL: never; to the minute
    revoked_at   INTEGER                       -- NULL: it holds
) WITHOUT ROWID, STRICT;

CREATE TABLE change (
    -- The trail of changes: who did what. What a job was before and after is in
    -- its versions, which are kept for as long as the entry is. The view
    -- "changes" shows the same for people.
    at           INTEGER NOT NULL, -- when it was asked for
    nonce        INTEGER NOT NULL, -- tells changes of one millisecond apart
    action       TEXT    NOT NULL, -- CREATE, UPDATE, DELETE, TRIGGER, IMPORT, REVEAL, KEY_CREATE or KEY_REVOKE
    by_key       TEXT    NOT NULL, -- api_key.id; or env, loopback, anonymous
    by_name      TEXT,             -- of the key
    by_address   TEXT,             -- where the request came from
    job_id       BLOB,             -- NULL: not about one job
    version      INTEGER,          -- version.number after it; of a DELETE the last one
    execution_id BLOB,             -- of a TRIGGER
    key_id       TEXT,             -- of KEY_CREATE and KEY_REVOKE
    count        INTEGER NOT NULL, -- jobs that an IMPORT has made
    PRIMARY KEY (at, nonce)
) WITHOUT ROWID, STRICT;

CREATE INDEX change_job ON change (job_id) WHERE job_id IS NOT NULL;

-- Jobs by namespace, without those in "default", who are most.
CREATE INDEX version_namespace ON version (options ->> '$.namespace', job_id)
 WHERE options ->> '$.namespace' IS NOT NULL;

CREATE VIEW api_keys AS
SELECT id, name, role, namespace,
       strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', expires_at / 1000.0, 'unixepoch') AS expires_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', last_used_at / 1000.0, 'unixepoch') AS last_used_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', revoked_at / 1000.0, 'unixepoch') AS revoked_at
  FROM api_key;

CREATE VIEW changes AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at,
       action, by_key, by_name, by_address,
       lower(substr(hex(job_id), 1, 8) || '-' || substr(hex(job_id), 9, 4) || '-' || substr(hex(job_id), 13, 4) || '-' ||
             substr(hex(job_id), 17, 4) || '-' || substr(hex(job_id), 21)) AS job_id,
       version,
       lower(substr(hex(execution_id), 1, 8) || '-' || substr(hex(execution_id), 9, 4) || '-' || substr(hex(execution_id), 13, 4) || '-' ||
             substr(hex(execution_id), 17, 4) || '-' || substr(hex(execution_id), 21)) AS execution_id,
       key_id, count
  FROM change;
