-- What lists of jobs are answered from.

-- The namespace of a job never changes. NULL: "default", in which most jobs are.
ALTER TABLE job ADD COLUMN namespace TEXT;

UPDATE job SET namespace = (
       SELECT v.options ->> '$.namespace' FROM version v WHERE v.job_id = job.id LIMIT 1)
 WHERE id IN (SELECT job_id FROM version WHERE options ->> '$.namespace' IS NOT NULL);

DROP INDEX version_namespace;

CREATE INDEX job_namespace ON job (namespace, id) WHERE namespace IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX job_paused ON job (id) WHERE is_active = 0 AND deleted_at IS NULL;

CREATE TABLE job_block (
    -- One row for some 32 jobs whose ids follow each other: those from this start on up to
    -- that of the next row. "bits" says what these jobs may have in their names, URLs, ids
    -- and tags, so that a search skips most blocks. It may say too much, never too little.
    start  INTEGER NOT NULL PRIMARY KEY, -- the first 63 bits of an id
    jobs   INTEGER NOT NULL,             -- versions that were added since the block was made
    bits   BLOB                          -- NULL: not made yet, the jobs themselves are looked at
) STRICT;

-- The blocks to be rebuilt: see blockMost.
CREATE INDEX job_block_worn ON job_block (start) WHERE jobs > 128;

-- The jobs that are there already: blocks of them are made after the start.
INSERT INTO job_block SELECT 0, 129, NULL WHERE EXISTS (SELECT 1 FROM job);
