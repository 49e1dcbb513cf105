-- Which request asked for a change: the X-Request-Id of its answer, and request_id in the log.
ALTER TABLE change ADD COLUMN request_id TEXT; -- NULL: not known

CREATE INDEX change_request ON change (request_id) WHERE request_id IS NOT NULL;

DROP VIEW changes;

CREATE VIEW changes AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at,
       action, by_key, by_name, by_address,
       lower(substr(hex(job_id), 1, 8) || '-' || substr(hex(job_id), 9, 4) || '-' || substr(hex(job_id), 13, 4) || '-' ||
             substr(hex(job_id), 17, 4) || '-' || substr(hex(job_id), 21)) AS job_id,
       version,
       lower(substr(hex(execution_id), 1, 8) || '-' || substr(hex(execution_id), 9, 4) || '-' || substr(hex(execution_id), 13, 4) || '-' ||
             substr(hex(execution_id), 17, 4) || '-' || substr(hex(execution_id), 21)) AS execution_id,
       key_id, count, request_id
  FROM change;
