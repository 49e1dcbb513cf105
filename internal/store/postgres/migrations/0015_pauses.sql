-- Jobs that are paused until an instant, by that: options has {"pause":{"reason","until"}}. The other rows are not parsed.
CREATE INDEX CONCURRENTLY IF NOT EXISTS version_pause ON version (((options::jsonb #>> '{pause,until}')::bigint), job_id)
 WHERE effective_to IS NULL AND options LIKE '%"pause":{%';
