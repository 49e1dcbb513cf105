-- Whether an alert has changed since it was read by those who tell people of it.
ALTER TABLE alert ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;

CREATE INDEX alert_untold ON alert (job_id) WHERE untold = 1;
