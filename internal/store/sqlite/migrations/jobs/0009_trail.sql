-- Entries that tell of many requests or many jobs: what they chose or tried, how often,
-- and when for the last time.
ALTER TABLE change ADD COLUMN detail TEXT;                        -- of EXPORT and REVEAL the filter, of REFUSE the request
ALTER TABLE change ADD COLUMN times INTEGER NOT NULL DEFAULT 0;   -- how many requests a repeated entry stands for
ALTER TABLE change ADD COLUMN last_at INTEGER NOT NULL DEFAULT 0; -- of the last one

-- The entry of the import that has made a job; NULL: no import has, or it was one before this.
ALTER TABLE job ADD COLUMN import_at INTEGER;    -- change.at
ALTER TABLE job ADD COLUMN import_nonce INTEGER; -- change.nonce

DROP VIEW changes;

CREATE VIEW changes AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at,
       action, by_key, by_name, by_address,
       lower(substr(hex(job_id), 1, 8) || '-' || substr(hex(job_id), 9, 4) || '-' || substr(hex(job_id), 13, 4) || '-' ||
             substr(hex(job_id), 17, 4) || '-' || substr(hex(job_id), 21)) AS job_id,
       version,
       lower(substr(hex(execution_id), 1, 8) || '-' || substr(hex(execution_id), 9, 4) || '-' || substr(hex(execution_id), 13, 4) || '-' ||
             substr(hex(execution_id), 17, 4) || '-' || substr(hex(execution_id), 21)) AS execution_id,
       key_id, count, request_id, detail, times,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(last_at, 0) / 1000.0, 'unixepoch') AS last_at
  FROM change;
