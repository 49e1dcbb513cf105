-- The records that stand for a range of fires, MISSED or SKIPPED. Their key is
-- the last fire of the range: who looks at an instant has to look for those
-- that come after it.
CREATE INDEX execution_summary ON execution (scheduled_at, job_id, nonce) WHERE missed_from IS NOT NULL;
