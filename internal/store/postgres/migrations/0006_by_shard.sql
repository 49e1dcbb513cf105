-- Who takes a shard over reads its jobs in this order, and no others.
CREATE INDEX version_shard ON version (shard, job_id, number);

-- Most rows are changed by the owner of the shard, and have revision 0.
DROP INDEX version_revision;
CREATE INDEX version_revision ON version (shard, revision) WHERE revision > 0;
