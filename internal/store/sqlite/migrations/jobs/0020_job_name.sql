CREATE TABLE job_name (
    -- One row for each job that exists: lists by name are read in this order. A table and not an index of "version",
    -- so that an edit that does not change the name changes nothing here.
    name TEXT NOT NULL, -- the first 100 characters of version.name, A to Z in lower case; '': the job has no name
    id   BLOB NOT NULL, -- job.id
    PRIMARY KEY (name, id)
) WITHOUT ROWID, STRICT;

INSERT INTO job_name
SELECT lower(substr(v.name, 1, 100)), v.job_id FROM version v JOIN job j ON j.id = v.job_id AND j.current_version = v.number
 WHERE j.deleted_at IS NULL ORDER BY 1, 2;
