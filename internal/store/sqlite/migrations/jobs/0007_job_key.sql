-- The key of a job, chosen by its client; NULL: none. One job of a namespace has it. A
-- version that is closed has given it back: by the next one, or with the job.
ALTER TABLE version ADD COLUMN key TEXT;

CREATE UNIQUE INDEX version_key ON version (key, coalesce(options ->> '$.namespace', 'default'))
 WHERE key IS NOT NULL AND effective_to IS NULL;

DROP VIEW jobs;
CREATE VIEW jobs AS
SELECT lower(substr(hex(j.id), 1, 8) || '-' || substr(hex(j.id), 9, 4) || '-' || substr(hex(j.id), 13, 4) || '-' ||
             substr(hex(j.id), 17, 4) || '-' || substr(hex(j.id), 21)) AS id,
       v.key, v.name, v.schedule, v.timezone, v.api, v.type, v.tags, v.headers, v.body, v.options,
       iif(j.is_active, 'yes', 'no') AS active,
       v.number AS version,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.created_at / 1000.0, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', v.effective_from / 1000.0, 'unixepoch') AS effective_from
  FROM job j JOIN version v ON v.job_id = j.id AND v.number = j.current_version
 WHERE j.deleted_at IS NULL;

DROP VIEW versions;
CREATE VIEW versions AS
SELECT lower(substr(hex(job_id), 1, 8) || '-' || substr(hex(job_id), 9, 4) || '-' || substr(hex(job_id), 13, 4) || '-' ||
             substr(hex(job_id), 17, 4) || '-' || substr(hex(job_id), 21)) AS job_id,
       number,
       strftime('%Y-%m-%dT%H:%M:%fZ', effective_from / 1000.0, 'unixepoch') AS effective_from,
       strftime('%Y-%m-%dT%H:%M:%fZ', effective_to / 1000.0, 'unixepoch') AS effective_to,
       iif(is_active, 'yes', 'no') AS active,
       key, schedule, timezone, api, type, name, tags, headers, body, options
  FROM version;
