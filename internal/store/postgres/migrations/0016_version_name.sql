-- Lists by name are read in this order: the first 100 characters, A to Z in lower case, and then by Unicode's code points.
-- Without a locale of the database, so that all stores agree; and computed here, so that servers of the build before,
-- which go on meanwhile, keep it up to date too.
CREATE INDEX CONCURRENTLY IF NOT EXISTS version_name ON version
    ((lower(left(name, 100) COLLATE "C")), job_id) WHERE effective_to IS NULL;
