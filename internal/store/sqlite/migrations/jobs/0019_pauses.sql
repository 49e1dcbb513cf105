-- Jobs that are paused until an instant, by that: options has {"pause":{"reason","until"}}. The other rows are not parsed,
-- and one that cannot be is not in the way of its repair.
CREATE INDEX version_pause ON version (options ->> '$.pause.until', job_id)
 WHERE effective_to IS NULL AND instr(options, '"pause":{') > 0 AND json_valid(options);
